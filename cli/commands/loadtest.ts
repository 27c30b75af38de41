/** `formloom loadtest`: the five scenarios, a soak, or the search for the capacity; on a server of its own or a running one. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { LoadTestEvents } from '../../loadtest/load-test/load-test.js';
import { SCENARIO_NAMES } from '../../loadtest/load-test/scenarios.js';
import { TargetError } from '../../loadtest/load-test/target.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { configFrom } from './serve.js';

interface LoadTestFlags {
  readonly connections?: string;
  readonly duration?: string;
  readonly url?: string;
  readonly token?: string;
  readonly scenario?: string;
  readonly soak?: string;
  readonly capacity?: true;
  readonly goalP99?: string;
  readonly output: string;
}

/** What all three ways have in common. */
interface Run {
  readonly connections: number;
  readonly durationMs: number;
  /** The built `main.js`. */
  readonly main: string;
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly folder: string;
}

const BAR = 30;
const DEFAULT_GOAL_P99_MS = 50;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

export function addLoadTestCommand(
  program: Command,
  output: () => Output,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  program
    .command('loadtest')
    .description('run the load test: five scenarios with thresholds, a soak, or the search for the capacity')
    .option('--connections <count>', 'connections of the basic scenario (LOAD_TEST_CONNECTIONS, default 100)')
    .option('--duration <ms>', 'how long it types, in milliseconds (LOAD_TEST_DURATION, default 30000)')
    .option('--url <url>', 'a running server (default: one of its own, with an empty store)')
    .option('--token <token>', 'token for that server; it needs the right to write documents under load-test/')
    .option('--scenario <names>', `comma-separated: ${SCENARIO_NAMES.join(', ')} (default: all)`)
    .option('--soak <time>', 'come, type and go for so long (90s, 30m, 8h): passes when memory stays flat')
    .option('--capacity', 'search the most connections that hold the goal')
    .option('--goal-p99 <ms>', `goal of --capacity: 99 % of deliveries within (default ${DEFAULT_GOAL_P99_MS})`)
    .option('--output <folder>', 'where the JSON and the page with charts go', 'loadtest/results')
    .action(async (flags: LoadTestFlags) => loadTest(flags, output(), environment));
}

async function loadTest(
  flags: LoadTestFlags,
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { loadTestConnections: connections, loadTestDuration: durationMs } = configFrom(
    {
      ...(flags.connections === undefined ? {} : { loadTestConnections: flags.connections }),
      ...(flags.duration === undefined ? {} : { loadTestDuration: flags.duration }),
    },
    environment,
  );
  const ways = (['scenario', 'soak', 'capacity'] as const).filter((way) => flags[way] !== undefined);
  if (ways.length > 1) throw usage(`--${ways.join(' and --')} exclude each other`);
  if (flags.goalP99 !== undefined && flags.capacity === undefined) throw usage('--goal-p99 belongs to --capacity');
  const run: Run = {
    ...{ connections, durationMs, url: flags.url?.replace(/\/$/, ''), token: flags.token },
    main: path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../main.js'),
    folder: path.resolve(flags.output),
  };
  const going =
    flags.soak !== undefined
      ? soak(run, soakMsOf(flags.soak), output)
      : flags.capacity === true
        ? capacity(run, goalOf(flags.goalP99), output)
        : scenarios(run, namesOf(flags.scenario), output);
  const hasPassed = await going.catch((error: unknown) => {
    if (error instanceof TargetError) throw new CommandError(error.message, EXIT.unreachable);
    throw error;
  });
  if (!hasPassed) process.exitCode = EXIT.failed;
}

async function scenarios(run: Run, names: readonly string[], output: Output): Promise<boolean> {
  const [{ runLoadTest }, { lineOf, verdictOf, writeReport }] = await Promise.all([
    import('../../loadtest/load-test/load-test.js'),
    import('../../loadtest/load-test/report/scenarios.js'),
  ]);
  const results = await runLoadTest({ ...run, scenarios: names }, progressOn(output));
  const files = await writeReport(run.folder, results);
  const verdict = verdictOf(results);
  tell(output, files, { verdict, results, files }, [...results.map(lineOf), verdict]);
  return results.every(({ hasPassed }) => hasPassed);
}

