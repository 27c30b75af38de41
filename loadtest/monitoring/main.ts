/**
 * `npm run bench:monitoring`: what analytics and the measuring of latencies cost a server at 1,000 edits a second on forms.
 * The same load with PERFORMANCE_MONITORING on and off, alternating. Needs a built `dist/` and Linux' taskset.
 *
 * `--seconds n` of each measurement (10), `--pairs n` (4).
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPinnedServer } from '../load/pinned-server.js';
import { startLoad } from '../tuner/loads.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, pairs: { type: 'string', default: '4' } },
});
const LOAD = {
  ...{ name: 'forms', title: '100 forms, 2 writers each, 1,000 edits/s', kind: 'edits' as const, folder: 'form/' },
  ...{ rooms: 100, writers: 2, readers: 0, perSecond: 1_000, targets: {} },
};
const WARM_UP_MS = 3_000;

/** Processor time per edit in microseconds. */
async function measure(isOn: boolean): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'formloom-monitoring-'));
  const { child, port, usage } = await startPinnedServer(folder, [`PERFORMANCE_MONITORING=${isOn}`]);
  try {
    const load = await startLoad(LOAD, port);
    await pause(WARM_UP_MS);
    const [cpu, at] = [usage.cpuSeconds(), performance.now()];
    await pause(Number(values.seconds) * 1_000);
    const perSecond = (usage.cpuSeconds() - cpu) / ((performance.now() - at) / 1_000);
    await load.stop();
    return (perSecond / LOAD.perSecond) * 1e6;
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
const [on, off]: [number[], number[]] = [[], []];
for (let pair = 0; pair < Number(values.pairs); pair++) {
  // The order alternates: what the machine does meanwhile falls on both.
  const order = pair % 2 === 0 ? [true, false] : [false, true];
  for (const isOn of order) (isOn ? on : off).push(await measure(isOn));
  process.stderr.write(`on ${on.at(-1)?.toFixed(0)} µs, off ${off.at(-1)?.toFixed(0)} µs per edit\n`);
}
const share = (median(on) / median(off) - 1) * 100;
process.stdout.write(
  `${LOAD.title}: ${median(on).toFixed(0)} µs of server CPU per edit with monitoring and analytics, ${median(off).toFixed(0)} µs without: ${share.toFixed(1)} %\n`,
);
