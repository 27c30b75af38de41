import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { DocumentErasedError, StorageClosedError } from '../../errors.js';
import type {
  AppendOptions,
  CompactOptions,
  DocumentInfo,
  DocumentLog,
  ErasureReceipt,
  LoadedDocument,
  LoggedUpdate,
  NewUpdate,
  Page,
  Position,
  Subscription,
} from '../../document-log.js';
import type { ChannelSubscriber } from '../connection/channel-subscriber.js';
import type { CommandPipeline } from '../connection/command-pipeline.js';
import { pause, type RetryContext, Retrier } from '../connection/retry.js';
import { loadScript } from '../connection/script.js';
import { namesInKeys } from '../key-scan.js';
import type { Keys } from '../keys.js';
import { DocumentAppender } from './document-appender.js';
import { DocumentNames } from './document-names.js';
import { DocumentReader } from './document-reader.js';
import { DocumentSubscription } from './document-subscription.js';
import { encodeSnapshot } from './entry.js';
import type { KnownLogs } from './known-logs.js';
import { ReadFailures } from './read-failures.js';
import { compareIds } from './stream-id.js';

export interface DocumentLogParts {
  readonly reads: CommandPipeline;
  readonly writes: CommandPipeline;
  readonly keys: Keys;
  readonly channels: ChannelSubscriber;
  readonly known: KnownLogs;
  readonly retry: RetryContext;
  readonly logger: Logger;
  readonly node: string;
  readonly writer: string;
  /** How long a read, compaction or erasure is tried, in milliseconds. Appends are tried for ever. */
  readonly deadlineMs: number;
  /** Pause between comparisons of live documents with their logs, in milliseconds. */
  readonly antiEntropyMs: number;
  /** Called when content was erased: files of Redis on disk still hold it. */
  readonly onErased: () => void;
}

const ANTI_ENTROPY_CHUNK = 256;
/** Acknowledged appends that the subscription hasn't shown yet; more are left to the next compaction. */
const OWN_APPENDS = 256;

/** Documents as Streams, snapshots and metadata in Redis. Layout: `append-3.lua`, `entry.ts`. */
export class RedisDocumentLog implements DocumentLog {
  readonly isShared = true;

  readonly #parts: DocumentLogParts;
  readonly #reader: DocumentReader;
  readonly #names: DocumentNames;
  readonly #appender: DocumentAppender;
  readonly #retrier: Retrier;
  readonly #quietRetrier: Retrier;
  readonly #compact = loadScript('compact-3');
  readonly #erase = loadScript('erase-3');
  readonly #live = new Map<string, Set<DocumentSubscription>>();
  readonly #readFailures: ReadFailures;
  readonly #antiEntropy: NodeJS.Timeout;
  #isComparing = false;

