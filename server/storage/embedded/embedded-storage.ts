/**
 * The store that needs no service: one LevelDB in `<folder>/store`, and uploaded files in `<folder>/files`.
 *
 * LevelDB's own lock keeps a second process out. A format record is kept, so that an older Formloom
 * refuses a newer store instead of misreading it.
 */
import { constants } from 'node:fs';
import { access, copyFile, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { Logger } from 'pino';
import { StorageUnavailableError } from '../errors.js';
import type { Storage, StorageHealth } from '../storage.js';
import { FolderFileStore } from '../files/folder-file-store.js';
import { ChecksumError, sealed, unseal } from './checksum.js';
import { Committer, type Level } from './committer.js';
import { DamageReports, isUnreadableBlock } from './damage-reports.js';
import { EmbeddedDocumentLog } from './documents/embedded-document-log.js';
import { EmbeddedBus, EmbeddedLeases } from './embedded-bus.js';
import { EmbeddedEventLog, EmbeddedRecordStore } from './embedded-records.js';
import { STORE_KEY } from './keys.js';
import { purgeOf } from './purge.js';
import { findLogDamage, type LogReport } from './write-ahead-log.js';

export interface EmbeddedStorageOptions {
  /** DATA_DIR; created when missing. */
  readonly folder: string;
  /** Id of this node. */
  readonly node: string;
  readonly logger: Logger;
  /** The longest that a commit waits for company, in milliseconds. */
  readonly groupCommitMaxMs?: number;
}

const FORMAT = 1;
const SWEEP_MS = 60_000;
/** Numbers are handed out from blocks that are reserved durably, so that none is ever used twice. */
const NUMBER_BLOCK = 1_000_000;

/** @throws StorageUnavailableError: in use, not writable, not ours, or written by a newer version. */
export async function openEmbeddedStorage(options: EmbeddedStorageOptions): Promise<Storage> {
  const folder = path.resolve(options.folder, 'store');
  await prepareFolder(folder);
  const reports = await setAsideDamage(folder, options.logger);
  const damages = reports.filter(({ offset }) => offset !== undefined);
  const level: Level = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: 8 * 1024 * 1024,
  });
  await openLevel(level, folder);
  let reserved: number;
  try {
    for (const { operations } of reports) await level.batch([...operations], { sync: true });
    reserved = readFormat(level, folder);
    await level.put(STORE_KEY, formatRecord(reserved + NUMBER_BLOCK), { sync: true });
  } catch (error) {
    await level.close();
    if (!isUnreadableBlock(error) && !(error instanceof ChecksumError)) throw error;
    throw new StorageUnavailableError(
      `The store in ${folder} is damaged where it says what it is: ${error.message}. Restore it from a backup, or set DATA_DIR to another folder.`,
      { cause: error },
    );
  }

  const listeners = new Set<(health: StorageHealth) => void>();
  let lastHealth = '';
  const health = (): StorageHealth => {
    const state = committer.health();
    const found = damage.summary();
    if (state.state !== 'ok' || (damages.length === 0 && found === undefined)) return state;
    const inLogs = damages.map(({ file, offset }) => `damaged: ${file} at byte ${offset}`);
    const reason = [...inLogs, ...(found === undefined ? [] : [found])].join('; ');
    return { state: 'failing', since: openedAt, reason, pendingBytes: 0 };
  };
  const openedAt = Date.now();
  const announce = (): void => {
    const current = health();
    const key = `${current.state} ${current.state === 'failing' ? current.reason : ''}`;
    if (key === lastHealth) return;
    lastHealth = key;
    for (const listener of listeners) listener(current);
  };
  const damage = new DamageReports(options.logger, announce);
  const committer = new Committer(level, options.logger, options.groupCommitMaxMs, announce);
  const numbers = new NumberSource(reserved, committer);
  const purge = purgeOf(level, committer);
  const records = new EmbeddedRecordStore(level, committer, numbers, purge, damage);
  const documents = new EmbeddedDocumentLog(level, committer, numbers, options.node, purge, options.logger, damage);
  const sweep = setInterval(() => {
    Promise.all([records.sweep(), documents.saveHeads()]).catch((error: unknown) =>
      options.logger.warn({ err: error }, 'the sweep of the store failed'),
    );
  }, SWEEP_MS);
  sweep.unref();

  return {
    kind: 'embedded',
    documents,
    records,
    events: new EmbeddedEventLog(level, committer, numbers, purge, damage),
    files: new FolderFileStore(path.resolve(options.folder, 'files')),
    bus: new EmbeddedBus(),
    leases: new EmbeddedLeases(records),
    commitPace: committer,
    health,
    onHealthChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reclaim: () => purge({ gte: LOWEST, lt: HIGHEST }, [LOWEST, HIGHEST]),
    close: async () => {
      clearInterval(sweep);
      // Queued with what is pending: a medium that fails holds up nothing of this.
      const saving = committer.health().state === 'ok' ? documents.saveHeads() : Promise.resolve();
      saving.catch((error: unknown) => options.logger.warn({ err: error }, 'heads could not be saved'));
      await committer.close();
      await level.close();
      announce();
    },
  };
}

