#!/usr/bin/env node
/** The `formloom` command: parses arguments and hands over to `commands/`. */
import { Command, CommanderError } from 'commander';
import { processEnvironment } from '../server/config/environment.js';
import { addBackupCommand } from './commands/backup.js';
import { addBenchCommand } from './commands/bench.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addFormCommands } from './commands/forms.js';
import { addImportDocumentsCommand } from './commands/import-documents.js';
import { addKeysCommands } from './commands/keys.js';
import { addLoadTestCommand } from './commands/loadtest.js';
import { addServeCommand } from './commands/serve.js';
import { addSnapshotCommands } from './commands/snapshots.js';
import { addTokenCommand } from './commands/token.js';
import { addTopCommand } from './commands/top.js';
import { CommandError, createOutput, EXIT, type Output } from './output.js';
import { VERSION } from './version.js';

async function main(args: readonly string[]): Promise<void> {
  const environment = processEnvironment();
  const program = new Command('formloom')
    .description('A realtime collaboration server for forms.')
    .version(VERSION)
    .option('--json', 'print results and errors as JSON', false)
    .showHelpAfterError('(formloom --help, or formloom <command> --help)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 no server answers.\nEach option of `serve` can be given as an environment variable or in .env instead.',
    )
    .exitOverride();
  // After the command too: `formloom import form.json --json`.
  const isJson = args.includes('--json');
  const output = (): Output => createOutput(isJson);
  if (isJson) {
    const outputError = (text: string): void =>
      output().error(new CommandError(text.replace(/^error: /, '').trim(), EXIT.usage));
    // Before the commands are made: they take it over.
    program.showHelpAfterError(false).configureOutput({ outputError });
  }
  endWithReader(args.includes('serve'));
  addServeCommand(program, output, environment);
  addTokenCommand(program, output, environment);
  addFormCommands(program, output);
  addSnapshotCommands(program, output, environment);
  addBackupCommand(program, output, environment);
  addKeysCommands(program, output);
  addImportDocumentsCommand(program, output);
  addDoctorCommand(program, output, environment);
  addLoadTestCommand(program, output, environment);
  addBenchCommand(program);
  addTopCommand(program, output);
  for (const command of allCommands(program)) {
    command.exitOverride();
    if (command !== program && command.commands.length === 0 && command.name() !== 'bench')
      command.option('--json', 'print the result as JSON');
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error, output());
  }
}

/** `formloom snapshot list … | head`: nobody reads any more. A server goes on: its first line alone goes there. */
function endWithReader(isServer: boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (!isServer) process.exit();
    });
  }
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function report(error: unknown, output: Output): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandError) {
    output.error(error);
    return error.exitCode;
  }
  // Not foreseen: the stack is what a bug report needs.
  process.stderr.write(`formloom: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failed;
}

await main(process.argv.slice(2));
