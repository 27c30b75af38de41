/** The document log on LevelDB. One process owns the folder, so nobody else appends. */
import type { Logger } from 'pino';
import {
  START,
  type AppendOptions,
  type CompactOptions,
  type DocumentInfo,
  type DocumentLog,
  type ErasureReceipt,
  type LoadedDocument,
  type LoggedUpdate,
  type NewUpdate,
  type Page,
  type Position,
  type Subscription,
} from '../../document-log.js';
import { DocumentCorruptedError, DocumentExistsError } from '../../errors.js';
import { sealed, unseal } from '../checksum.js';
import type { Committer, Level, Operation } from '../committer.js';
import { type DamageReports, readable } from '../damage-reports.js';
import { decodeOrSkip, guarded, readGuarded } from './damage.js';
import { alive, DocumentHeads, type DocumentIds } from './document-heads.js';
import { decodeEntry, encodeEntry } from './entry.js';
import { decodeHead, encodeHead, type Head } from './head.js';
import { documentOfHeadKey, entryKey, entryRange, headKey, headRange, sequenceOfEntryKey, stateKey } from '../keys.js';
import { LocalSubscribers } from './local-subscribers.js';
import type { Purge } from '../purge.js';

export class EmbeddedDocumentLog implements DocumentLog {
  readonly isShared = false;
  readonly #heads: DocumentHeads;
  readonly #erasing = new Map<string, Promise<ErasureReceipt>>();
  readonly #subscribers: LocalSubscribers;

  constructor(
    private readonly level: Level,
    private readonly committer: Committer,
    ids: DocumentIds,
    private readonly node: string,
    private readonly purge: Purge,
    logger: Logger,
    private readonly damage: DamageReports,
  ) {
    this.#heads = new DocumentHeads(level, committer, ids);
    this.#subscribers = new LocalSubscribers(logger);
  }

  /** Now and then: lists are right after a restart without looking at every log. */
  saveHeads(): Promise<void> {
    return this.#heads.save();
  }

  async load(document: string): Promise<LoadedDocument> {
    const settled = await this.#heads.settled(document);
    if (settled === undefined) return { updates: [], position: START };
    const { head, sequence } = settled;
    // The state and the iterator over what follows it are taken in one turn: no compaction gets in between.
    const { compactedUpTo } = head;
    const state = compactedUpTo === 0 ? undefined : guarded(document, () => this.committer.read(stateKey(head.id)));
    const updates = await this.#entries(document, head, compactedUpTo, sequence);
    const missing = sequence - compactedUpTo - updates.length;
    if (missing !== 0) throw new DocumentCorruptedError(document, `${missing} logged updates are missing`);
    const base = { updates, position: positionOf(sequence), epoch: head.epoch };
    if (compactedUpTo === 0) return base;
    if (state === undefined) throw new DocumentCorruptedError(document, 'its compacted state is missing');
    return { ...base, snapshot: Uint8Array.from(guarded(document, () => unseal(state))) };
  }

