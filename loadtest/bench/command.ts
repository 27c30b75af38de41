/** The benchmark as a command: progress on standard error, the table on standard output, JSON and a page in a folder. */
import { Benchmark } from './benchmark.js';
import { HELP, parseOptions, UsageError } from './options.js';
import { tableOf } from './report/table.js';
import { ResultFiles } from './report/result-files.js';
import { summarize } from './report/summary.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/**
 * Runs what the arguments ask for.
 * @param root the folder of the package: other servers are installed below it
 * @returns the exit code: 0 measured, 1 failed or contents lost or wrong, 2 wrong usage
 */
export async function runBenchCommand(args: readonly string[], root: string): Promise<number> {
  try {
    return await measure(args, root);
  } catch (error) {
    say(`bench: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function measure(args: readonly string[], root: string): Promise<number> {
  const options = parseOptions(args, root);
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const files = new ResultFiles(options.outputFolder, {
    repetitions: options.repetitions,
    isQuick: options.isQuick,
  });
  const benchmark = new Benchmark(options, root, {
    say,
    scenarioDone: (records) => files.write(records.map(summarize)),
  });
  const interrupt = (): void => {
    void benchmark.close().then(() => process.exit(130));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const summaries = (await benchmark.run()).map(summarize);
    process.stdout.write(tableOf(summaries));
    say(`\n${files.json}\n${files.html}`);
    return summaries.some(({ hasProblems }) => hasProblems) ? 1 : 0;
  } finally {
    await benchmark.close();
  }
}
