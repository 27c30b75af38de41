import { LRUCache } from 'lru-cache';
import type { Position } from '../../document-log.js';
import type { Health } from '../connection/health.js';
import { compareIds } from './stream-id.js';

export interface KnownLog {
  readonly epoch: string;
  /** The last position that this process knows to be acknowledged. */
  readonly position: Position;
}

/** Documents that nobody here has open are forgotten beyond that; 100 B each. */
const MAX_KNOWN = 20_000;

/**
 * What this process knows about the logs that it works with, so that it notices when Redis has less than it had
 * acknowledged. While a document is live (somebody subscribes to it), its state must get back into the log: the loss is
 * remembered, reported once to whoever appends next, and over with the append after that.
 */
export class KnownLogs {
  readonly #idle = new LRUCache<string, KnownLog>({ max: MAX_KNOWN });
  readonly #live = new Map<string, { subscriptions: number; log: KnownLog | undefined }>();
  readonly #lost = new Map<string, 'noticed' | 'reported'>();
  readonly #listeners = new Set<(document: string) => void>();
  readonly #health: Health;

  constructor(health: Health) {
    this.#health = health;
  }

  get(document: string): KnownLog | undefined {
    return this.#live.get(document)?.log ?? this.#idle.get(document);
  }

  /** After an acknowledged append of this process. */
  appended(document: string, log: KnownLog): void {
    this.#set(document, log);
    this.#found(document);
  }

  /** A subscription has delivered up to there. */
  advanced(document: string, log: KnownLog): void {
    const known = this.get(document);
    if (known === undefined || (known.epoch === log.epoch && compareIds(known.position, log.position) < 0)) {
      this.#set(document, log);
    }
  }

  /** What a load found. `before`: what was known when it was asked for. */
  loaded(document: string, found: KnownLog | undefined, before: KnownLog | undefined): void {
    const isShort =
      before !== undefined && (found?.epoch !== before.epoch || compareIds(found.position, before.position) < 0);
    if (isShort && this.#live.has(document)) this.markLost(document);
    else if (isShort) this.#replace(document, found);
    else if (found !== undefined) this.advanced(document, found);
  }

  /** The document is live from now on, until `left`. */
  entered(document: string): void {
    const live = this.#live.get(document);
    if (live === undefined) this.#live.set(document, { subscriptions: 1, log: this.#idle.get(document) });
    else live.subscriptions++;
  }

  left(document: string): void {
    const live = this.#live.get(document);
    if (live === undefined || --live.subscriptions > 0) return;
    this.#live.delete(document);
    this.#replace(document, live.log);
    this.#found(document);
  }

  forget(document: string): void {
    this.#replace(document, undefined);
    this.#found(document);
  }

  markLost(document: string): void {
    if (this.#lost.has(document)) return;
    this.#lost.set(document, 'noticed');
    this.#judge();
    for (const listener of this.#listeners) listener(document);
  }

  /** True once after `markLost`: the caller refuses this append; the next one starts from what is in Redis. */
  takeLost(document: string): boolean {
    if (this.#lost.get(document) !== 'noticed') return false;
    this.refused(document);
    return true;
  }

  /** Redis refused an append because it has lost what was known: the caller hears it by the refusal. */
  refused(document: string): void {
    this.#replace(document, undefined);
    if (!this.#live.has(document)) return;
    this.#lost.set(document, 'reported');
    this.#judge();
  }

  /** Answers how to stop listening. */
  onLost(listener: (document: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #set(document: string, log: KnownLog): void {
    const live = this.#live.get(document);
    if (live !== undefined) live.log = log;
    else this.#idle.set(document, log);
  }

  #replace(document: string, log: KnownLog | undefined): void {
    const live = this.#live.get(document);
    if (live !== undefined) live.log = log;
    if (log === undefined || live !== undefined) this.#idle.delete(document);
    else this.#idle.set(document, log);
  }

  #found(document: string): void {
    if (this.#lost.delete(document)) this.#judge();
  }

  #judge(): void {
    const [example] = this.#lost.keys();
    if (example === undefined) {
      this.#health.clear('log lost');
      return;
    }
    const others = this.#lost.size === 1 ? '' : ` and of ${this.#lost.size - 1} other live documents`;
    this.#health.raise(
      'log lost',
      `Redis lost acknowledged updates of "${example}"${others}: state to be appended again`,
    );
  }
}
