import type { Logger } from 'pino';
import { DocumentCorruptedError, DocumentErasedError, StorageError } from '../../errors.js';
import type { LoadedDocument, LoggedUpdate, Position } from '../../document-log.js';
import { classify } from '../connection/failure.js';
import type { DocumentReader, LogMeta, StoredEntry } from './document-reader.js';
import { decodeEntry } from './entry.js';
import type { KnownLog, KnownLogs } from './known-logs.js';
import type { ReadFailures } from './read-failures.js';
import { compareIds } from './stream-id.js';
import { decodeWakeUp, type WakeUp } from './wake-up.js';

export interface SubscriptionParts {
  readonly reader: DocumentReader;
  readonly known: KnownLogs;
  readonly logger: Logger;
  readonly readFailures: ReadFailures;
  /** Pauses before a failed read is repeated; ends early when Redis is back. */
  readonly pause: (attempt: number) => Promise<void>;
  readonly onUpdates: (updates: LoggedUpdate[]) => void | Promise<void>;
  /** The log can be followed no further; not called for what `ready` rejects with. */
  readonly onBroken: (error: unknown) => void;
}

/** Entries per read while catching up. */
const PAGE = 512;
/** Wake-ups that wait for a slow consumer; beyond that the Stream holds them well enough. */
const MAX_QUEUED = 256;

/**
 * Follows one log. Wake-ups carry their entries and the position before them: who stands there takes them as they are,
 * who stands elsewhere reads the Stream from where it stands. So a lost, late or repeated wake-up costs a read and
 * never an update.
 *
 * ```
 *   wake-up, previous = position      → deliver its entries
 *   wake-up, last ≤ position          → nothing, it was read already
 *   any other, (re)subscribed, verify → catch up:
 *       position still in the log, or = snapshot → deliver what follows it
 *       snapshot > position                      → deliver the snapshot's state as one update, and what follows
 *       another epoch, or position unknown       → the same, and the log was lost (`KnownLogs`)
 *       without what this process appended       → the log was lost, deliver what follows
 *       no log any more                          → the log was lost, wait
 *       erased, unreadable, the consumer failed  → broken: nothing more is delivered
 * ```
 */
export class DocumentSubscription {
  readonly #document: string;
  readonly #parts: SubscriptionParts;
  readonly #queue: WakeUp[] = [];
  #position: Position;
  #epoch: string | undefined;
  /** A read is due. */
  #isBehind = false;
  #isPumping = false;
  #isClosed = false;
  #isBroken = false;
  #isReady = false;
  #delivered: Position;
  /** A damaged entry was passed over: what is delivered is complete up to there alone. */
  #hasGap = false;
  /** Updates that a verification found and no wake-up has announced since. */
  #unannounced = 0;
  #settleReady: (error?: StorageError) => void = () => undefined;
  #pumped: Promise<void> = Promise.resolve();

  /** Resolves when everything that was in the log at the beginning was delivered. Rejects when it broke before. */
  readonly ready: Promise<void>;

