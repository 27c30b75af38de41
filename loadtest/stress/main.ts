/** `npm run test:stress`: progress on standard error, a line for each scenario on standard output. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELP, parseOptions, UsageError } from './options.js';
import { lineOf, StressTest, type Verdict } from './stress-test.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const tell = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), root);
  if (options === undefined) {
    tell(HELP.trimEnd());
    return 0;
  }
  const test = new StressTest(options, say);
  const interrupt = (): void => void test.close().then(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const verdicts: Verdict[] = [];
    for (const scenario of options.scenarios) {
      const verdict = await test.run(scenario);
      verdicts.push(verdict);
      if (!options.isJson) tell(lineOf(verdict));
    }
    const passed = verdicts.filter(({ hasPassed }) => hasPassed).length;
    if (options.isJson) tell(JSON.stringify({ passed, scenarios: verdicts }, null, 2));
    else tell(`${passed}/${verdicts.length} scenarios passed`);
    return passed === verdicts.length ? 0 : 1;
  } finally {
    await test.close();
  }
}

let code: number;
try {
  code = await main();
} catch (error) {
  say(`stress: ${error instanceof Error ? error.message : String(error)}`);
  code = error instanceof UsageError ? 2 : 1;
}
// Clients of other people's making may leave something running; what was told is written first.
process.stdout.write('', () => process.exit(code));