async function soak(run: Run, soakMs: number, output: Output): Promise<boolean> {
  const [{ runSoak }, { soakLines, soakVerdict, writeSoakReport }] = await Promise.all([
    import('../../loadtest/load-test/soak.js'),
    import('../../loadtest/load-test/report/soak.js'),
  ]);
  const result = await runSoak(
    { ...run, soakMs },
    {
      round: ({ round, share, meanMs, p99Ms, rssBytes }) =>
        output.note(
          `round ${round}, ${Math.round(share * 100)} %: mean ${meanMs.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ${(rssBytes / 1024 ** 2).toFixed(0)} MiB resident`,
        ),
    },
  );
  const files = await writeSoakReport(run.folder, result);
  const verdict = soakVerdict(result);
  tell(output, files, { verdict, result, files }, [...soakLines(result), verdict]);
  return result.hasPassed;
}

async function capacity(run: Run, goalP99Ms: number, output: Output): Promise<boolean> {
  const [{ findCapacity }, { capacityLine, capacityVerdict, writeCapacityReport }] = await Promise.all([
    import('../../loadtest/load-test/capacity.js'),
    import('../../loadtest/load-test/report/capacity.js'),
  ]);
  const result = await findCapacity(
    { ...run, goalP99Ms },
    {
      started: (connections) => output.note(`${connections} connections …`),
      finished: (step) => output.note(capacityLine(step)),
    },
  );
  const files = await writeCapacityReport(run.folder, result);
  const verdict = capacityVerdict(result);
  tell(output, files, { verdict, result, files }, [...result.steps.map(capacityLine), verdict]);
  return result.best !== undefined;
}

function tell(output: Output, files: readonly string[], json: unknown, lines: readonly string[]): void {
  for (const file of files) output.note(file);
  output.result(json, lines);
}

function namesOf(text: string | undefined): string[] {
  const names = text?.split(',').map((name) => name.trim()) ?? [];
  const unknown = names.find((name) => !SCENARIO_NAMES.includes(name));
  if (unknown !== undefined) throw usage(`there is no scenario "${unknown}"; there are ${SCENARIO_NAMES.join(', ')}`);
  return names;
}

function soakMsOf(text: string): number {
  const [, count, unit = ''] = /^([0-9]+(?:\.[0-9]+)?)([smh])$/.exec(text) ?? [];
  const soakMs = Number(count) * (UNITS[unit] ?? NaN);
  if (!(soakMs > 0)) throw usage(`--soak takes a time such as 90s, 30m or 8h, not "${text}"`);
  return soakMs;
}

function goalOf(text: string | undefined): number {
  const goal = text === undefined ? DEFAULT_GOAL_P99_MS : Number(text);
  if (!(goal > 0)) throw usage(`--goal-p99 takes milliseconds, not "${String(text)}"`);
  return goal;
}

const usage = (message: string): CommandError => new CommandError(message, EXIT.usage);

/** A bar that moves on a terminal, and a line for each step elsewhere. */
function progressOn(output: Output): LoadTestEvents {
  const isTerminal = process.stderr.isTTY;
  let lastStep = '';
  return {
    started: ({ title, connections, edits }) =>
      output.note(`${title}: ${connections} connections, ${edits} edits each`),
    progress: (_scenario, step, share) => {
      if (isTerminal) {
        const done = Math.round(share * BAR);
        process.stderr.write(`\r  ${'█'.repeat(done)}${'░'.repeat(BAR - done)} ${step.padEnd(24)}`);
      } else if (step !== lastStep) {
        output.note(`  ${step}`);
      }
      lastStep = step;
    },
    finished: () => {
      if (isTerminal) process.stderr.write('\r\x1b[K');
    },
  };
}
