/** `npm run fuzz`: frames and whole clients against a server process of its own, for as long as it is told. */
import { parseArgs } from 'node:util';
import { fuzzClients } from './client-fuzz.js';
import { fuzzFrames } from './frame-fuzz.js';
import { targetOfItsOwn } from './fuzz-target.js';
import { RandomSource } from './random-source.js';

const HELP = `npm run fuzz -- [options]

Sends frames of any kind and lets whole clients edit, stall, vanish and return, in any order, against a server process.
Ends at the first failure; every failure says how to repeat it.

  --minutes N       how long (default 1); half of it for frames, half for clients
  --frames N        instead: until so many frames were sent
  --only KIND       frames, or clients
  --seed N          the same choices again (default: another seed each time)
  --json            one JSON object on standard output in the end
  --help            this text
`;

const MEMORY_GROWTH_BYTES = 768 * 1024 * 1024;
const FRAMES_PER_ROUND = 4_000;
const MINUTE_MS = 60_000;
const TELL_EVERY_MS = 10_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      frames: { type: 'string' },
      only: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const seed = values.seed === undefined ? Date.now() % 2 ** 32 : numberOf('--seed', values.seed);
  const maxFrames = values.frames === undefined ? Infinity : numberOf('--frames', values.frames);
  const minutes = values.minutes === undefined ? 1 : numberOf('--minutes', values.minutes);
  const { only } = values;
  if (only !== undefined && only !== 'frames' && only !== 'clients')
    throw new RangeError('--only is frames or clients');
  const partMs = (minutes * MINUTE_MS) / (only === undefined ? 2 : 1);
  say(`seed ${seed}`);

  const failures: string[] = [];
  let [frames, thrownOut, steps, seconds] = [0, 0, 0, 0];
  const withTarget = async (
    kind: string,
    fuzz: (target: Awaited<ReturnType<typeof targetOfItsOwn>>, random: RandomSource) => Promise<readonly string[]>,
  ): Promise<void> => {
    const target = await targetOfItsOwn();
    try {
      const found = await fuzz(target, new RandomSource(seed));
      if (found.length > 0) failures.push(...found, `repeat it with: npm run fuzz -- --only ${kind} --seed ${seed}`);
    } finally {
      await target.cleanup();
    }
  };
  if (only !== 'clients') {
    await withTarget('frames', async (target, random) => {
      const startedAt = performance.now();
      let toldAt = startedAt;
      const report = await fuzzFrames({
        target,
        random,
        framesPerRound: FRAMES_PER_ROUND,
        memoryGrowthBytes: MEMORY_GROWTH_BYTES,
        isOver: (sent) => {
          const now = performance.now();
          if (now - toldAt > TELL_EVERY_MS) {
            toldAt = now;
            say(`${sent} frames`);
          }
          return values.frames === undefined ? now - startedAt > partMs : sent >= maxFrames;
        },
      });
      ({ frames, thrownOut } = report);
      seconds = (performance.now() - startedAt) / 1_000;
      say(`frames: ${frames} sent, ${thrownOut} times thrown out, ${JSON.stringify(report.errors)}`);
      return report.failures;
    });
  }
  if (only !== 'frames' && failures.length === 0) {
    await withTarget('clients', async (target, random) => {
      const end = performance.now() + partMs;
      const report = await fuzzClients({ target, random, isOver: () => performance.now() > end });
      steps = report.steps;
      say(`clients: ${steps} steps`);
      return report.failures;
    });
  }
  for (const failure of failures) say(failure);
  if (values.json === true) {
    const framesPerSecond = seconds === 0 ? 0 : Math.round(frames / seconds);
    process.stdout.write(`${JSON.stringify({ seed, frames, framesPerSecond, thrownOut, steps, failures })}\n`);
  }
  say(failures.length === 0 ? 'nothing found' : 'FAILED');
  return failures.length === 0 ? 0 : 1;
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${name} must be a number, not "${text}"`);
  return value;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`fuzz: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
// Clients that hang by intention would keep the process.
process.exit();
