/** The frame fuzzer against a server process of its own: see `npm run fuzz -- --help`. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Outcome, Scenario, StressContext } from '../scenario.js';

const FRAMES = 1_000_000;
const MAX_SHOWN = 300;
const FUZZER = fileURLToPath(new URL('../../../test/fuzz/main.ts', import.meta.url));

interface Report {
  readonly seed: number;
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly thrownOut: number;
  readonly failures: readonly string[];
}

async function run({ scaled, say }: StressContext): Promise<Outcome> {
  const args = ['--import', 'tsx', FUZZER, '--only', 'frames', '--frames', String(scaled(FRAMES)), '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  createInterface({ input: child.stderr }).on('line', (line) => say(line));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (output === '') throw new Error(`the fuzzer ended with ${code} and no report`);
  const { seed, frames, framesPerSecond, thrownOut, failures } = JSON.parse(output) as Report;
  return {
    figures: [
      {
        label: 'crashes and harmed bystanders',
        value: failures.length,
        unit: `in ${frames} frames, seed ${seed}`,
        below: 1,
      },
      { label: 'pace', value: framesPerSecond, unit: 'frames a second' },
      { label: 'thrown out', value: thrownOut, unit: 'connections' },
    ],
    problems: failures.map((failure) => failure.slice(0, MAX_SHOWN)),
  };
}

export const fuzzedFrames: Scenario = { id: 'fuzzed-frames', title: '1,000,000 fuzzed frames', run };
