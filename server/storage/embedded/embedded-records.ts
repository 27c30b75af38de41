/**
 * Records and events on LevelDB.
 *
 *   record := f64 expires at (0: never) | u64 version | value
 *   event  := f64 appended at | JSON
 */
import type { EventLog, LoggedEvent, RangeOptions } from '../event-log.js';
import { RecordDamagedError } from '../errors.js';
import type {
  OnDamaged,
  PutOptions,
  RecordKey,
  RecordPrefix,
  RecordStore,
  ScanOptions,
  StoredRecord,
} from '../record-store.js';
import { BODY_OFFSET, ChecksumError, seal, sealable, sealed, unseal } from './checksum.js';
import type { Committer, Level, Operation } from './committer.js';
import {
  consumerKey,
  consumerRange,
  eventKey,
  eventRange,
  markersOf,
  readU64,
  recordKey,
  recordRange,
  segmentsOf,
  sequenceOfEventKey,
  streamOfEventKey,
  writeU64,
  type KeyRange,
} from './keys.js';
import { type DamageReports, readable } from './damage-reports.js';
import type { Purge } from './purge.js';

export class EmbeddedRecordStore implements RecordStore {
  constructor(
    private readonly level: Level,
    private readonly committer: Committer,
    private readonly versions: { next(): number },
    private readonly purge: Purge,
    private readonly damage: DamageReports,
  ) {}

  async get(key: RecordKey): Promise<StoredRecord | undefined> {
    return this.#read(key);
  }