  constructor(document: string, from: Position, parts: SubscriptionParts) {
    this.#document = document;
    this.#position = from;
    this.#delivered = from;
    this.#parts = parts;
    this.#epoch = parts.known.get(document)?.epoch;
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = (error?: StorageError): void => {
        this.#isReady = true;
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    // Whoever subscribes waits for it, but may have been told already that Redis is away.
    this.ready.catch(() => undefined);
  }

  /** Everything up to here, from all nodes, is with the consumer. */
  get delivered(): Position {
    return this.#delivered;
  }

  onMessage(message: Buffer): void {
    if (this.#queue.length < MAX_QUEUED) this.#queue.push(decodeWakeUp(message));
    else this.#isBehind = true;
    this.#start();
  }

  /** Something may have been missed. */
  catchUp(): void {
    this.#isBehind = true;
    this.#start();
  }

  /**
   * Compares with the log, whatever Pub/Sub has said.
   * True when updates that an earlier call found were not announced until now: no wake-ups arrive.
   */
  async verify(): Promise<boolean> {
    const wasUnannounced = this.#unannounced > 0;
    this.#unannounced = 0;
    if (this.#isPumping || this.#isClosed || this.#isBroken) return false;
    const position = this.#position;
    const { epoch, last, isErased } = await this.#parts.reader.meta(this.#document);
    if (isErased) {
      // Nobody is woken by an erasure, and the news of it may have been lost.
      this.catchUp();
      return false;
    }
    if (this.#position !== position || (epoch === this.#epoch && last === position)) return false;
    this.#unannounced++;
    this.catchUp();
    return wasUnannounced;
  }

  /** Nothing is delivered afterwards; a delivery that is under way is waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#settleReady();
    await this.#pumped;
  }

  #start(): void {
    if (this.#isPumping || this.#isClosed || this.#isBroken) return;
    this.#isPumping = true;
    this.#pumped = this.#pump();
  }

  async #pump(): Promise<void> {
    for (let attempt = 1; !this.#isClosed && !this.#isBroken;) {
      try {
        if (this.#isBehind) {
          this.#isBehind = false;
          await this.#read();
          this.#settleReady();
        } else {
          const wakeUp = this.#queue.shift();
          if (wakeUp === undefined) break;
          await this.#take(wakeUp);
        }
        if (attempt > 1) this.#parts.readFailures.over(this);
        attempt = 1;
      } catch (error) {
        if (error instanceof StorageError) {
          // No attempt will read more.
          this.#break(error);
          break;
        }
        this.#isBehind = true;
        const { reason } = classify(error);
        this.#parts.readFailures.failed(this, this.#document, reason);
        await this.#parts.pause(attempt++);
      }
    }
    this.#isPumping = false;
    if (this.#isClosed || this.#isBroken) this.#parts.readFailures.over(this);
  }

  #break(error: StorageError): void {
    this.#isBroken = true;
    this.#queue.length = 0;
    if (this.#isClosed) return;
    if (!(error instanceof DocumentErasedError)) {
      this.#parts.logger.error({ err: error, document: this.#document }, 'A log can no longer be followed');
    }
    if (this.#isReady) this.#parts.onBroken(error);
    else this.#settleReady(error);
  }

  async #take({ epoch, previous, last, entries }: WakeUp): Promise<void> {
    const isOurs = this.#epoch === epoch || (this.#epoch === undefined && this.#position === '');
    if (isOurs && previous === this.#position && entries.length > 0) {
      this.#epoch = epoch;
      await this.#deliver(entries);
    } else if (isOurs && compareIds(last, this.#position) <= 0) {
      this.#unannounced = 0;
    } else {
      this.#isBehind = true;
    }
  }

  async #read(): Promise<void> {
    // Acknowledged to this process; its wake-up may have gone down with the Redis that had both.
    let owed = this.#parts.known.get(this.#document);
    for (;;) {
      const position = this.#position;
      const { entries, meta } = await this.#parts.reader.tail(this.#document, position, PAGE);
      if (this.#isClosed) return;
      if (meta.isErased) throw new DocumentErasedError(this.#document);
      if (meta.epoch === undefined) {
        if (this.#epoch !== undefined || position !== '') this.#parts.known.markLost(this.#document);
        return;
      }
      const isSameLife = this.#epoch === undefined || meta.epoch === this.#epoch;
      const isInLog = position === '' ? meta.snapshotAt === '' : entries[0]?.position === position;
      const isAtSnapshot = position !== '' && meta.snapshotAt === position;
      if (!isSameLife || !(isInLog || isAtSnapshot)) {
        const isOverhauled = isSameLife && compareIds(meta.snapshotAt, position) > 0;
        // After a loss, this process may have appended its state already: then nothing of it is missing.
        if (!isOverhauled && this.#parts.known.get(this.#document)?.epoch !== meta.epoch) {
          this.#parts.known.markLost(this.#document);
        } else if (!isOverhauled && isSameLife) {
          this.#parts.known.markLost(this.#document);
        }
        await this.#startAgain();
        return;
      }
      this.#epoch = meta.epoch;
      const end = entries.length < PAGE ? undefined : entries.at(-1)?.position;
      if (owed !== undefined && (end === undefined || compareIds(owed.position, end) <= 0)) {
        if (isMissing(owed, position, entries, meta)) this.#parts.known.markLost(this.#document);
        owed = undefined;
      }
      const following = entries[0]?.position === position ? entries.slice(1) : entries;
      if (following.length > 0) await this.#deliver(following);
      if (entries.length < PAGE || this.#isBroken) return;
    }
  }

  /** Delivers everything there is: applying a Yjs update twice changes nothing. */
  async #startAgain(): Promise<void> {
    const loaded = await this.#parts.reader.load(this.#document);
    const updates = [...snapshotUpdate(loaded), ...loaded.updates];
    this.#epoch = loaded.epoch;
    this.#position = loaded.position;
    this.#hasGap = false;
    await this.#hand(updates);
  }

  async #deliver(entries: readonly StoredEntry[]): Promise<void> {
    const updates: LoggedUpdate[] = [];
    for (const { position, bytes } of entries) {
      try {
        updates.push(decodeEntry(this.#document, position, bytes));
      } catch (error) {
        if (!(error instanceof DocumentCorruptedError)) throw error;
        // The others must not wait for what nobody can read; the next load reports it to whoever opens the document.
        // A compaction of this node must not fold it away: whoever made it may hold it still, and fold it in.
        this.#hasGap = true;
        this.#parts.logger.error({ err: error, document: this.#document, position }, 'A stored entry is damaged');
      }
    }
    this.#position = entries.at(-1)?.position ?? this.#position;
    if (this.#epoch !== undefined) {
      this.#parts.known.advanced(this.#document, { epoch: this.#epoch, position: this.#position });
    }
    await this.#hand(updates);
  }

  async #hand(updates: LoggedUpdate[]): Promise<void> {
    if (this.#isClosed) return;
    const position = this.#position;
    try {
      if (updates.length > 0) await this.#parts.onUpdates(updates);
      if (!this.#hasGap) this.#delivered = position;
    } catch (error) {
      // It stands behind the log for good: were more delivered, a compaction would fold away what it has missed.
      this.#break(
        error instanceof StorageError
          ? error
          : new StorageError('subscriber_failed', 'A subscriber failed on updates of the log', { cause: error }),
      );
    }
  }
}

/** Whether the log should have had this position among the entries from `from` on. */
function isMissing(
  { epoch, position }: KnownLog,
  from: Position,
  entries: readonly StoredEntry[],
  meta: LogMeta,
): boolean {
  if (epoch !== meta.epoch || compareIds(position, from) <= 0 || compareIds(position, meta.snapshotAt) <= 0)
    return false;
  return !entries.some((entry) => entry.position === position);
}

function snapshotUpdate(loaded: LoadedDocument & { snapshotAt: Position }): LoggedUpdate[] {
  if (loaded.snapshot === undefined) return [];
  return [
    {
      position: loaded.snapshotAt,
      node: '',
      update: loaded.snapshot,
      attribution: { principal: 'system', at: Date.now(), source: 'system' },
    },
  ];
}
