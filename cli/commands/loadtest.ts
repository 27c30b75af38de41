/** `formloom loadtest`: the five scenarios, against a server of its own or a running one. */
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
  readonly output: string;
}

const BAR = 30;

export function addLoadTestCommand(
  program: Command,
  output: () => Output,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  program
    .command('loadtest')
    .description('run the load test: five scenarios with thresholds')
    .option('--connections <count>', 'connections of the basic scenario (LOAD_TEST_CONNECTIONS, default 100)')
    .option('--duration <ms>', 'how long it types, in milliseconds (LOAD_TEST_DURATION, default 30000)')
    .option('--url <url>', 'a running server (default: one of its own, with an empty store)')
    .option('--token <token>', 'token for that server; it needs the right to write documents under load-test/')
    .option('--scenario <names>', `comma-separated: ${SCENARIO_NAMES.join(', ')} (default: all)`)
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
  const scenarios = flags.scenario?.split(',').map((name) => name.trim()) ?? [];
  const unknown = scenarios.find((name) => !SCENARIO_NAMES.includes(name));
  if (unknown !== undefined) {
    throw new CommandError(`there is no scenario "${unknown}"; there are ${SCENARIO_NAMES.join(', ')}`, EXIT.usage);
  }
  const main = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../main.js');
  const options = { connections, durationMs, scenarios, main, url: flags.url?.replace(/\/$/, ''), token: flags.token };
  const [{ runLoadTest }, { lineOf, verdictOf, writeReport }] = await Promise.all([
    import('../../loadtest/load-test/load-test.js'),
    import('../../loadtest/load-test/report.js'),
  ]);
  const results = await runLoadTest(options, progressOn(output)).catch((error: unknown) => {
    if (error instanceof TargetError) throw new CommandError(error.message, EXIT.unreachable);
    throw error;
  });
  const files = await writeReport(path.resolve(flags.output), results);
  for (const file of files) output.note(file);
  const verdict = verdictOf(results);
  output.result({ verdict, results, files }, [...results.map(lineOf), verdict]);
  if (results.some(({ hasPassed }) => !hasPassed)) process.exitCode = EXIT.failed;
}

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
