/** `formloom backup`. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { Config } from '../../server/config/index.js';
import { callApi } from '../api-client.js';
import { interruptible } from '../interruption.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { ended } from './operation.js';
import { targetOf, withRemoteOptions, type RemoteOptions } from './remote-options.js';
import { configFrom, withConfigOptions } from './serve.js';

type Environment = Readonly<Record<string, string | undefined>>;
type Flags = Readonly<Record<string, string>>;

interface BackupOptions extends RemoteOptions {
  readonly output?: string;
}

export function addBackupCommand(program: Command, output: () => Output, environment: Environment): void {
  withConfigOptions(
    withRemoteOptions(
      program
        .command('backup')
        .description(
          'write everything to one archive: of a running server (--output), or of the configured store (file)',
        )
        .argument('[file]', 'of the store that DATA_DIR or REDIS_URL name; with DATA_DIR no server may run on it'),
    ).option('-o, --output <file>', 'let the server at --url make the backup, and download it'),
  ).action(async (file: string | undefined, options: BackupOptions & Flags) => {
    if ((file === undefined) === (options.output === undefined)) {
      throw new CommandError(
        'name one file: "formloom backup FILE" for the configured store, "formloom backup --output FILE" for a running server',
        EXIT.usage,
      );
    }
    if (file !== undefined) {
      const { backUpStore } = await import('./archives.js');
      await backUpStore(file, configOf(options, environment), output());
    } else await backUpServer(options.output ?? '', options, output());
  });
}

async function backUpServer(file: string, options: RemoteOptions, output: Output): Promise<void> {
  const target = targetOf(options);
  const started = await callApi(target, { method: 'POST', path: '/backups', body: {} });
  const operation = await ended(target, started, 'the backup', output);
  const archive = await callApi(target, { method: 'GET', path: `/backups/${operation.id}/archive`, accept: '*/*' });
  const { body } = archive;
  if (body === null) throw new CommandError('the server sent no archive');
  await interruptible(output, async (signal) => {
    const partial = `${file}.partial`;
    try {
      await pipeline(Readable.fromWeb(body), createWriteStream(partial, { mode: 0o600, flush: true }), { signal });
      await rename(partial, file);
    } catch (error) {
      await rm(partial, { force: true });
      throw new CommandError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  output.result({ file: path.resolve(file), ...asRecord(operation.result) }, [`Wrote ${path.resolve(file)}.`]);
}

const asRecord = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});

/** The options of the remote call are none of the configuration's. */
export function configOf(options: Flags, environment: Environment): Config {
  const others = new Set(['url', 'token', 'output', 'dryRun', 'verify', 'move', 'json']);
  return configFrom(Object.fromEntries(Object.entries(options).filter(([name]) => !others.has(name))), environment);
}