  #read(key: RecordKey): StoredRecord | undefined {
    const value = this.committer.read(recordKey(key));
    const record = value === undefined ? undefined : decodeRecord(key, value);
    return record === undefined || hasExpired(record) ? undefined : record;
  }

  /** Also of one that is damaged. */
  #isThere(key: RecordKey): boolean {
    const value = this.committer.read(recordKey(key));
    return value !== undefined && !isExpired(value);
  }

  async put(key: RecordKey, value: Uint8Array, options: PutOptions = {}): Promise<{ version: string } | 'conflict'> {
    // Read and queued in one turn: nothing gets in between.
    if (options.ifVersion !== undefined && (this.#read(key)?.version ?? null) !== options.ifVersion) return 'conflict';
    const version = this.versions.next();
    const buffer = sealable(16 + value.length);
    buffer.writeDoubleBE(options.expiresAt ?? 0, BODY_OFFSET);
    writeU64(buffer, BODY_OFFSET + 8, version);
    buffer.set(value, BODY_OFFSET + 16);
    await this.committer.commit([{ type: 'put', key: recordKey(key), value: seal(buffer) }]);
    return { version: String(version) };
  }

  async delete(key: RecordKey, options: { ifVersion?: string } = {}): Promise<boolean | 'conflict'> {
    if (options.ifVersion !== undefined && this.#read(key)?.version !== options.ifVersion) return 'conflict';
    if (!this.#isThere(key)) return false;
    await this.committer.commit([{ type: 'del', key: recordKey(key) }]);
    return true;
  }

  async *scan(prefix: RecordPrefix, options: ScanOptions = {}): AsyncIterable<StoredRecord> {
    await this.committer.flushed();
    const range = recordRange(prefix);
    const isReverse = options.reverse === true;
    const after = options.after === undefined ? undefined : recordKey(options.after);
    // A place outside the prefix must not open what stands there.
    const bounds = isReverse
      ? { gte: range.gte, lt: after === undefined || after.compare(range.lt) > 0 ? range.lt : after }
      : { ...(after === undefined || after.compare(range.gte) < 0 ? { gte: range.gte } : { gt: after }), lt: range.lt };
    let left = options.limit ?? Infinity;
    if (left === 0) return;
    for await (const [key, value] of this.#recordsIn({ ...bounds, reverse: isReverse }, options.onDamaged)) {
      const [first = '', ...rest] = segmentsOf(key);
      const record = this.#decoded([first, ...rest], value, options.onDamaged);
      if (record === undefined || hasExpired(record)) continue;
      yield record;
      left -= 1;
      if (left === 0) return;
    }
  }

  #recordsIn(range: Parameters<typeof readable>[1], onDamaged?: OnDamaged): ReturnType<typeof readable> {
    return readable(this.level, range, (error) => this.damage.report('part of the records', error, onDamaged));
  }

  /** Undefined, and reported, for a damaged one: it does not hide the others. */
  #decoded(key: RecordKey, value: Uint8Array, onDamaged?: OnDamaged): StoredRecord | undefined {
    try {
      return decodeRecord(key, value);
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      this.damage.report(`the record ${key.join('/')}`, error.cause, onDamaged);
      return undefined;
    }
  }

  async erase(prefix: RecordKey): Promise<number> {
    await this.committer.flushed();
    const range = recordRange(prefix);
    const operations: Operation[] = [];
    for await (const key of this.level.keys(range)) operations.push({ type: 'del', key: Buffer.from(key) });
    if (operations.length > 0) await this.committer.commit(operations);
    // Also when there is nothing: what `delete` and `put` left behind goes now.
    await this.purge(range, markersOf(range));
    return operations.length;
  }

  /** Deletes what has expired; answers how many. */
  async sweep(): Promise<number> {
    const operations: Operation[] = [];
    for await (const [key, value] of this.#recordsIn(RECORDS)) {
      if (isExpired(value)) operations.push({ type: 'del', key: Buffer.from(key) });
    }
    // Written again while the others were read: looked at anew in the turn in which it is queued.
    const expired = operations.filter(({ key }) => isExpired(this.committer.read(key)));
    if (expired.length > 0) await this.committer.commit(expired);
    return expired.length;
  }
}

/** @throws RecordDamagedError */
function decodeRecord(key: RecordKey, stored: Uint8Array): StoredRecord {
  const body = unsealed(key, stored);
  const expiresAt = body.readDoubleBE(0);
  const record = { key, version: String(readU64(body, 8)), value: Uint8Array.prototype.slice.call(body, 16) };
  return expiresAt === 0 ? record : { ...record, expiresAt };
}

function unsealed(key: RecordKey, stored: Uint8Array): Buffer {
  try {
    return unseal(stored);
  } catch (error) {
    if (error instanceof ChecksumError) throw new RecordDamagedError(key, error);
    throw error;
  }
}

const RECORDS: KeyRange = { gte: Buffer.from([0x10]), lt: Buffer.from([0x11]) };

/** False for a damaged record: who reads it is told. */
function isExpired(stored: Uint8Array | undefined): boolean {
  if (stored === undefined) return false;
  try {
    return hasExpired(decodeRecord([''], stored));
  } catch (error) {
    if (error instanceof RecordDamagedError) return false;
    throw error;
  }
}

const hasExpired = (record: StoredRecord): boolean => record.expiresAt !== undefined && record.expiresAt <= Date.now();

const EVENTS: KeyRange = { gte: Buffer.from([0x20]), lt: Buffer.from([0x21]) };
const ID_DIGITS = 16;
const idOf = (sequence: number): string => String(sequence).padStart(ID_DIGITS, '0');

const REWRITTEN_AT_ONCE = 500;

function storedEvent(at: number, data: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(data ?? null));
  const buffer = sealable(8 + json.length);
  buffer.writeDoubleBE(at, BODY_OFFSET);
  buffer.set(json, BODY_OFFSET + 8);
  return seal(buffer);
}

export class EmbeddedEventLog implements EventLog {
  /** Next sequence of streams that were appended to. Grows over the whole store, so that an id is never used twice. */
  constructor(
    private readonly level: Level,
    private readonly committer: Committer,
    private readonly sequences: { next(): number },
    private readonly purge: Purge,
    private readonly damage: DamageReports,
  ) {}

  async append(stream: string, events: readonly unknown[]): Promise<string[]> {
    const now = Date.now();
    const ids: string[] = [];
    const operations = events.map((data): Operation => {
      const sequence = this.sequences.next();
      ids.push(idOf(sequence));
      return { type: 'put', key: eventKey(stream, sequence), value: storedEvent(now, data) };
    });
    if (operations.length > 0) await this.committer.commit(operations);
    return ids;
  }