  constructor(parts: DocumentLogParts) {
    this.#parts = parts;
    this.#reader = new DocumentReader(parts.reads, parts.keys);
    this.#names = new DocumentNames(parts.reads, parts.writes, parts.keys);
    this.#retrier = new Retrier(parts.retry, 'writes');
    this.#quietRetrier = new Retrier(parts.retry, undefined);
    const { writes, keys, known, node, writer } = parts;
    const appendRetrier = new Retrier(parts.retry, 'appends');
    this.#appender = new DocumentAppender({
      ...{ writes, keys, known, node, writer },
      retrier: appendRetrier,
      names: this.#names,
    });
    this.#readFailures = new ReadFailures(parts.logger);
    this.#antiEntropy = setInterval(() => void this.#compareAll(), parts.antiEntropyMs);
  }

  get pendingBytes(): number {
    return this.#appender.pendingBytes;
  }

  async load(document: string): Promise<LoadedDocument> {
    const before = this.#parts.known.get(document);
    const loaded = await this.#read(() => this.#reader.load(document));
    const { epoch, position } = loaded;
    this.#parts.known.loaded(document, epoch === undefined ? undefined : { epoch, position }, before);
    if (epoch !== undefined) this.#names.seen(document);
    const { snapshot, updates } = loaded;
    return { ...(snapshot && { snapshot }), updates, position, ...(epoch !== undefined && { epoch }) };
  }

  append(document: string, updates: readonly NewUpdate[], options: AppendOptions = {}): Promise<Position> {
    if (this.#parts.retry.closing.aborted) return Promise.reject(new StorageClosedError());
    if (updates.length === 0) return this.#last(document);
    return this.#appender.append(document, updates, options);
  }

  /**
   * Encode `state` in the turn of this call. While the document is live here, no more is folded than its subscribers
   * have received and this node has appended: an append that was just acknowledged can stand behind one of another node
   * that is still on its way, and a state without that one must not replace it.
   */
  async compact(
    document: string,
    upTo: Position,
    state: Uint8Array,
    { again = false }: CompactOptions = {},
  ): Promise<'done' | 'lost the race'> {
    const received = [...(this.#live.get(document) ?? [])].map(({ delivered }) => delivered);
    const [least] = received.toSorted(compareIds);
    const position =
      least === undefined || compareIds(least, upTo) >= 0 ? upTo : await this.#ownAppendsAfter(document, least, upTo);
    if (position === '') return 'lost the race';
    const { log, snapshot, meta } = this.#parts.keys.document(document);
    const stored = encodeSnapshot(position, state);
    const id = randomUUID();
    const reply = await this.#retrier.run(
      () => this.#parts.writes.script(this.#compact, [log, snapshot, meta], position, stored, id, again ? '1' : '0'),
      this.#parts.deadlineMs,
    );
    const outcome = String(reply);
    if (outcome === 'erased') throw new DocumentErasedError(document);
    return outcome === 'done' ? 'done' : 'lost the race';
  }

  history(document: string, after: Position, limit: number): Promise<LoggedUpdate[]> {
    if (limit <= 0) return Promise.resolve([]);
    return this.#read(() => this.#reader.history(document, after, limit));
  }

  async subscribe(
    document: string,
    from: Position,
    onUpdates: (updates: LoggedUpdate[]) => void | Promise<void>,
    onBroken: (error: unknown) => void = () => undefined,
  ): Promise<Subscription> {
    const { known, logger, retry, channels, keys, deadlineMs } = this.#parts;
    if (retry.closing.aborted) throw new StorageClosedError();
    known.entered(document);
    const subscription = new DocumentSubscription(document, from, {
      ...{ reader: this.#reader, known, logger, readFailures: this.#readFailures, onUpdates, onBroken },
      pause: (attempt) => pause(Math.min(50 * attempt, 1_000), retry.link, retry.closing),
    });
    const live = this.#live.get(document) ?? new Set();
    this.#live.set(document, live.add(subscription));
    const stopListening = channels.listen(keys.document(document).wake, {
      onMessage: (message) => subscription.onMessage(message),
      onSubscribed: () => subscription.catchUp(),
    });
    let isOpen = true;
    const close = async (): Promise<void> => {
      if (!isOpen) return;
      isOpen = false;
      live.delete(subscription);
      if (live.size === 0) this.#live.delete(document);
      stopListening();
      known.left(document);
      await subscription.close();
    };
    try {
      await this.#quietRetrier.run(() => subscription.ready, deadlineMs);
    } catch (error) {
      await close();
      throw error;
    }
    return { close };
  }

  async info(document: string): Promise<DocumentInfo | undefined> {
    const [info] = await this.#read(() => this.#reader.infos([document]));
    return info;
  }

  async list(prefix: string, cursor: string | null, limit: number): Promise<Page<DocumentInfo>> {
    const wanted = Math.min(Math.max(Math.trunc(limit), 1), 1_000);
    // One more than asked for tells whether there is a next page.
    const infos = await this.#read(() => this.#collect(prefix, cursor ?? undefined, wanted + 1));
    const data = infos.slice(0, wanted);
    const last = data.at(-1);
    const isLastPage = infos.length <= wanted || last === undefined;
    return { data, nextCursor: isLastPage ? null : last.document };
  }

  async *tombstones(): AsyncIterable<string> {
    const { keys, retry } = this.#parts;
    for await (const document of namesInKeys(retry.link, keys.everyDocument)) {
      const { isErased } = await this.#read(() => this.#reader.meta(document));
      if (isErased) yield document;
    }
  }

  async erase(document: string): Promise<ErasureReceipt> {
    const { log, snapshot, meta } = this.#parts.keys.document(document);
    const reply = await this.#retrier.run(async () => {
      const receipt = await this.#parts.writes.script(this.#erase, [log, snapshot, meta]);
      await this.#names.remove(document);
      return receipt as Buffer[];
    }, this.#parts.deadlineMs);
    this.#parts.known.forget(document);
    this.#parts.onErased();
    const [erasedAt = 0, updates = 0, bytes = 0] = reply.map(Number);
    return { document, erasedAt, updates, bytes };
  }

  onLost(listener: (document: string) => void): () => void {
    return this.#parts.known.onLost(listener);
  }

  /** Resolves when no append is pending. */
  idle(): Promise<void> {
    return this.#appender.idle();
  }

  async close(): Promise<void> {
    clearInterval(this.#antiEntropy);
    await Promise.all([...this.#live.values()].flatMap((live) => [...live].map((each) => each.close())));
    this.#live.clear();
  }

  /**
   * The last position, up to `upTo`, before which everything after `received` comes from this node; `received` when another
   * compaction has folded what came after it, or the log is another than the one that this node knows.
   */
  async #ownAppendsAfter(document: string, received: Position, upTo: Position): Promise<Position> {
    const { entries, meta } = await this.#read(() => this.#reader.following(document, received, OWN_APPENDS));
    if (compareIds(meta.snapshotAt, received) > 0) return received;
    if (meta.epoch !== this.#parts.known.get(document)?.epoch) return received;
    let position = received;
    for (const entry of entries) {
      if (entry.node !== this.#parts.node || compareIds(entry.position, upTo) > 0) break;
      position = entry.position;
    }
    return position;
  }

  #last(document: string): Promise<Position> {
    return this.#read(async () => {
      const { last, isErased } = await this.#reader.meta(document);
      if (isErased) throw new DocumentErasedError(document);
      return last;
    });
  }

  #read<T>(operation: () => Promise<T>): Promise<T> {
    return this.#quietRetrier.run(operation, this.#parts.deadlineMs);
  }

  async #collect(prefix: string, after: string | undefined, wanted: number): Promise<DocumentInfo[]> {
    const found: DocumentInfo[] = [];
    let names: string[] = [];
    const check = async (): Promise<void> => {
      const infos = await this.#reader.infos(names);
      found.push(...infos.filter((info) => info !== undefined));
      names = [];
    };
    for await (const name of this.#names.startingWith(prefix, after, wanted)) {
      names.push(name);
      if (found.length + names.length >= wanted) await check();
      if (found.length >= wanted) break;
    }
    await check();
    return found;
  }

  /** Anti-entropy: whatever Pub/Sub did or didn't say, every live document is compared with its log. */
  async #compareAll(): Promise<void> {
    if (this.#isComparing) return;
    this.#isComparing = true;
    const all = [...this.#live].flatMap(([document, live]) =>
      [...live].map((subscription) => ({ document, subscription })),
    );
    for (let start = 0; start < all.length; start += ANTI_ENTROPY_CHUNK) {
      const chunk = all.slice(start, start + ANTI_ENTROPY_CHUNK);
      const outcomes = await Promise.allSettled(chunk.map(({ subscription }) => subscription.verify()));
      for (const [i, outcome] of outcomes.entries()) {
        const live = chunk[i];
        if (outcome.status === 'fulfilled' && outcome.value && live !== undefined) {
          this.#parts.logger.warn({ document: live.document }, 'No wake-ups arrive; the subscription is renewed');
          this.#parts.channels.suspect(this.#parts.keys.document(live.document).wake);
        }
      }
      // Reads fail while Redis is away; the return of the subscription is followed by a read anyway.
      if (outcomes.some(({ status }) => status === 'rejected')) break;
    }
    this.#isComparing = false;
  }
}
