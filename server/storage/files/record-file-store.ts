/**
 * Files in the record store, so that every node that shares it can read them.
 *
 *   file       / form / submission / file   what it is: the blob, and once it is whole its size and number of chunks
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
      let chunks = 0;
      for await (const { part } of inParts(counted, CHUNK_BYTES)) {
        await this.records.put(chunkKey(entry.blob, chunks), part);
        chunks += 1;
      }
      const done = await this.records.put(keyOf(name), encoded({ ...entry, chunks }), { ifVersion: begun.version });
      if (done === 'conflict') throw new StorageError('file_erased', 'The file was erased while it was written');
      return digest.result();
    } catch (error) {
      await this.records.erase([CHUNK, entry.blob]);
      await this.records.delete(keyOf(name), { ifVersion: begun.version });
      throw error;
    }
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
    for await (const { value } of this.records.scan(prefix)) blobs.push(decoded(value).blob);
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
