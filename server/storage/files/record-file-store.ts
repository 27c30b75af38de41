/**
 * Files in the record store, so that every node that shares it can read them.
 *
 *   file       / form / submission / file   what it is: the blob, and once it is whole its number of chunks
 *   file-chunk / blob / number              its bytes
 *
 * The first record stands before the first chunk, so that what a node left half-written when it ended is found. Chunks
 * hang on a random id and not on the form, so that a Cluster spreads them.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { StorageError } from '../errors.js';
import type { FileName, FileStore, WrittenFile } from '../file-store.js';
import type { RecordKey, RecordPrefix, RecordStore } from '../record-store.js';
import { Digest, inParts } from './digest.js';

const CHUNK_BYTES = 256 * 1024;
/** Longer than any upload takes. */
const ABANDONED_MS = 3_600_000;

const FILE = 'file';
const CHUNK = 'file-chunk';
/** A backup has files as files: it can be restored into a store that keeps them otherwise. */
export const FILE_RECORDS: readonly RecordPrefix[] = [[FILE], [CHUNK]];

const entrySchema = z.object({
  blob: z.string(),
  /** Unix time in milliseconds. */
  startedAt: z.number(),
  /** Absent while it is being written. */
  chunks: z.number().optional(),
  /** Another blob that is being written to take the place of the first. */
  next: z.string().optional(),
});
type Entry = z.infer<typeof entrySchema>;

export class RecordFileStore implements FileStore {
  constructor(private readonly records: RecordStore) {}

  async write(name: FileName, content: Readable): Promise<WrittenFile> {
    const digest = new Digest();
    const counted = digest.through(content);
    await this.#sweep(name);
    const entry: Entry = { blob: randomUUID(), startedAt: Date.now() };
    const begun = await this.records.put(keyOf(name), encoded(entry), { ifVersion: null });
    if (begun === 'conflict') throw new StorageError('file_exists', `There is a file "${name.fileId}" already`);
    try {
      const chunks = await this.#putChunks(entry.blob, counted);
      const done = await this.records.put(keyOf(name), encoded({ ...entry, chunks }), { ifVersion: begun.version });
      if (done === 'conflict') throw new StorageError('file_erased', 'The file was erased while it was written');
      return digest.result();
    } catch (error) {
      await this.records.erase([CHUNK, entry.blob]);
      await this.records.delete(keyOf(name), { ifVersion: begun.version });
      throw error;
    }
  }

  async rewrite(name: FileName, content: Readable): Promise<boolean> {
    const record = await this.records.get(keyOf(name));
    const entry = record === undefined ? undefined : decoded(record.value);
    if (record === undefined || entry?.chunks === undefined) return false;
    // What a node that ended has left of it.
    if (entry.next !== undefined) await this.records.erase([CHUNK, entry.next]);
    const { blob: before, startedAt } = entry;
    const blob = randomUUID();
    // Named before its first chunk, so that an erasure finds it.
    const begun = await this.records.put(keyOf(name), encoded({ ...entry, next: blob }), { ifVersion: record.version });
    if (begun === 'conflict') return false;
    let isDone = false;
    try {
      const chunks = await this.#putChunks(blob, content);
      const version = { ifVersion: begun.version };
      isDone = (await this.records.put(keyOf(name), encoded({ blob, startedAt, chunks }), version)) !== 'conflict';
      return isDone;
    } finally {
      await this.records.erase([CHUNK, isDone ? before : blob]);
    }
  }

  async #putChunks(blob: string, content: AsyncIterable<Buffer>): Promise<number> {
    let chunks = 0;
    for await (const { part } of inParts(content, CHUNK_BYTES)) {
      await this.records.put(chunkKey(blob, chunks), part);
      chunks += 1;
    }
    return chunks;
  }

  async read(name: FileName): Promise<Readable | undefined> {
    const record = await this.records.get(keyOf(name));
    const entry = record === undefined ? undefined : decoded(record.value);
    return entry?.chunks === undefined ? undefined : Readable.from(this.#chunks(entry.blob, entry.chunks));
  }

  async *#chunks(blob: string, count: number): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < count; i++) {
      const chunk = await this.records.get(chunkKey(blob, i));
      if (chunk === undefined) throw new StorageError('file_erased', 'The file was erased while it was read');
      yield chunk.value;
    }
  }

  async delete(name: FileName): Promise<void> {
    await this.#erase(keyOf(name));
  }

  async erase({ formId, submissionId }: { readonly formId: string; readonly submissionId?: string }): Promise<void> {
    await this.#erase(submissionId === undefined ? [FILE, formId] : [FILE, formId, submissionId]);
  }

  async #erase(prefix: RecordKey): Promise<void> {
    const blobs: string[] = [];
    for await (const { value } of this.records.scan(prefix)) {
      const { blob, next } = decoded(value);
      blobs.push(blob, ...(next === undefined ? [] : [next]));
    }
    // First, so that who is writing one of them is refused at its end.
    await this.records.erase(prefix);
    for (const blob of blobs) await this.records.erase([CHUNK, blob]);
  }

  async *list(): AsyncGenerator<FileName> {
    for await (const { key, value } of this.records.scan([FILE])) {
      const [, formId, submissionId, fileId] = key;
      if (formId === undefined || submissionId === undefined || fileId === undefined) continue;
      if (decoded(value).chunks !== undefined) yield { formId, submissionId, fileId };
    }
  }

  /** What a node that ended has left of this submission. */
  async #sweep({ formId, submissionId }: FileName): Promise<void> {
    for await (const { key, value } of this.records.scan([FILE, formId, submissionId])) {
      const { chunks, startedAt } = decoded(value);
      if (chunks === undefined && Date.now() - startedAt > ABANDONED_MS) await this.#erase(key);
    }
  }
}

const keyOf = ({ formId, submissionId, fileId }: FileName): RecordKey => [FILE, formId, submissionId, fileId];
/** So that the order of keys is that of numbers. */
const chunkKey = (blob: string, number: number): RecordKey => [CHUNK, blob, String(number).padStart(8, '0')];
const encoded = (entry: Entry): Buffer => Buffer.from(JSON.stringify(entry));
const decoded = (value: Uint8Array): Entry => entrySchema.parse(JSON.parse(Buffer.from(value).toString()));
