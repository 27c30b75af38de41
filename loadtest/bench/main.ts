/** `npm run bench`: progress on standard error, the table on standard output, JSON and a page in loadtest/results/. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Benchmark } from './benchmark.js';
import { HELP, parseOptions, UsageError } from './options.js';
import { tableOf } from './report/table.js';
import { ResultFiles } from './report/result-files.js';
import { summarize } from './report/summary.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), root);
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

try {
  process.exitCode = await main();
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
