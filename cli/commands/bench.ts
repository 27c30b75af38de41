/** `formloom bench`: what `npm run bench` does in a checkout, from the built command. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

/** The folder of the package; this file is dist/cli/commands/bench.js in it. */
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description('compare the CPU cost of this server with others (formloom bench --help)')
    // The benchmark has its own parser and help: npm run bench is the same program without this command.
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_options: unknown, command: Command) => {
      const { runBenchCommand } = await import('../../loadtest/bench/command.js');
      process.exitCode = await runBenchCommand(command.args, ROOT);
    });
}