  async range(stream: string, options: RangeOptions = {}): Promise<LoggedEvent[]> {
    await this.committer.flushed();
    const whole = eventRange(stream);
    const bounds = {
      ...(options.after === undefined ? { gte: whole.gte } : { gt: eventKey(stream, Number(options.after)) }),
      lt: options.before === undefined ? whole.lt : eventKey(stream, Number(options.before)),
    };
    const events: LoggedEvent[] = [];
    const reverse = options.reverse === true;
    const limit = options.limit ?? Infinity;
    if (limit === 0) return events;
    const range = { ...bounds, reverse };
    const onGap = (error: Error): void =>
      this.damage.report(`part of the event stream "${stream}"`, error, options.onDamaged);
    for await (const [key, value] of readable(this.level, range, onGap)) {
      const what = `the event ${sequenceOfEventKey(key)} of the stream "${stream}"`;
      const body = this.#body(what, value, options.onDamaged);
      if (body === undefined) continue;
      const data: unknown = JSON.parse(body.toString('utf8', 8));
      events.push({ id: idOf(sequenceOfEventKey(key)), at: body.readDoubleBE(0), data });
      if (events.length === limit) break;
    }
    return events;
  }

  /** Undefined, and reported, for a damaged value: it does not hold up those that follow. */
  #body(what: string, value: Uint8Array, onDamaged?: OnDamaged): Buffer | undefined {
    try {
      return unseal(value);
    } catch (error) {
      if (!(error instanceof ChecksumError)) throw error;
      this.damage.report(what, error, onDamaged);
      return undefined;
    }
  }

  async position(stream: string, consumer: string): Promise<string | undefined> {
    const value = this.committer.read(consumerKey(stream, consumer));
    return value === undefined ? undefined : unseal(value).toString();
  }

  async commit(stream: string, consumer: string, id: string): Promise<void> {
    await this.committer.commit([{ type: 'put', key: consumerKey(stream, consumer), value: sealed(Buffer.from(id)) }]);
  }

  async *streams(): AsyncIterable<string> {
    await this.committer.flushed();
    let from = EVENTS.gte;
    for (;;) {
      const [key] = await this.level.keys({ gte: from, lt: EVENTS.lt, limit: 1 }).all();
      const stream = key === undefined ? undefined : streamOfEventKey(key);
      if (stream === undefined) return;
      yield stream;
      // Past all of its events at once.
      from = eventRange(stream).lt;
    }
  }

  async consumers(stream: string): Promise<ReadonlyMap<string, string>> {
    await this.committer.flushed();
    const places = new Map<string, string>();
    for await (const [key, value] of this.level.iterator(consumerRange(stream))) {
      const [, consumer = ''] = segmentsOf(key);
      const place = this.#body(`the place of "${consumer}" in the stream "${stream}"`, value);
      if (place !== undefined) places.set(consumer, place.toString());
    }
    return places;
  }

  async rewrite(stream: string, replace: (event: LoggedEvent) => unknown): Promise<number> {
    let replaced = 0;
    let after: string | undefined;
    for (;;) {
      const events = await this.range(stream, { ...(after !== undefined && { after }), limit: REWRITTEN_AT_ONCE });
      const operations = events.flatMap((event): Operation[] => {
        const data = replace(event);
        const key = eventKey(stream, Number(event.id));
        // Trimmed or erased meanwhile: looked at in the turn in which the new one is queued.
        if (data === undefined || this.committer.read(key) === undefined) return [];
        return [{ type: 'put', key, value: storedEvent(event.at, data) }];
      });
      if (operations.length > 0) await this.committer.commit(operations);
      replaced += operations.length;
      after = events.at(-1)?.id;
      if (after === undefined || events.length < REWRITTEN_AT_ONCE) return replaced;
    }
  }

  async trim(stream: string, before: string): Promise<void> {
    await this.committer.flushed();
    const range = { gte: eventRange(stream).gte, lt: eventKey(stream, Number(before)) };
    await this.#deleteRange(range);
  }

  async erase(stream: string): Promise<void> {
    await this.committer.flushed();
    for (const range of [eventRange(stream), consumerRange(stream)]) {
      await this.#deleteRange(range);
      await this.purge(range, markersOf(range));
    }
  }

  async #deleteRange(range: KeyRange): Promise<void> {
    const operations: Operation[] = [];
    for await (const key of this.level.keys(range)) operations.push({ type: 'del', key: Buffer.from(key) });
    if (operations.length > 0) await this.committer.commit(operations);
  }
}
