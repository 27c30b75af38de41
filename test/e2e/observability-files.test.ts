/** The files for Prometheus and Grafana name metrics and labels that a server has, and runbook sections that exist. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { composeServer } from '../harness/composed-server.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const FOLDER = path.join(ROOT, 'docker/observability');
const server = await composeServer();
t.teardown(() => server.cleanup());
const exposition = await (await fetch(`${server.http}/metrics`)).text();
/** Names that a query can use: of histograms, those of their series. */
const known = new Set(
  [...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  ),
);
const namesIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/formloom_[a-z0-9_]+/g)].map(([name]) => name)),
];

void t.test('alert rules name metrics that exist, and a section of the runbook', async (t) => {
  const rules = await readFile(path.join(FOLDER, 'alert-rules.yml'), 'utf8');
  const expressions = [...rules.matchAll(/^ +expr: (.+)$/gm)].map(([, expression = '']) => expression);
  t.ok(expressions.length >= 10);
  t.strictSame(
    namesIn(expressions.join('\n')).filter((name) => !known.has(name)),
    [],
  );
  const runbook = await readFile(path.join(ROOT, 'docs/alerts.md'), 'utf8');
  const sections = [...rules.matchAll(/^ +runbook: (.+)$/gm)].map(([, section = '']) => section);
  t.equal(sections.length, expressions.length);
  t.strictSame(
    sections.filter((section) => !runbook.includes(`\n### ${section}\n`)),
    [],
  );
});

void t.test('every panel asks for metrics that exist, and every metric has a panel or a rule', async (t) => {
  const dashboard = JSON.parse(await readFile(path.join(FOLDER, 'grafana/dashboards/formloom.json'), 'utf8'));
  const panels = dashboard.panels as { type: string; title: string; targets?: { expr: string }[] }[];
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  t.ok(panels.filter(({ type }) => type !== 'row').every(({ targets }) => (targets ?? []).length > 0));
  const shown = namesIn(expressions.join('\n'));
  t.strictSame(
    shown.filter((name) => !known.has(name)),
    [],
  );
  // What a person looks up when they need it.
  const unshown = /_sum$|_count$|ticks_total|build_info|start_time|frames_ignored|queue_capacity|disk_total/;
  t.strictSame(
    [...known].filter((name) => !shown.includes(name) && !unshown.test(name)),
    [],
  );
});

void t.test('the table of operations has each metric, and no other', async (t) => {
  const operations = await readFile(path.join(ROOT, 'docs/operations.md'), 'utf8');
  const metrics = [...exposition.matchAll(/^# TYPE (formloom_\S+)/gm)].map(([, name = '']) => name);
  const rows = [...operations.matchAll(/^\| (`formloom_[^|]+) \|/gm)].flatMap(([, cell = '']) => namesIn(cell));
  t.strictSame(rows.sort(), metrics.sort());
});

void t.test('promtool takes configuration and rules, where it is installed', async (t) => {
  const run = promisify(execFile);
  const isThere = await run('promtool', ['--version']).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    t.comment('promtool is not installed (Debian package prometheus)');
    return;
  }
  await t.resolves(run('promtool', ['check', 'config', path.join(FOLDER, 'prometheus.yml')]));
  await t.resolves(run('promtool', ['check', 'rules', path.join(FOLDER, 'alert-rules.yml')]));
});
