/** Backups in a folder of this node, one file each, with the facts beside it. Knows no HTTP. */
import { createReadStream, type ReadStream } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import {
  shownDamage,
  totalsSchema,
  unreadableSchema,
  verifyArchive,
  writeArchive,
  type Installation,
} from '../../server/backup/index.js';
import type { KeyRing } from '../../server/storage/encrypted/index.js';
import type { ByteRange } from '../http/byte-ranges.js';
import { Problem } from '../http/problem.js';
import type { Operation, Operations } from '../operations/operations.js';
import { shownBackup } from './schemas.js';

const factsSchema = z.object({
  id: z.string(),
  /** Unix time in milliseconds. */
  createdAt: z.number(),
  /** Of the file. */
  bytes: z.number(),
  totals: totalsSchema,
  unreadable: z.array(unreadableSchema),
});
export type Backup = z.infer<typeof factsSchema>;

export interface OpenedBackup {
  readonly bytes: number;
  readonly name: string;
  /** All of it without a range. */
  readonly content: (range?: ByteRange) => ReadStream;
}

export interface BackupServiceOptions {
  readonly installation: Installation;
  /** Made when the first backup comes. */
  readonly folder: string;
  /** Encrypts archives as it does the store. */
  readonly ring: KeyRing;
  readonly version: string;
  readonly operations: Operations;
  readonly clock: () => number;
}

const ENDING = '.formloom-backup';
const ID = /^[0-9a-f-]{36}$/;
const KIND = 'backup';
/** Nothing that is being written stays unchanged for so long. */
const ABANDONED_MS = 3_600_000;

export class BackupService {
  constructor(private readonly options: BackupServiceOptions) {}

  /**
   * Begins a backup; the result of the operation is what `GET /backups` shows of it. With `keep`, older ones are deleted when it is there.
   * @throws Problem `request_in_progress` while another one is being made here
   */
  async start(keep: number | undefined): Promise<Operation> {
    const { operations, installation, ring, version, clock } = this.options;
    if (operations.isRunning(KIND)) {
      throw new Problem('request_in_progress', 'A backup is being made already.', { retryAfterSeconds: 5 });
    }
    return operations.start(KIND, async (onProgress, id, signal) => {
      const createdAt = clock();
      await this.#removeAbandoned();
      const written = await writeArchive(this.#file(id), installation, ring, { id, version, onProgress, signal });
      const facts: Backup = {
        ...{ id, createdAt },
        ...{ bytes: written.bytes, totals: written.totals, unreadable: [...written.unreadable] },
      };
      // Whole, or not there: every list reads it.
      const partial = `${this.#facts(id)}.partial`;
      await writeFile(partial, JSON.stringify(facts), { mode: 0o600, flush: true });
      await rename(partial, this.#facts(id));
      if (keep !== undefined) await this.#prune(keep);
      return shownBackup(facts);
    });
  }

  /** Newest first. */
  async list(page: { limit: number; cursor: string | null }): Promise<{ data: Backup[]; nextCursor: string | null }> {
    const ids = (await this.#ids()).filter((id) => page.cursor === null || id < page.cursor);
    const data = await Promise.all(ids.slice(0, page.limit).map(async (id) => this.#read(id)));
    return {
      data: data.filter((backup) => backup !== undefined),
      nextCursor: ids.length > page.limit ? (ids[page.limit - 1] ?? null) : null,
    };
  }

  /** @throws Problem `backup_not_found` */
  async open(id: string): Promise<OpenedBackup> {
    await this.#require(id);
    const file = this.#file(id);
    const { size } = await stat(file);
    return { content: (range) => createReadStream(file, range), bytes: size, name: path.basename(file) };
  }

  /** Opens every document in it. @throws Problem `backup_not_found` */
  async verify(id: string): Promise<z.infer<typeof verifiedSchema>> {
    await this.#require(id);
    const { totals, damage, unreadable } = await verifyArchive(this.#file(id), this.options.ring);
    return { id, isWhole: damage.length === 0, totals, damage: damage.map(shownDamage), unreadable: [...unreadable] };
  }

  async #prune(keep: number): Promise<void> {
    for (const id of (await this.#ids()).slice(keep)) {
      await rm(this.#facts(id), { force: true });
      await rm(this.#file(id), { force: true });
    }
  }

  /** What a process that was killed has left: parts of archives, and such as nothing tells of. */
  async #removeAbandoned(): Promise<void> {
    const names = await this.#names();
    const told = new Set(names);
    for (const name of names) {
      const id = name.slice(0, name.indexOf('.'));
      const isWhole = name.endsWith('.json') || (name.endsWith(ENDING) && told.has(`${id}.json`));
      if (!ID.test(id) || isWhole) continue;
      const file = path.join(this.options.folder, name);
      const { mtimeMs } = await stat(file);
      if (Date.now() - mtimeMs > ABANDONED_MS) await rm(file, { force: true });
    }
  }

  async #names(): Promise<string[]> {
    return readdir(this.options.folder).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    });
  }

  async #ids(): Promise<string[]> {
    // Ids are ordered by time.
    return (await this.#names())
      .filter((name) => name.endsWith('.json'))
      .map((name) => path.basename(name, '.json'))
      .filter((id) => ID.test(id))
      .sort()
      .reverse();
  }

  async #read(id: string): Promise<Backup | undefined> {
    try {
      return factsSchema.parse(JSON.parse(await readFile(this.#facts(id), 'utf8')));
    } catch (error) {
      // Deleted meanwhile.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #require(id: string): Promise<Backup> {
    const backup = ID.test(id) ? await this.#read(id) : undefined;
    if (backup === undefined) throw new Problem('backup_not_found', `This node has no backup "${id}".`);
    return backup;
  }

  #file(id: string): string {
    return path.join(this.options.folder, `${id}${ENDING}`);
  }

  #facts(id: string): string {
    return path.join(this.options.folder, `${id}.json`);
  }
}

export const verifiedSchema = z.object({
  id: z.string(),
  isWhole: z.boolean(),
  totals: totalsSchema.describe('What is in it, as far as it is whole.'),
  damage: z.array(z.string()).describe('Each with its frame and byte.'),
  unreadable: z.array(unreadableSchema).describe('What was damaged when the backup was made.'),
});
