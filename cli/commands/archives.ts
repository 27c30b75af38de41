/** Backups of a store that no server runs on. Apart from the commands: it loads the stores, which takes a moment. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import {
  ArchiveDamagedError,
  compareWithArchive,
  restoreArchive,
  shownDamage,
  StoreNotEmptyError,
  writeArchive,
  type Installation,
  type Totals,
} from '../../server/backup/index.js';
import type { Config } from '../../server/config/index.js';
import { KeyRing, openEncrypted } from '../../server/storage/encrypted/index.js';
import { StorageError } from '../../server/storage/index.js';
import { openStorage } from '../compose.js';
import { interruptible } from '../interruption.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { VERSION } from '../version.js';
import { configOf } from './backup.js';

type Environment = Readonly<Record<string, string | undefined>>;
type Flags = Readonly<Record<string, string>>;

export async function backUpStore(file: string, config: Config, output: Output): Promise<void> {
  await withStore(config, async (installation, ring) => {
    const written = await interruptible(output, async (signal) =>
      writeArchive(file, installation, ring, { id: uuidv7(), version: VERSION, signal }),
    );
    output.result({ file: path.resolve(file), ...written }, [
      `Wrote ${path.resolve(file)} (${written.bytes} bytes): ${shownTotals(written.totals)}.`,
      ...written.unreadable.map(
        ({ document, value, reason }) => `  not in it, damaged: ${document ?? value ?? ''}: ${reason}`,
      ),
    ]);
    if (written.unreadable.length > 0) {
      throw new CommandError(`${written.unreadable.length} values are damaged and not in the archive`);
    }
  });
}

export interface ArchiveRestore {
  readonly isDryRun: boolean;
  /** Open every document in the store afterwards, and compare it with the archive. */
  readonly isVerified: boolean;
  /** Documents keep their epoch. */
  readonly isMove: boolean;
}

/** @throws CommandError when the archive is damaged or the store is not empty: nothing was written then */
export async function restoreStore(
  file: string,
  { isDryRun, isVerified, isMove }: ArchiveRestore,
  options: Flags,
  environment: Environment,
  output: Output,
): Promise<void> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) {
    throw new CommandError(
      `there is no archive ${file}. To restore a document, name its snapshot too: formloom restore <document> <snapshot>`,
      EXIT.usage,
    );
  }
  await withStore(configOf(options, environment), async (installation, ring) => {
    const restored = await restoreArchive(file, ring, installation, { isDryRun, isMove }).catch((error: unknown) => {
      if (error instanceof ArchiveDamagedError) {
        const lines = error.damage.map(shownDamage);
        throw new CommandError(`the archive ${file} is damaged; nothing was restored`, EXIT.failed, lines);
      }
      if (error instanceof StoreNotEmptyError) throw new CommandError(error.message);
      throw error;
    });
    const differing = isVerified && !isDryRun ? await compareWithArchive(file, ring, installation) : [];
    const { totals, unreadable } = restored;
    const verb = isDryRun ? 'The archive is whole; this would be restored' : 'Restored';
    output.result({ dryRun: isDryRun, verified: isVerified && !isDryRun, totals, unreadable, differing }, [
      `${verb}: ${shownTotals(totals)}.`,
      ...(isVerified && !isDryRun && differing.length === 0
        ? ['Every document was opened and is as in the archive.']
        : []),
      ...(isMove
        ? []
        : ['Documents begin a new life: copies in browsers of what was written after the backup are set aside.']),
    ]);
    if (differing.length > 0) {
      throw new CommandError(`${differing.length} documents differ from the archive`, EXIT.failed, differing);
    }
  });
}

async function withStore(
  config: Config,
  work: (installation: Installation, ring: KeyRing) => Promise<void>,
): Promise<void> {
  const logger = pino({ level: 'silent' });
  const ring = new KeyRing(config.encryptionKeys);
  try {
    const storage = await openEncrypted(await openStorage(config, `cli-${process.pid}`, logger), ring, logger);
    try {
      await work(storage, ring);
    } finally {
      await storage.close();
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    // A folder in use, a Redis that is away, a key that is missing, a full disk: the message says it all.
    if (error instanceof StorageError || (error instanceof Error && 'code' in error)) {
      throw new CommandError(error.message);
    }
    throw error;
  }
}

function shownTotals(totals: Totals): string {
  const { documents, updates, tombstones, records, events, files } = totals;
  return `${documents} documents (${updates} updates), ${tombstones} tombstones, ${records} records, ${events} events, ${files} files`;
}
