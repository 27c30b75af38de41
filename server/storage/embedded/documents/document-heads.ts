/**
 * The heads of documents: read when a document is first used, kept while it is, stored now and then.
 *
 * A stored head may be older than the log. It is not rewritten with every append (that halved the cost of one, 51 to 24 µs
 * in batches of 100), so the end of the log is looked up when the head is read.
 */
import { LRUCache } from 'lru-cache';
import { uuidv7 } from 'uuidv7';
import { DocumentErasedError } from '../../errors.js';
import type { Committer, Level, Operation } from '../committer.js';
import { entryKey, entryRange, headKey, sequenceOfEntryKey } from '../keys.js';
import { decodeOrSkip, guarded, readGuarded } from './damage.js';
import { decodeEntry } from './entry.js';
import { decodeHead, encodeHead, type Head } from './head.js';

/** Heads of documents in use; the rest are read from the store. */
const CACHED_HEADS = 50_000;

export interface DocumentIds {
  /** Never used before, across restarts. */
  next(): number;
}

export class DocumentHeads {
  readonly #cached = new LRUCache<string, Head>({ max: CACHED_HEADS });
  readonly #opening = new Map<string, Promise<Head | undefined>>();
  /** Ahead of what is stored of them. */
  readonly #moved = new Map<string, Head>();

  constructor(
    private readonly level: Level,
    private readonly committer: Committer,
    private readonly ids: DocumentIds,
  ) {}

  /** HOT PATH: at once when the document is in use. @throws DocumentCorruptedError */
  get(document: string): Head | undefined | Promise<Head | undefined> {
    // One may have fallen out of the cache while its last updates still wait for the disk, where they would not be found.
    const known = this.#cached.get(document) ?? this.#moved.get(document);
    if (known !== undefined) return known;
    const opening = this.#opening.get(document);
    if (opening !== undefined) return opening;
    const value = guarded(document, () => this.committer.read(headKey(document)));
    if (value === undefined) return undefined;
    const reading = this.#read(document, value).finally(() => this.#opening.delete(document));
    this.#opening.set(document, reading);
    return reading;
  }

  /** What memory holds of it; to look at all does not keep them in the cache. */
  peek(document: string): Head | undefined {
    return this.#cached.peek(document) ?? this.#moved.get(document);
  }

  async #read(document: string, value: Uint8Array): Promise<Head> {
    const head = guarded(document, () => decodeHead(value));
    await this.committer.settled(headKey(document));
    if (head.erasedAt > 0) {
      this.#cached.set(document, head);
      return head;
    }
    const later = entryRange(head.id, head.sequence + 1, Number.MAX_SAFE_INTEGER);
    await readGuarded(document, async () => {
      for await (const [key, entry] of this.level.iterator(later)) {
        head.sequence = sequenceOfEntryKey(key);
        head.uncompactedBytes += entry.length;
        // A damaged entry is reported by who needs what is in it: the document can still be erased.
        head.changedAt = Math.max(head.changedAt, decodeOrSkip(() => decodeEntry(entry))?.attribution.at ?? 0);
      }
    });
    this.#cached.set(document, head);
    return head;
  }

  /**
   * The head, and the sequence up to which the log is on the disk: more may have been appended meanwhile.
   * Other documents' updates do not matter: the medium may be failing.
   * @throws DocumentErasedError, DocumentCorruptedError
   */
  async settled(document: string): Promise<{ head: Head; sequence: number } | undefined> {
    const head = alive(document, await this.get(document));
    if (head === undefined) return undefined;
    const { sequence } = head;
    await this.untilSettled(head);
    alive(document, head);
    return { head, sequence: Math.max(sequence, head.compactedUpTo) };
  }

  /** Resolves when the last update of the log is on the disk. */
  untilSettled(head: Head): Promise<void> {
    return this.committer.settled(entryKey(head.id, head.sequence));
  }

  /** Of a document without one. The caller stores it. */
  create(document: string, now: number, epoch = uuidv7()): Head {
    const head: Head = {
      id: this.ids.next(),
      epoch,
      createdAt: now,
      changedAt: now,
      sequence: 0,
      compactedUpTo: 0,
      stateBytes: 0,
      uncompactedBytes: 0,
      erasedAt: 0,
    };
    this.#cached.set(document, head);
    return head;
  }

  /** HOT PATH. Its log has grown; `save` will store it. */
  markMoved(document: string, head: Head): void {
    this.#moved.set(document, head);
  }

  /** The caller stores all that it is now. */
  markStored(document: string, head: Head): void {
    this.#cached.set(document, head);
    this.#moved.delete(document);
  }

  /** Stores those that have moved on. */
  async save(): Promise<void> {
    const operations: Operation[] = [];
    for (const [document, head] of this.#moved) {
      if (head.erasedAt === 0) operations.push({ type: 'put', key: headKey(document), value: encodeHead(head) });
    }
    this.#moved.clear();
    if (operations.length > 0) await this.committer.commit(operations);
  }
}

/** @throws DocumentErasedError */
export function alive(document: string, head: Head | undefined): Head | undefined {
  if (head !== undefined && head.erasedAt > 0) throw new DocumentErasedError(document);
  return head;
}
