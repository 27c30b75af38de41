/** The document log on LevelDB. One process owns the folder, so nobody else appends. */
import { EventEmitter } from 'node:events';
import { LRUCache } from 'lru-cache';
import { uuidv7 } from 'uuidv7';
import {
  START,
  type AppendOptions,
  type DocumentInfo,
  type DocumentLog,
  type ErasureReceipt,
  type LoadedDocument,
  type LoggedUpdate,
  type NewUpdate,
  type Page,
  type Position,
  type Subscription,
} from '../document-log.js';
import { DocumentCorruptedError, DocumentErasedError, DocumentExistsError } from '../errors.js';
import { ChecksumError, sealed, unseal } from './checksum.js';
import type { Committer, Level, Operation } from './committer.js';
import { decodeEntry, encodeEntry } from './entry.js';
import { decodeHead, encodeHead, type Head } from './head.js';
import { documentOfHeadKey, entryKey, entryRange, headKey, headRange, sequenceOfEntryKey, stateKey } from './keys.js';

/** Heads of documents in use; the rest are read from the store. */
const CACHED_HEADS = 50_000;

export interface DocumentIds {
  /** Never used before, across restarts. */
  next(): number;
}

export class EmbeddedDocumentLog implements DocumentLog {
  readonly isShared = false;
  readonly #heads = new LRUCache<string, Head>({ max: CACHED_HEADS });
  readonly #opening = new Map<string, Promise<Head | undefined>>();
  /** Heads that are ahead of what is stored of them. */
  readonly #moved = new Map<string, Head>();
  readonly #appended = new EventEmitter().setMaxListeners(0);

  constructor(
    private readonly level: Level,
    private readonly committer: Committer,
    private readonly ids: DocumentIds,
    private readonly node: string,
    /** Removes the bytes of deleted keys from the files. */
    private readonly purge: (range: { gte: Buffer; lt: Buffer }) => Promise<void>,
  ) {}

