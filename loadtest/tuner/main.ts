/**
 * `npm run bench:tuner`: does the tuner find a better setting than the default? A server on a core of its own under each of
 * some loads: first as it comes, then with the tuner in `auto`, a round every ten seconds, then with what it found. Needs a
 * built `dist/` and Linux' taskset.
 *
 * `--seconds n` of each measurement (8), `--rounds n` of the tuner (12), `--only name`.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPinnedServer } from '../load/pinned-server.js';
import type { ProcessUsage } from '../load/measuring/process-usage.js';
import { startLoad, TUNER_LOADS, type RunningLoad, type TunerLoad } from './loads.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '12' },
    only: { type: 'string' },
  },
});
const MEASURE_MS = Number(values.seconds) * 1_000;
const ROUNDS = Number(values.rounds);
const ROUND_MS = 10_000;
const SETTLE_MS = 2_000;

interface Step {
  readonly knob: string;
  readonly from: number;
  readonly to: number;
  readonly outcome: 'kept' | 'taken back';
  readonly before: { readonly objective: number; readonly cpuShare: number };
  readonly after: { readonly objective: number; readonly cpuShare: number };
}
interface Figures {
  readonly cpuPercent: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function call(port: number, method: string, route: string, body?: object): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1${route}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function measure(load: RunningLoad, usage: ProcessUsage): Promise<Figures> {
  await pause(SETTLE_MS);
  load.latency.reset();
  const [cpu, at] = [usage.cpuSeconds(), performance.now()];
  await pause(MEASURE_MS);
  const cpuPercent = ((usage.cpuSeconds() - cpu) / ((performance.now() - at) / 1_000)) * 100;
  return { cpuPercent, p50Ms: load.latency.quantile(0.5), p99Ms: load.latency.quantile(0.99) };
}

/** The tuner's own rounds, one every ten seconds. Answers the steps that it judged, oldest first. */
async function tune(port: number, targets: object): Promise<Step[]> {
  await call(port, 'PUT', '/optimization/tuner', { mode: 'auto', targets });
  await pause(ROUNDS * ROUND_MS);
  // Leaving `auto` takes back what is on trial; what was kept stays.
  await call(port, 'PUT', '/optimization/tuner', { mode: 'off' });
  const { data } = (await call(port, 'GET', '/optimization/tuner/history')) as { data: Step[] };
  const steps = data.reverse();
  for (const { knob, from, to, outcome, before, after } of steps) {
    const felt = `CPU ${(before.cpuShare * 100).toFixed(1)} → ${(after.cpuShare * 100).toFixed(1)} %, objective ${before.objective.toFixed(3)} → ${after.objective.toFixed(3)}`;
    process.stderr.write(`  ${outcome.padEnd(10)} ${knob} ${short(from)} → ${short(to)}: ${felt}\n`);
  }
  return steps;
}

async function run(load: TunerLoad): Promise<string> {
  process.stderr.write(`${load.title}\n`);
  const folder = await mkdtemp(path.join(tmpdir(), 'formloom-tuner-'));
  const { child, port, usage } = await startPinnedServer(folder);
  try {
    const running = await startLoad(load, port);
    const asItComes = await measure(running, usage);
    const steps = await tune(port, load.targets);
    const tuned = await measure(running, usage);
    const { knobs } = (await call(port, 'GET', '/optimization/tuner')) as {
      knobs: { name: string; value: number; initial: number }[];
    };
    await running.stop();
    const moved = knobs
      .filter(({ value, initial }) => value !== initial)
      .map(({ name, value, initial }) => `${name} ${short(initial)} → ${short(value)}`);
    const kept = steps.filter(({ outcome }) => outcome === 'kept').length;
    const figures = ({ cpuPercent, p50Ms, p99Ms }: Figures): string =>
      `${cpuPercent.toFixed(1)} %, ${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)} ms`;
    return `| ${load.title} | ${figures(asItComes)} | ${figures(tuned)} | ${moved.join(', ') || 'as it was'} | ${kept} | ${steps.length - kept} |`;
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

const short = (value: number): string =>
  value > 1e6 ? `${Math.round(value / 2 ** 20)} MiB` : String(Math.round(value));

const rows: string[] = [];
for (const load of TUNER_LOADS) {
  if (values.only === undefined || load.name === values.only) rows.push(await run(load));
}
process.stdout.write(
  `| load | as it comes: CPU, latency p50 / p99 | tuned | setting | kept | taken back |\n|---|---|---|---|---|---|\n${rows.join('\n')}\n`,
);
