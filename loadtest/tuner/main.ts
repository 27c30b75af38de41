/**
 * `npm run bench:tuner`: does the tuner find a better setting than the default? A server on a core of its own under each of
 * some loads. First the tuner works in `auto`; then what it found is compared with the default, in turns under the same load.
 * Needs a built `dist/` and Linux' taskset. The exit code is 1 when fewer than three loads are better off, or any worse.
 *
 *   --only name,name     some of the loads
 *   --rounds n           of the tuner (50), of --round-seconds each (5; by itself a server makes one every 10 s)
 *   --pairs n            of measurements, with the default and with what was found (4), of --seconds each (8)
 *   --set knob=n,knob=n  no tuner: compares this setting with the default
 */
import { parseArgs } from 'node:util';
import { TUNER_LOADS, type TunerLoad } from './loads.js';
import { SteeredServer, type Figures, type Setting, type Step } from './steered-server.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    pairs: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '50' },
    'round-seconds': { type: 'string', default: '5' },
    only: { type: 'string' },
    set: { type: 'string' },
  },
});
const MEASURE_MS = Number(values.seconds) * 1_000;
const ROUND_MS = Number(values['round-seconds']) * 1_000;
const PAIRS = Number(values.pairs);
const ROUNDS = Number(values.rounds);
/** Of the CPU time per delivery: what is called better or worse. */
const DIFFERENCE = 0.08;
const WANTED_BETTER = 3;

type Verdict = 'better' | 'worse' | 'same';

interface Pair {
  readonly asItComes: Figures;
  readonly tuned: Figures;
}

async function run(load: TunerLoad): Promise<{ row: string; verdict: Verdict }> {
  process.stderr.write(`${load.title}\n`);
  const seconds = (ROUNDS * ROUND_MS + PAIRS * 2 * (MEASURE_MS + 2_500)) / 1_000 + 20;
  const server = await SteeredServer.start(load, seconds);
  try {
    const steps = values.set === undefined ? await server.tune(load.targets, ROUNDS, ROUND_MS) : [];
    for (const step of steps) process.stderr.write(`  ${told(step)}\n`);
    const found = values.set === undefined ? await server.setting() : settingFrom(values.set);
    const pairs: Pair[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      // The order alternates: what the machine does meanwhile falls on both.
      const first = await server.measure(pair % 2 === 0 ? {} : found, MEASURE_MS);
      const second = await server.measure(pair % 2 === 0 ? found : {}, MEASURE_MS);
      const [asItComes, tuned] = pair % 2 === 0 ? [first, second] : [second, first];
      pairs.push({ asItComes, tuned });
      process.stderr.write(`  as it comes ${shown(asItComes)}; tuned ${shown(tuned)}\n`);
    }
    const setting = moved(server.home, found);
    const verdict = setting === undefined ? 'same' : verdictOf(pairs);
    const kept = steps.filter(({ outcome }) => outcome === 'kept').length;
    const cells = [
      ...[load.title, shown(middle(pairs.map(({ asItComes }) => asItComes)))],
      ...[shown(middle(pairs.map(({ tuned }) => tuned))), verdict, setting ?? 'as it was'],
      ...[kept, steps.length - kept],
    ];
    return { row: `| ${cells.join(' | ')} |`, verdict };
  } finally {
    await server.stop();
  }
}

/** Better or worse only if every pair says so, and their median by enough. */
function verdictOf(pairs: readonly Pair[]): Verdict {
  const ratios = pairs.map(({ asItComes, tuned }) => tuned.cpuMs / asItComes.cpuMs);
  if (ratios.every((ratio) => ratio < 1) && median(ratios) <= 1 - DIFFERENCE) return 'better';
  if (ratios.every((ratio) => ratio > 1) && median(ratios) >= 1 + DIFFERENCE) return 'worse';
  return 'same';
}

function told({ knob, from, to, outcome, before, after }: Step): string {
  const felt = `CPU ${(before.cpuShare * 100).toFixed(1)} → ${(after.cpuShare * 100).toFixed(1)} %, objective ${before.objective.toFixed(3)} → ${after.objective.toFixed(3)}`;
  return `${outcome.padEnd(10)} ${knob} ${short(from)} → ${short(to)}: ${felt}`;
}

const median = (all: readonly number[]): number => {
  const sorted = [...all].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, sorted[Math.floor(sorted.length / 2)] ?? 0];
  return (low + high) / 2;
};
const middle = (all: readonly Figures[]): Figures => ({
  cpuMs: median(all.map(({ cpuMs }) => cpuMs)),
  p50Ms: median(all.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(all.map(({ p99Ms }) => p99Ms)),
});
const shown = ({ cpuMs, p50Ms, p99Ms }: Figures): string =>
  `${cpuMs.toFixed(1)} ms, ${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)} ms`;
const short = (value: number): string =>
  value > 1e6 ? `${Math.round(value / 2 ** 20)} MiB` : String(Math.round(value));
const moved = (home: Setting, found: Setting): string | undefined =>
  Object.entries(found)
    .filter(([name, value]) => value !== home[name])
    .map(([name, value]) => `\`${name}\` ${short(home[name] ?? 0)} → ${short(value)}`)
    .join(', ') || undefined;

/** @throws RangeError */
function settingFrom(text: string): Setting {
  const entries = text.split(',').map((one): [string, number] => {
    const [name = '', value] = one.split('=');
    if (!Number.isFinite(Number(value))) throw new RangeError(`--set takes knob=number, not "${one}"`);
    return [name, Number(value)];
  });
  return Object.fromEntries(entries);
}

const wanted = values.only?.split(',');
const results: { row: string; verdict: Verdict }[] = [];
for (const load of TUNER_LOADS) {
  if (wanted === undefined || wanted.includes(load.name)) results.push(await run(load));
}
process.stdout.write(
  `| load | as it comes: CPU per 1,000 deliveries, latency p50 / p99 | tuned | | setting | kept | taken back |\n|---|---|---|---|---|---|---|\n`,
);
for (const { row } of results) process.stdout.write(`${row}\n`);
const count = (verdict: Verdict): number => results.filter((result) => result.verdict === verdict).length;
const isShown = count('worse') === 0 && (wanted !== undefined || count('better') >= WANTED_BETTER);
if (values.set === undefined && !isShown) process.exitCode = 1;
