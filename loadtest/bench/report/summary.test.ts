import t from 'tap';
import type { Outcome, Scenario } from '../scenarios/scenario.js';
import type { ServerName } from '../servers/server.js';
import { pageOf } from './page.js';
import type { RunRecord } from './records.js';
import { spreadOf, summarize } from './summary.js';
import { tableOf } from './table.js';

const scenario: Scenario = {
  id: 's6',
  title: 'Ten <rooms>',
  description: 'At full speed.',
  group: 'standard',
  servers: ['formloom', 'hocuspocus'],
  figures: [{ id: 'cpuUs', label: 'server CPU per edit', unit: 'µs' }],
  run: async () => outcome(0),
};

const outcome = (cpuUs: number, problems: string[] = []): Outcome => ({
  figures: { cpuUs },
  content: { expected: 1, delivered: 1, duplicates: 0, problems },
});

const run = (server: ServerName, repetition: number, result: Outcome): RunRecord => ({
  server,
  repetition,
  outcome: result,
});

const record = (runs: readonly RunRecord[], isAtOnce = false): Parameters<typeof summarize>[0] => ({
  scenario,
  servers: [
    { name: 'formloom', title: 'Formloom' },
    { name: 'hocuspocus', title: 'Hocuspocus' },
  ],
  runs,
  isAtOnce,
  profile: undefined,
});

t.test('a spread is the median with the smallest and the largest', async (t) => {
  t.match(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
  t.equal(spreadOf([4, 1]).median, 2.5);
});

t.test('ratios are against Formloom, and a goal compares medians', async (t) => {
  const summary = summarize(
    record([
      ...[10, 30, 20].map((value, i) => run('formloom', i, outcome(value))),
      ...[80, 100, 90].map((value, i) => run('hocuspocus', i, outcome(value))),
    ]),
  );
  t.equal(summary.servers[1]?.ratio, 4.5);
  t.match(summary.goals, [{ limit: 0.4, isMet: true }]);
  t.equal(summary.hasProblems, false);
});

t.test('what ran at the same time is compared run by run', async (t) => {
  const runs = [
    ...[10, 30, 20].map((value, i) => run('formloom', i, outcome(value))),
    ...[11, 31, 26].map((value, i) => run('hocuspocus', i, outcome(value))),
  ];
  t.equal(summarize(record(runs, true)).servers[1]?.ratio, 1.1, 'a machine that slows down meets both');
  t.equal(summarize(record(runs)).servers[1]?.ratio, 1.3);
});

t.test('what was lost or failed is shown in the table and on the page', async (t) => {
  const summary = summarize(
    record([
      run('formloom', 0, outcome(10, ['3 of 4 edits delivered', 'another'])),
      { server: 'hocuspocus', repetition: 0, failure: 'did not become ready' },
    ]),
  );
  t.equal(summary.hasProblems, true);
  t.strictSame(summary.goals, [], 'a goal without both figures is not judged');
  const circumstances = {
    takenAt: '2026-01-02T03:04:05.000Z',
    node: 'v20',
    cpu: 'a CPU',
    cores: 2,
    kernel: '6',
    commit: undefined,
    repetitions: 1,
    isQuick: false,
  };
  for (const text of [tableOf([summary]), pageOf(circumstances, [summary])]) {
    t.match(text, '3 of 4 edits delivered, and 1 more');
    t.match(text, 'did not become ready');
  }
  t.match(pageOf(circumstances, [summary]), 'Ten &lt;rooms&gt;');
});