  #entries(document: string, head: Head, after: number, upTo: number, limit = -1): Promise<LoggedUpdate[]> {
    const iterator = this.level.iterator({ ...entryRange(head.id, after + 1, upTo + 1), limit });
    return readGuarded(document, async () => {
      const updates: LoggedUpdate[] = [];
      for await (const [key, value] of iterator) {
        updates.push({ ...decodeEntry(value), position: positionOf(sequenceOfEntryKey(key)) });
      }
      return updates;
    });
  }

  /** HOT PATH. */
  append(document: string, updates: readonly NewUpdate[], options?: AppendOptions): Promise<Position> {
    try {
      const head = this.#heads.get(document);
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
    if (updates.length === 0) return Promise.resolve(positionOf(existing?.sequence ?? 0));
    const now = Date.now();
    const operations: Operation[] = [];
    const head = existing ?? this.#heads.create(document, now, options?.epoch);
    if (existing === undefined) {
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
    this.#heads.markMoved(document, head);
    const last = head.sequence;
    return this.committer.commit(operations).then(() => {
      if (this.#subscribers.has(document)) this.#announce(document, updates, first);
      return positionOf(last);
    });
  }

  #announce(document: string, updates: readonly NewUpdate[], first: number): void {
    const logged = updates.map((update, i) => ({ ...update, position: positionOf(first + i), node: this.node }));
    this.#subscribers.announce(document, logged);
  }

  async compact(
    document: string,
    upTo: Position,
    state: Uint8Array,
    { again = false }: CompactOptions = {},
  ): Promise<'done' | 'lost the race'> {
    const settled = await this.#heads.settled(document);
    const sequence = sequenceOf(upTo);
    if (settled === undefined || sequence > settled.sequence) return 'lost the race';
    const { head } = settled;
    if (sequence < head.compactedUpTo || (sequence === head.compactedUpTo && !again)) return 'lost the race';
    const folded: Buffer[] = [];
    let foldedBytes = 0;
    const range = entryRange(head.id, head.compactedUpTo + 1, sequence + 1);
    const from = head.compactedUpTo;
    for await (const [key, value] of this.level.iterator(range)) {
      folded.push(Buffer.from(key));
      foldedBytes += value.length;
    }
    // While it was read, another compaction or an erasure may have got there first, or the head left the cache.
    if ((await this.#heads.get(document)) !== head || head.compactedUpTo !== from) return 'lost the race';
    alive(document, head);
    this.#heads.markStored(document, head);
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
    const settled = await this.#heads.settled(document);
    if (settled === undefined || limit === 0) return [];
    const { head, sequence } = settled;
    return this.#entries(document, head, Math.max(sequenceOf(after), head.compactedUpTo), sequence, limit);
  }

  subscribe(
    document: string,
    from: Position,
    onUpdates: (updates: LoggedUpdate[]) => void | Promise<void>,
    onBroken?: (error: unknown) => void,
  ): Promise<Subscription> {
    return this.#subscribers.subscribe(document, () => this.#since(document, from), onUpdates, onBroken);
  }

  /** A follower that a compaction has overtaken gets the state as one update. */
  async #since(document: string, from: Position): Promise<LoggedUpdate[]> {
    const settled = await this.#heads.settled(document);
    if (settled === undefined) return [];
    const { head, sequence } = settled;
    const { compactedUpTo, changedAt } = head;
    if (sequenceOf(from) >= compactedUpTo) return this.#entries(document, head, sequenceOf(from), sequence);
    const { snapshot, updates, position: loaded } = await this.load(document);
    if (snapshot === undefined) return updates;
    const attribution = { principal: 'system', at: changedAt, source: 'system' } as const;
    const position = updates[0] === undefined ? loaded : positionOf(sequenceOf(updates[0].position) - 1);
    return [{ position, node: this.node, update: snapshot, attribution }, ...updates];
  }

  async info(document: string): Promise<DocumentInfo | undefined> {
    const head = await this.#heads.get(document);
    if (head !== undefined) await this.#heads.untilSettled(head);
    return head === undefined || head.erasedAt > 0 ? undefined : describe(document, head);
  }

  async list(prefix: string, cursor: string | null, limit: number): Promise<Page<DocumentInfo>> {
    const range = headRange(prefix);
    // A cursor is whatever somebody sent: it must not open what stands before the prefix.
    const start =
      cursor === null || headKey(cursor).compare(range.gte) < 0 ? { gte: range.gte } : { gt: headKey(cursor) };
    const data: DocumentInfo[] = [];
    for await (const [key, value] of this.#headsIn({ ...start, lt: range.lt })) {
      const document = documentOfHeadKey(key);
      // A damaged head must not hide the other documents; loading that document says what is wrong.
      const head = this.#heads.peek(document) ?? decodeOrSkip(() => decodeHead(value));
      if (head === undefined || head.erasedAt > 0) continue;
      if (data.length === limit) return { data, nextCursor: data[data.length - 1]?.document ?? null };
      data.push(describe(document, head));
    }
    return { data, nextCursor: null };
  }

  async *tombstones(): AsyncIterable<string> {
    await this.committer.flushed();
    for await (const [key, value] of this.#headsIn(headRange(''))) {
      const head = decodeOrSkip(() => decodeHead(value));
      if (head !== undefined && head.erasedAt > 0) yield documentOfHeadKey(key);
    }
  }

  #headsIn(range: Parameters<typeof readable>[1]): ReturnType<typeof readable> {
    return readable(this.level, range, (error) => this.damage.report('part of the list of documents', error));
  }

  /** Nobody else writes here: what was acknowledged stays. */
  onLost(): () => void {
    return () => undefined;
  }

  erase(document: string): Promise<ErasureReceipt> {
    const running = this.#erasing.get(document);
    if (running !== undefined) return running;
    const erasure = this.#erase(document).finally(() => this.#erasing.delete(document));
    this.#erasing.set(document, erasure);
    return erasure;
  }

  async #erase(document: string): Promise<ErasureReceipt> {
    const head = (await this.#heads.get(document)) ?? this.#heads.create(document, Date.now());
    if (head.erasedAt > 0) return receiptOf(document, head);
    // First of all nothing more can be appended: what is listed below is then everything.
    head.erasedAt = Date.now();
    this.#heads.markStored(document, head);
    await this.committer.flushed();
    const entries = entryRange(head.id, 0, Number.MAX_SAFE_INTEGER);
    const operations: Operation[] = [
      { type: 'put', key: headKey(document), value: encodeHead(head) },
      { type: 'del', key: stateKey(head.id) },
    ];
    for await (const key of this.level.keys(entries)) operations.push({ type: 'del', key: Buffer.from(key) });
    await this.committer.commit(operations);
    await this.purge(entries, [entries.gte, entries.lt]);
    await this.purge({ gte: stateKey(head.id), lt: stateKey(head.id + 1) }, [stateKey(head.id)]);
    return receiptOf(document, head);
  }
}

/** The head of a tombstone keeps the numbers of the life that ended. */
function receiptOf(document: string, { erasedAt, sequence, stateBytes, uncompactedBytes }: Head): ErasureReceipt {
  return { document, erasedAt, updates: sequence, bytes: stateBytes + uncompactedBytes };
}

const positionOf = (sequence: number): Position => (sequence === 0 ? START : String(sequence));
const sequenceOf = (position: Position): number => (position === START ? 0 : Number(position));

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
