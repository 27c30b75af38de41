import { StorageClosedError } from '../../errors.js';
import type { Retrier } from './retry.js';

export interface AppenderOptions<Item, Result> {
  /**
   * Writes a batch and answers one result per item. Sent again with the same `batch` after a failure, so it must
   * recognize what it has written.
   */
  send(target: string, batch: string, items: readonly Item[]): Promise<Result[]>;
  sizeOf(item: Item): number;
  /** True for an item that must not share a batch. */
  standsAlone(item: Item): boolean;
  /** True for an error after which everything that waits for the same target is refused too. */
  endsQueue(error: unknown): boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** What one batch holds at most, so that a script stays short and a reply to a retry is small. */
const MAX_BATCH_ITEMS = 256;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Appends per target in order: one batch of a target is on its way at a time, and what arrives meanwhile forms the
 * next. A batch that fails is sent again until it is written, however long that takes; `pendingBytes` tells the caller
 * what has gathered.
 */
export class OrderedAppender<Item, Result> {
  readonly #options: AppenderOptions<Item, Result>;
  readonly #retrier: Retrier;
  readonly #queues = new Map<string, Waiting<Item, Result>[]>();
  readonly #idleListeners: (() => void)[] = [];
  #batches = 0;
  #pendingBytes = 0;

  constructor(retrier: Retrier, options: AppenderOptions<Item, Result>) {
    this.#retrier = retrier;
    this.#options = options;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  append(target: string, item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#pendingBytes += this.#options.sizeOf(item);
      const waiting = { item, resolve, reject };
      const queue = this.#queues.get(target);
      if (queue !== undefined) {
        queue.push(waiting);
        return;
      }
      const started = [waiting];
      this.#queues.set(target, started);
      void this.#drain(target, started);
    });
  }

  /** Resolves when nothing is pending. */
  idle(): Promise<void> {
    if (this.#queues.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.push(resolve));
  }

  async #drain(target: string, queue: Waiting<Item, Result>[]): Promise<void> {
    // One turn of the microtask queue, so that appends made together go together.
    await Promise.resolve();
    while (queue.length > 0) {
      const taken = this.#take(queue);
      const batch = (++this.#batches).toString(36);
      const items = taken.map(({ item }) => item);
      try {
        const results = await this.#retrier.run(() => this.#options.send(target, batch, items), Infinity);
        for (const [i, { item, resolve, reject }] of taken.entries()) {
          this.#pendingBytes -= this.#options.sizeOf(item);
          const result = results[i];
          if (result === undefined) reject(new Error('The script answered fewer results than it was given items'));
          else resolve(result);
        }
      } catch (error) {
        if (error instanceof StorageClosedError || this.#options.endsQueue(error)) taken.push(...queue.splice(0));
        for (const { item, reject } of taken) {
          this.#pendingBytes -= this.#options.sizeOf(item);
          reject(error);
        }
      }
    }
    this.#queues.delete(target);
    if (this.#queues.size === 0) for (const resolve of this.#idleListeners.splice(0)) resolve();
  }

  #take(queue: Waiting<Item, Result>[]): Waiting<Item, Result>[] {
    let count = 0;
    let bytes = 0;
    for (const { item } of queue) {
      bytes += this.#options.sizeOf(item);
      const isAlone = this.#options.standsAlone(item);
      if (count > 0 && (isAlone || count >= MAX_BATCH_ITEMS || bytes > MAX_BATCH_BYTES)) break;
      count++;
      if (isAlone) break;
    }
    return queue.splice(0, count);
  }
}
