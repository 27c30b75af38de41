/**
 * Records behind a circuit breaker: while the store does not answer, each call would wait for its whole deadline. After
 * some failures in a row callers are told at once, and one call at a time finds out whether it is back.
 *
 * Only `StorageUnavailableError` counts as a failure; any other error is an answer. Documents are not guarded: their log
 * tries again by itself until an edit is durable.
 */
import { StorageUnavailableError } from '../../storage/errors.js';
import type {
  PutOptions,
  RecordKey,
  RecordPrefix,
  RecordStore,
  ScanOptions,
  StoredRecord,
} from '../../storage/record-store.js';
import { BreakerOpenError, type Breaker } from './breaker.js';

export class GuardedRecords implements RecordStore {
  constructor(
    private readonly records: RecordStore,
    private readonly breaker: Breaker,
  ) {}

  get(key: RecordKey): Promise<StoredRecord | undefined> {
    return this.#guard(() => this.records.get(key));
  }

  put(key: RecordKey, value: Uint8Array, options?: PutOptions): Promise<{ version: string } | 'conflict'> {
    return this.#guard(() => this.records.put(key, value, options));
  }

  delete(key: RecordKey, options?: { ifVersion?: string }): Promise<boolean | 'conflict'> {
    return this.#guard(() => this.records.delete(key, options));
  }

  /** Its first record tells whether the store answers; a guard for each would cost more than the record. */
  async *scan(prefix: RecordPrefix, options?: ScanOptions): AsyncIterable<StoredRecord> {
    const iterator = this.records.scan(prefix, options)[Symbol.asyncIterator]();
    try {
      let next = await this.#guard(() => iterator.next());
      while (next.done !== true) {
        yield next.value;
        next = await iterator.next();
      }
    } finally {
      await iterator.return?.();
    }
  }

  erase(prefix: RecordKey): Promise<number> {
    return this.#guard(() => this.records.erase(prefix));
  }

  /** @throws StorageUnavailableError also while the breaker is open */
  async #guard<T>(call: () => Promise<T>): Promise<T> {
    try {
      const answer = await this.breaker.execute(() => answerOf(call));
      if (answer.isGood) return answer.value;
      throw answer.error;
    } catch (error) {
      if (!(error instanceof BreakerOpenError)) throw error;
      throw new StorageUnavailableError('The store does not answer; it is tried again soon.', { cause: error });
    }
  }
}

type Answer<T> = { readonly isGood: true; readonly value: T } | { readonly isGood: false; readonly error: unknown };

async function answerOf<T>(call: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { isGood: true, value: await call() };
  } catch (error) {
    if (error instanceof StorageUnavailableError) throw error;
    return { isGood: false, error };
  }
}
