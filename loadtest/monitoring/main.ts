/**
 * `npm run bench:monitoring`: what it costs a server at 1,000 edits a second on forms to be watched: without monitoring
 * (PERFORMANCE_MONITORING=false), with it as by default (analytics of edits, latencies), and with OpenTelemetry besides: a
 * collector that is configured and sent nothing, and one that is sent the default share. Needs a built `dist/` and Linux'
 * taskset.
 *
 * Two servers that differ in one step run at once, on one core, each under the whole load: what the machine does meanwhile
 * falls on both, where servers in turns differed by a fifth for nothing. Two without a difference tell what is left of that.
 *
 * `--seconds n` of each measurement (20), `--rounds n` of all pairs (3).
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPinnedServer } from '../load/pinned-server.js';
import { startLoad } from '../tuner/loads.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, rounds: { type: 'string', default: '3' } },
});
const LOAD = {
  ...{ name: 'forms', title: '100 forms, 2 writers each, 1,000 edits/s', kind: 'edits' as const, folder: 'form/' },
  ...{ rooms: 100, writers: 2, readers: 0, perSecond: 1_000, targets: {} },
};
const WARM_UP_MS = 6_000;

const collector = await startCollector();
const endpoint = `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
const WITHOUT = ['PERFORMANCE_MONITORING=false'];
const UNSAMPLED = [endpoint, 'OTEL_TRACES_SAMPLER_ARG=0'];
const STEPS: readonly {
  readonly title: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}[] = [
  { title: 'nothing (two without monitoring)', before: WITHOUT, after: WITHOUT },
  { title: 'monitoring and analytics', before: WITHOUT, after: [] },
  { title: 'traces, none sampled', before: [], after: UNSAMPLED },
  { title: 'traces, 5 % sampled', before: UNSAMPLED, after: [endpoint] },
];

interface Loaded {
  /** Processor time per delivered edit in microseconds, since the last time. */
  perEdit(): number;
  stop(): Promise<void>;
}

async function startLoaded(settings: readonly string[]): Promise<Loaded> {
  const folder = await mkdtemp(path.join(tmpdir(), 'formloom-monitoring-'));
  const { child, port, usage } = await startPinnedServer(folder, settings);
  const load = await startLoad(LOAD, port);
  let since = usage.cpuSeconds();
  return {
    // By what was delivered: a load that was held up by its neighbours is no cheaper. Each edit goes to one other.
    perEdit: () => {
      const now = usage.cpuSeconds();
      const perEdit = ((now - since) / Math.max(1, load.latency.count)) * 1e6;
      since = now;
      load.latency.reset();
      return perEdit;
    },
    stop: async () => {
      await load.stop();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Both at once; who is started first has no advantage in the end. */
async function measure(settings: readonly (readonly string[])[], isTurned: boolean): Promise<number[]> {
  const servers: Loaded[] = [];
  try {
    for (const one of isTurned ? settings.toReversed() : settings) servers.push(await startLoaded(one));
    await pause(WARM_UP_MS);
    for (const server of servers) server.perEdit();
    await pause(Number(values.seconds) * 1_000);
    const perEdit = servers.map((server) => server.perEdit());
    return isTurned ? perEdit.toReversed() : perEdit;
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** Takes traces and forgets them. */
async function startCollector(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const median = (all: readonly number[]): number => {
  const sorted = [...all].sort((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.floor(sorted.length / 2)] ?? 0)) / 2;
};
const measured = STEPS.map((): { before: number; after: number }[] => []);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [i, step] of STEPS.entries()) {
    const [before = 0, after = 0] = await measure([step.before, step.after], round % 2 === 1);
    measured[i]?.push({ before, after });
    process.stderr.write(`${step.title}: ${before.toFixed(0)} and ${after.toFixed(0)} µs\n`);
  }
}
collector.close();
process.stdout.write(
  `${LOAD.title}\n\n| | µs of server CPU per edit without | with | more, median | lowest, highest |\n`,
);
process.stdout.write('|---|---:|---:|---:|---|\n');
for (const [i, { title }] of STEPS.entries()) {
  const all = measured[i] ?? [];
  const more = all.map(({ before, after }) => (after / before - 1) * 100).sort((a, b) => a - b);
  const [before, after] = [median(all.map((one) => one.before)), median(all.map((one) => one.after))];
  const range = `${more[0]?.toFixed(1)} %, ${more.at(-1)?.toFixed(1)} %`;
  process.stdout.write(
    `| ${title} | ${before.toFixed(0)} | ${after.toFixed(0)} | ${median(more).toFixed(1)} % | ${range} |\n`,
  );
}