  /**
   * HOT PATH: at once when the document is in use. The stored head may be older than the log (it is not rewritten with
   * every append: that halved the cost of one, 51 to 24 µs in batches of 100), so its end is looked up.
   * @throws DocumentCorruptedError
   */
  #head(document: string): Head | undefined | Promise<Head | undefined> {
    const cached = this.#heads.get(document);
    if (cached !== undefined) return cached;
    const opening = this.#opening.get(document);
    if (opening !== undefined) return opening;
    const value = this.committer.read(headKey(document));
    if (value === undefined) return undefined;
    const reading = this.#readHead(document, value).finally(() => this.#opening.delete(document));
    this.#opening.set(document, reading);
    return reading;
  }

  async #readHead(document: string, value: Uint8Array): Promise<Head> {
    const head = guarded(document, () => decodeHead(value));
    await this.committer.settled(headKey(document));
    const later = entryRange(head.id, head.sequence + 1, Number.MAX_SAFE_INTEGER);
    for await (const [key, entry] of this.level.iterator(later)) {
      head.sequence = sequenceOfEntryKey(key);
      head.uncompactedBytes += entry.length;
      head.changedAt = Math.max(head.changedAt, guarded(document, () => decodeEntry(entry)).attribution.at);
    }
    this.#heads.set(document, head);
    return head;
  }

  /** @throws DocumentErasedError */
  async #liveHead(document: string): Promise<Head | undefined> {
    return alive(document, await this.#head(document));
  }

  /** Resolves when every update of the document is on the disk. Other documents' do not matter: the medium may be failing. */
  #settled(head: Head | undefined): Promise<void> {
    return head === undefined ? Promise.resolve() : this.committer.settled(entryKey(head.id, head.sequence));
  }

  /** Stores the heads that have moved on, so that lists are right after a restart without looking at every log. */
  async saveHeads(): Promise<void> {
    const operations: Operation[] = [];
    for (const [document, head] of this.#moved) {
      if (head.erasedAt === 0) operations.push({ type: 'put', key: headKey(document), value: encodeHead(head) });
    }
    this.#moved.clear();
    if (operations.length > 0) await this.committer.commit(operations);
  }

  async load(document: string): Promise<LoadedDocument> {
    const head = await this.#liveHead(document);
    await this.#settled(head);
    if (head === undefined) return { updates: [], position: START };
    const { compactedUpTo, sequence } = head;
    const updates = await this.#entries(document, head, compactedUpTo, sequence);
    const missing = sequence - compactedUpTo - updates.length;
    if (missing !== 0) throw new DocumentCorruptedError(document, `${missing} logged updates are missing`);
    const base = { updates, position: positionOf(sequence), epoch: head.epoch };
    if (compactedUpTo === 0) return base;
    const state = this.committer.read(stateKey(head.id));
    if (state === undefined) throw new DocumentCorruptedError(document, 'its compacted state is missing');
    return { ...base, snapshot: Uint8Array.from(guarded(document, () => unseal(state))) };
  }

  async #entries(document: string, head: Head, after: number, upTo: number, limit = -1): Promise<LoggedUpdate[]> {
    const updates: LoggedUpdate[] = [];
    const iterator = this.level.iterator({ ...entryRange(head.id, after + 1, upTo + 1), limit });
    for await (const [key, value] of iterator) {
      const sequence = sequenceOfEntryKey(key);
      updates.push(guarded(document, () => ({ ...decodeEntry(value), position: positionOf(sequence) })));
    }
    return updates;
  }

  /** HOT PATH. */
  append(document: string, updates: readonly NewUpdate[], options?: AppendOptions): Promise<Position> {
    try {
      const head = this.#head(document);
      if (head instanceof Promise) return head.then(() => this.append(document, updates, options));
      return this.#append(document, alive(document, head), updates, options);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #append(
    document: string,
    existing: Head | undefined,
    updates: readonly NewUpdate[],
    options?: AppendOptions,
  ): Promise<Position> {
    if (options?.ifAbsent === true && existing !== undefined) throw new DocumentExistsError(document);
    const now = Date.now();
    const operations: Operation[] = [];
    const head = existing ?? this.#create(now);
    if (existing === undefined) {
      this.#heads.set(document, head);
      operations.push({ type: 'put', key: headKey(document), value: encodeHead(head) });
    }
    const first = head.sequence + 1;
    for (const update of updates) {
      head.sequence += 1;
      const value = encodeEntry(update, this.node);
      head.uncompactedBytes += value.length;
      operations.push({ type: 'put', key: entryKey(head.id, head.sequence), value });
    }
    head.changedAt = now;
    this.#moved.set(document, head);
    const last = head.sequence;
    return this.committer.commit(operations).then(() => {
      if (this.#appended.listenerCount(document) > 0) this.#announce(document, updates, first);
      return positionOf(last);
    });
  }

  #create(now: number): Head {
    return {
      id: this.ids.next(),
      epoch: uuidv7(),
      createdAt: now,
      changedAt: now,
      sequence: 0,
      compactedUpTo: 0,
      stateBytes: 0,
      uncompactedBytes: 0,
      erasedAt: 0,
    };
  }

  #announce(document: string, updates: readonly NewUpdate[], first: number): void {
    const logged = updates.map((update, i) => ({ ...update, position: positionOf(first + i), node: this.node }));
    this.#appended.emit(document, logged);
  }

  async compact(document: string, upTo: Position, state: Uint8Array): Promise<'done' | 'lost the race'> {
    const head = await this.#liveHead(document);
    await this.#settled(head);
    const sequence = sequenceOf(upTo);
    if (head === undefined || sequence <= head.compactedUpTo || sequence > head.sequence) return 'lost the race';
    const folded: Buffer[] = [];
    let foldedBytes = 0;
    const range = entryRange(head.id, head.compactedUpTo + 1, sequence + 1);
    const from = head.compactedUpTo;
    for await (const [key, value] of this.level.iterator(range)) {
      folded.push(Buffer.from(key));
      foldedBytes += value.length;
    }
    this.#moved.delete(document);
    // While it was read, another compaction or an erasure may have got there first.
    if (head.compactedUpTo !== from || head.erasedAt > 0) return 'lost the race';
    head.compactedUpTo = sequence;
    head.stateBytes = state.length;
    head.uncompactedBytes = Math.max(0, head.uncompactedBytes - foldedBytes);
    await this.committer.commit([
      { type: 'put', key: stateKey(head.id), value: sealed(state) },
      ...folded.map((key) => ({ type: 'del', key }) as const),
      { type: 'put', key: headKey(document), value: encodeHead(head) },
    ]);
    return 'done';
  }

  async history(document: string, after: Position, limit: number): Promise<LoggedUpdate[]> {
    const head = await this.#liveHead(document);
    await this.#settled(head);
    if (head === undefined) return [];
    return this.#entries(document, head, Math.max(sequenceOf(after), head.compactedUpTo), head.sequence, limit);
  }

  async subscribe(
    document: string,
    from: Position,
    onUpdates: (updates: LoggedUpdate[]) => void | Promise<void>,
  ): Promise<Subscription> {
    let isOpen = true;
    let delivered = sequenceOf(from);
    let delivering = Promise.resolve();
    const waiting: LoggedUpdate[] = [];
    const deliver = async (): Promise<void> => {
      const due = waiting.splice(0).filter((entry) => sequenceOf(entry.position) > delivered);
      const last = due[due.length - 1];
      if (!isOpen || last === undefined) return;
      delivered = sequenceOf(last.position);
      await onUpdates(due);
    };
    const onAppended = (updates: LoggedUpdate[]): void => {
      waiting.push(...updates);
      delivering = delivering.then(deliver);
    };
    const past = this.history(document, from, -1);
    this.#appended.on(document, onAppended);
    delivering = past.then((updates) => {
      waiting.unshift(...updates);
      return deliver();
    });
    await delivering;
    return {
      close: async () => {
        isOpen = false;
        this.#appended.off(document, onAppended);
        await delivering;
      },
    };
  }

  async info(document: string): Promise<DocumentInfo | undefined> {
    const head = await this.#head(document);
    await this.#settled(head);
    return head === undefined || head.erasedAt > 0 || head.sequence === 0 ? undefined : describe(document, head);
  }

  async list(prefix: string, cursor: string | null, limit: number): Promise<Page<DocumentInfo>> {
    const range = headRange(prefix);
    const start = cursor === null ? { gte: range.gte } : { gt: headKey(cursor) };
    const data: DocumentInfo[] = [];
    for await (const [key, value] of this.level.iterator({ ...start, lt: range.lt })) {
      const document = documentOfHeadKey(key);
      const head = this.#heads.peek(document) ?? this.#moved.get(document) ?? decodeOrSkip(value);
      if (head === undefined || head.erasedAt > 0) continue;
      if (data.length === limit) return { data, nextCursor: data[data.length - 1]?.document ?? null };
      data.push(describe(document, head));
    }
    return { data, nextCursor: null };
  }

  async erase(document: string): Promise<ErasureReceipt> {
    const head = await this.#head(document);
    // Its last entries are among what is deleted below.
    await this.committer.flushed();
    const now = Date.now();
    if (head !== undefined && head.erasedAt > 0) return { document, erasedAt: head.erasedAt, updates: 0, bytes: 0 };
    const id = head?.id ?? this.ids.next();
    const receipt = {
      document,
      erasedAt: now,
      updates: head?.sequence ?? 0,
      bytes: (head?.stateBytes ?? 0) + (head?.uncompactedBytes ?? 0),
    };
    const tombstone: Head = {
      id,
      epoch: head?.epoch ?? uuidv7(),
      createdAt: head?.createdAt ?? now,
      changedAt: now,
      sequence: 0,
      compactedUpTo: 0,
      stateBytes: 0,
      uncompactedBytes: 0,
      erasedAt: now,
    };
    if (head !== undefined) head.erasedAt = now;
    this.#moved.delete(document);
    this.#heads.set(document, tombstone);
    const range = entryRange(id, 0, Number.MAX_SAFE_INTEGER);
    const operations: Operation[] = [
      { type: 'put', key: headKey(document), value: encodeHead(tombstone) },
      { type: 'del', key: stateKey(id) },
    ];
    for await (const key of this.level.keys(range)) operations.push({ type: 'del', key: Buffer.from(key) });
    await this.committer.commit(operations);
    await this.purge(range);
    await this.purge({ gte: stateKey(id), lt: stateKey(id + 1) });
    return receipt;
  }
}

const positionOf = (sequence: number): Position => (sequence === 0 ? START : String(sequence));
const sequenceOf = (position: Position): number => (position === START ? 0 : Number(position));

/** @throws DocumentErasedError */
function alive(document: string, head: Head | undefined): Head | undefined {
  if (head !== undefined && head.erasedAt > 0) throw new DocumentErasedError(document);
  return head;
}

function describe(document: string, head: Head): DocumentInfo {
  return {
    document,
    epoch: head.epoch,
    updates: head.sequence,
    bytes: head.stateBytes + head.uncompactedBytes,
    uncompactedBytes: head.uncompactedBytes,
    uncompactedUpdates: head.sequence - head.compactedUpTo,
    createdAt: head.createdAt,
    changedAt: head.changedAt,
  };
}

function guarded<T>(document: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof ChecksumError || error instanceof RangeError) {
      throw new DocumentCorruptedError(document, error.message, { cause: error });
    }
    throw error;
  }
}

/** A damaged head must not hide the other documents from a list; loading that document says what is wrong. */
function decodeOrSkip(value: Uint8Array): Head | undefined {
  try {
    return decodeHead(value);
  } catch (error) {
    if (error instanceof ChecksumError || error instanceof RangeError) return undefined;
    throw error;
  }
}
