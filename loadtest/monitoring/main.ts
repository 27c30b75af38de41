/**
 * `npm run bench:monitoring`: what it costs a server at 1,000 edits a second on forms to be watched. The same load, in turns,
 * on a server without monitoring (PERFORMANCE_MONITORING=false), with it as by default (analytics of edits, latencies), and
 * with OpenTelemetry besides: a collector that is configured and sent nothing, and one that is sent the default share.
 * Needs a built `dist/` and Linux' taskset.
 *
 * `--seconds n` of each measurement (10), `--rounds n` of all variants (4).
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
  options: { seconds: { type: 'string', default: '10' }, rounds: { type: 'string', default: '4' } },
});
const LOAD = {
  ...{ name: 'forms', title: '100 forms, 2 writers each, 1,000 edits/s', kind: 'edits' as const, folder: 'form/' },
  ...{ rooms: 100, writers: 2, readers: 0, perSecond: 1_000, targets: {} },
};
const WARM_UP_MS = 6_000;

const collector = await startCollector();
const endpoint = `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
const VARIANTS: readonly { readonly title: string; readonly settings: readonly string[] }[] = [
  { title: 'without monitoring', settings: ['PERFORMANCE_MONITORING=false'] },
  { title: 'monitoring and analytics', settings: [] },
  { title: 'and traces, none sampled', settings: [endpoint, 'OTEL_TRACES_SAMPLER_ARG=0'] },
  { title: 'and traces, 5 % sampled', settings: [endpoint] },
];

/** Processor time per delivered edit in microseconds. */
async function measure(settings: readonly string[]): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'formloom-monitoring-'));
  const { child, port, usage } = await startPinnedServer(folder, settings);
  try {
    const load = await startLoad(LOAD, port);
    await pause(WARM_UP_MS);
    load.latency.reset();
    const cpu = usage.cpuSeconds();
    await pause(Number(values.seconds) * 1_000);
    // By what was delivered: a load that was held up by its neighbours is no cheaper. Each edit goes to one other.
    const perEdit = ((usage.cpuSeconds() - cpu) / Math.max(1, load.latency.count)) * 1e6;
    await load.stop();
    return perEdit;
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
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
const measured = VARIANTS.map((): number[] => []);
for (let round = 0; round < Number(values.rounds); round++) {
  // Each round begins with another one: what the machine does meanwhile falls on all.
  for (let i = 0; i < VARIANTS.length; i++) {
    const at = (i + round) % VARIANTS.length;
    measured[at]?.push(await measure(VARIANTS[at]?.settings ?? []));
  }
  process.stderr.write(`${measured.map((all) => `${all.at(-1)?.toFixed(0)} µs`).join(', ')}\n`);
}
collector.close();
/** Of one round: what slows all down for a minute is in both. */
const sharesTo = (all: readonly number[], than: readonly number[]): number =>
  median(all.map((one, i) => (one / (than[i] ?? one) - 1) * 100));
process.stdout.write(`${LOAD.title}\n\n| | µs of server CPU per edit | more than the line above |\n|---|---|---|\n`);
for (const [i, { title }] of VARIANTS.entries()) {
  const all = measured[i] ?? [];
  const share = i === 0 ? '' : `${sharesTo(all, measured[i - 1] ?? []).toFixed(1)} %`;
  process.stdout.write(`| ${title} | ${median(all).toFixed(0)} | ${share} |\n`);
}
