import { randomUUID } from 'node:crypto';
import type { PutOptions, RecordKey, RecordPrefix, RecordStore, ScanOptions, StoredRecord } from '../record-store.js';
import type { CommandPipeline } from './connection/command-pipeline.js';
import { Retrier, type RetryContext } from './connection/retry.js';
import { loadScript } from './connection/script.js';
import { bytesOfText, partOf, textOfBytes, type Keys } from './keys.js';
import { allParts, mergedMembers } from './name-index.js';

export interface RecordStoreParts {
  readonly reads: CommandPipeline;
  readonly writes: CommandPipeline;
  readonly keys: Keys;
  readonly retry: RetryContext;
  /** How long an operation is tried, in milliseconds. */
  readonly deadlineMs: number;
  /** Called when content was erased: files of Redis on disk still hold it. */
  readonly onErased: () => void;
}

/** Records read or deleted together. */
const PAGE = 128;

/**
 * A hash per record, so that Redis itself removes what expires, and ordered sets of the keys for scans. Both stand in
 * one of `INDEX_PARTS` parts, chosen by the first two segments: one Cluster slot, so that they change together.
 */
export class RedisRecordStore implements RecordStore {
  readonly #parts: RecordStoreParts;
  readonly #writeRetrier: Retrier;
  readonly #readRetrier: Retrier;
  readonly #put = loadScript('put-record-3');
  readonly #delete = loadScript('delete-record-3');

  constructor(parts: RecordStoreParts) {
    this.#parts = parts;
    this.#writeRetrier = new Retrier(parts.retry, 'writes');
    this.#readRetrier = new Retrier(parts.retry, undefined);
  }

  get(key: RecordKey): Promise<StoredRecord | undefined> {
    return this.#readRetrier.run(() => this.#read(key), this.#parts.deadlineMs);
  }

  async put(
    key: RecordKey,
    value: Uint8Array,
    { expiresAt, ifVersion }: PutOptions = {},
  ): Promise<{ version: string } | 'conflict'> {
    // Chosen here, so that a write that is sent again after a lost reply recognizes itself.
    const version = randomUUID();
    const condition = ifVersion === undefined ? 'any' : ifVersion === null ? 'absent' : 'version';
    const written = await this.#write(() =>
      this.#parts.writes.script(
        this.#put,
        this.#keysOf(key),
        ...[asBuffer(value), version, encodeKey(key)],
        ...[expiresAt === undefined ? '' : Math.trunc(expiresAt), condition, ifVersion ?? ''],
      ),
    );
    return written === 1 ? { version } : 'conflict';
  }

  async delete(key: RecordKey, { ifVersion }: { ifVersion?: string } = {}): Promise<boolean | 'conflict'> {
    const outcome = await this.#write(() =>
      this.#parts.writes.script(this.#delete, this.#keysOf(key), encodeKey(key), ifVersion ?? ''),
    );
    return outcome === -1 ? 'conflict' : outcome === 1;
  }

  async *scan(
    prefix: RecordPrefix,
    { after, limit = Infinity, reverse = false }: ScanOptions = {},
  ): AsyncGenerator<StoredRecord> {
    let remaining = limit;
    let position = after;
    // Pages of their own, so that a consumer may take its time and a failed read costs one page.
    while (remaining > 0) {
      const wanted = Math.min(PAGE, remaining);
      const start = position;
      const page = await this.#readRetrier.run(
        () => this.#page(prefix, { ...(start && { after: start }), reverse, limit: wanted }),
        this.#parts.deadlineMs,
      );
      for (const record of page.records) {
        yield record;
        remaining--;
      }
      position = page.last;
      if (position === undefined || page.isLast) return;
    }
  }

  async erase(prefix: RecordKey): Promise<number> {
    let erased = 0;
    for (;;) {
      const { keys } = await this.#readRetrier.run(
        () => this.#members(prefix, { limit: PAGE }),
        this.#parts.deadlineMs,
      );
      const outcomes = await Promise.all(keys.map((key) => this.delete(key)));
      erased += outcomes.filter((outcome) => outcome === true).length;
      if (keys.length < PAGE) break;
    }
    // Also when there is nothing: what `delete` and `put` left behind goes now.
    this.#parts.onErased();
    return erased;
  }

  async #page(
    prefix: RecordPrefix,
    options: ScanOptions & { limit: number },
  ): Promise<{ records: StoredRecord[]; last: RecordKey | undefined; isLast: boolean }> {
    const { keys } = await this.#members(prefix, options);
    const found = await Promise.all(keys.map((key) => this.#read(key)));
    return {
      // A key without a record has expired; put-record-3 removes it in time.
      records: found.filter((record) => record !== undefined),
      last: keys.at(-1),
      isLast: keys.length < options.limit,
    };
  }

  async #members(
    prefix: RecordPrefix,
    { after, reverse, limit }: ScanOptions & { limit: number },
  ): Promise<{ keys: RecordKey[] }> {
    const indexes =
      prefix.length > 1
        ? [this.#parts.keys.recordIndex(partOfKey(prefix))]
        : allParts((part) => this.#parts.keys.recordIndex(part));
    const keys: RecordKey[] = [];
    const range = {
      prefix: encodeKey(prefix),
      ...(after !== undefined && { after: encodeKey(after) }),
      reverse: reverse ?? false,
      expected: limit,
    };
    for await (const member of mergedMembers(this.#parts.reads, indexes, range)) {
      keys.push(decodeKey(member));
      if (keys.length >= limit) break;
    }
    return { keys };
  }

  async #read(key: RecordKey): Promise<StoredRecord | undefined> {
    const [record] = this.#keysOf(key);
    const reply = await this.#parts.reads.command(record, 'hmget', record, 'd', 'v', 'x');
    const [value, version, expiresAt] = reply as (Buffer | null)[];
    if (!value || !version) return undefined;
    return {
      key,
      value: new Uint8Array(value.buffer, value.byteOffset, value.length),
      version: version.toString('latin1'),
      ...(expiresAt && { expiresAt: Number(expiresAt.toString('latin1')) }),
    };
  }

  #write(operation: () => Promise<unknown>): Promise<unknown> {
    return this.#writeRetrier.run(operation, this.#parts.deadlineMs);
  }

  #keysOf(key: RecordKey): [record: string, index: string, expiries: string] {
    const part = partOfKey(key);
    const { keys } = this.#parts;
    return [keys.record(part, key), keys.recordIndex(part), keys.recordExpiries(part)];
  }
}

/*
 * Member of an index: each segment as `bytesOfText`, a byte 00 in it as 00 02, and 00 01 behind it. Bytes then sort as
 * segments do, a segment before every longer one that it begins, and no segment can look like two.
 * (Taken apart as latin1, where a character is a byte.)
 */

function encodeKey(key: RecordPrefix): Buffer {
  const segments = key.map((segment) => bytesOfText(segment).toString('latin1').replaceAll('\0', '\0\x02'));
  return Buffer.from(segments.map((segment) => `${segment}\0\x01`).join(''), 'latin1');
}

function decodeKey(member: Buffer): RecordKey {
  const [first = '', ...rest] = member
    .toString('latin1')
    .split('\0\x01')
    .slice(0, -1)
    .map((segment) => textOfBytes(Buffer.from(segment.replaceAll('\0\x02', '\0'), 'latin1')));
  return [first, ...rest];
}

function partOfKey(key: RecordPrefix): number {
  return partOf(JSON.stringify(key.slice(0, 2)));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