/** No key of ours: below and above all of them. */
const LOWEST = Buffer.from([0x00, 0x00]);
const HIGHEST = Buffer.from([0xff]);

/** Growing numbers for documents, records and events. */
class NumberSource {
  #next: number;
  #reservedUpTo: number;

  constructor(
    start: number,
    private readonly committer: Committer,
  ) {
    this.#next = start + 1;
    this.#reservedUpTo = start + NUMBER_BLOCK;
  }

  next(): number {
    const number = this.#next++;
    // Far ahead of need: the reservation goes out with the batch that is being gathered, before any number beyond it.
    if (number > this.#reservedUpTo - NUMBER_BLOCK / 2) {
      this.#reservedUpTo += NUMBER_BLOCK;
      void this.committer.commit([{ type: 'put', key: STORE_KEY, value: formatRecord(this.#reservedUpTo) }]);
    }
    return number;
  }
}

const formatRecord = (reserved: number): Buffer => sealed(Buffer.from(JSON.stringify({ format: FORMAT, reserved })));

function readFormat(level: Level, folder: string): number {
  const stored = level.getSync(STORE_KEY);
  if (stored === undefined) return 0;
  const { format, reserved } = JSON.parse(unseal(stored).toString()) as { format: number; reserved: number };
  if (format > FORMAT) {
    throw new StorageUnavailableError(
      `The store in ${folder} has format ${format}; this version of Formloom reads up to ${FORMAT}. Use a newer version.`,
    );
  }
  return reserved;
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageUnavailableError(
      `The data folder ${folder} cannot be written (${reason}). Set DATA_DIR to a folder that this user may write.`,
      { cause: error },
    );
  }
}

/** LevelDB drops what it cannot read. Its file is kept beside the store, and what it says is written again. */
async function setAsideDamage(folder: string, logger: Logger): Promise<LogReport[]> {
  const reports = await findLogDamage(folder);
  for (const { file, offset, operations, unreadableBytes } of reports) {
    if (offset === undefined) continue;
    const copy = path.join(path.dirname(folder), `damaged-${Date.now()}-${path.basename(file)}`);
    await copyFile(file, copy);
    logger.error(
      { file, offset, copy, rescued: operations.length, unreadableBytes },
      `the store's log is damaged: ${file} at byte ${offset}; ${unreadableBytes} bytes are unreadable, the rest was written again`,
    );
  }
  return reports;
}

async function openLevel(level: Level, folder: string): Promise<void> {
  try {
    await level.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (code === 'LEVEL_LOCKED') {
      throw new StorageUnavailableError(
        `The data folder ${folder} is in use by another Formloom process. Stop it, or set DATA_DIR to another folder.`,
        { cause: error },
      );
    }
    const files = (await readdir(folder)).length;
    throw new StorageUnavailableError(
      `The store in ${folder} (${files} files) cannot be opened: ${reason}. Restore it from a backup, or set DATA_DIR to another folder.`,
      { cause: error },
    );
  }
}
