import { StorageClosedError, StorageError, StorageUnavailableError } from '../../errors.js';
import { classify } from './failure.js';
import type { Health, Trouble } from './health.js';
import type { RedisLink } from './link.js';

/** Attempts that may fail because a Cluster moves slots before anybody hears of it. */
const QUIET_ROUTING_ATTEMPTS = 5;

export interface RetryContext {
  readonly link: RedisLink;
  readonly health: Health;
  /** Aborted when the store closes. */
  readonly closing: AbortSignal;
}

/**
 * Repeats what fails for a reason that passes: a lost connection, a full or loading Redis, a failover. The operation
 * must be idempotent: after a lost reply it is sent again.
 */
export class Retrier {
  readonly #context: RetryContext;
  readonly #trouble: Trouble | undefined;
  /** Reasons of the operations that are failing now. */
  readonly #failing = new Map<symbol, string>();

  /** `trouble`: what to raise in the health while an operation is failing. */
  constructor(context: RetryContext, trouble: Trouble | undefined) {
    this.#context = context;
    this.#trouble = trouble;
  }

  /**
   * @throws StorageClosedError; StorageUnavailableError after `deadlineMs` (never when it is Infinity); StorageErrors
   * of the operation; a permanent refusal of Redis as StorageError `storage_refused`.
   */
  async run<T>(operation: () => Promise<T>, deadlineMs: number): Promise<T> {
    const id = Symbol();
    const { link, closing } = this.#context;
    const deadline = Date.now() + deadlineMs;
    try {
      for (let attempt = 1; ; attempt++) {
        if (closing.aborted) throw new StorageClosedError();
        try {
          return await within(operation(), deadline - Date.now(), closing);
        } catch (error) {
          if (error instanceof StorageError) throw error;
          const failure = classify(error);
          if (failure.kind === 'permanent') {
            throw new StorageError('storage_refused', `Redis refuses: ${failure.reason}`, { cause: error });
          }
          if (failure.kind === 'routing') link.refresh();
          if (failure.kind === 'transient' || attempt > QUIET_ROUTING_ATTEMPTS) this.#raise(id, failure.reason);
          const pauseMs = pauseAfter(attempt);
          if (Date.now() + pauseMs >= deadline) throw new StorageUnavailableError(failure.reason, { cause: error });
          await pause(pauseMs, link, closing);
        }
      }
    } finally {
      this.#settled(id);
    }
  }

  #raise(id: symbol, reason: string): void {
    if (this.#trouble === undefined) return;
    this.#failing.set(id, reason);
    this.#context.health.raise(this.#trouble, reason);
  }

  #settled(id: symbol): void {
    if (this.#failing.delete(id) && this.#failing.size === 0 && this.#trouble !== undefined) {
      this.#context.health.clear(this.#trouble);
    }
  }
}

/** 20 ms, doubling to 1 s, spread by a quarter. */
function pauseAfter(attempt: number): number {
  return Math.min(20 * 2 ** Math.min(attempt - 1, 6), 1_000) * (0.75 + Math.random() / 4);
}

/** Ends early when the link becomes ready or the store closes. */
export function pause(durationMs: number, link: RedisLink, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stopListening();
      closing.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, durationMs);
    const stopListening = link.onChange((change) => {
      if (change === 'ready') done();
    });
    closing.addEventListener('abort', done);
    if (closing.aborted) done();
  });
}

/**
 * The operation's outcome, unless time runs out or the store closes first; the late outcome is dropped then.
 * Without a limit (appends, the hot path) nothing is set up: closing the link ends what is on its way.
 */
async function within<T>(operation: Promise<T>, limitMs: number, closing: AbortSignal): Promise<T> {
  if (limitMs === Infinity) return operation;
  let release: (() => void) | undefined;
  const interruption = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(new StorageClosedError());
    const onTimeout = (): void => reject(new StorageUnavailableError('Redis does not answer'));
    const timer = setTimeout(onTimeout, Math.max(limitMs, 0));
    closing.addEventListener('abort', onAbort);
    release = () => {
      clearTimeout(timer);
      closing.removeEventListener('abort', onAbort);
    };
  });
  try {
    return await Promise.race([operation, interruption]);
  } finally {
    release?.();
  }
}
