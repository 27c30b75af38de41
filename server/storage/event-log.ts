/**
 * An ordered, durable log of facts per stream (change log, audit, analytics, outbox), with named consumers.
 *
 * Contract suite: `event-log.contract.ts`.
 */
import type { OnDamaged } from './record-store.js';

export interface LoggedEvent {
  /** Ordered within the stream: compare as strings. */
  readonly id: string;
  /** Unix time in milliseconds at which it was appended. */
  readonly at: number;
  /** JSON. */
  readonly data: unknown;
}

export interface RangeOptions {
  /** Events after this id (exclusive); from the first when absent. */
  readonly after?: string;
  /** Events before this id (exclusive). */
  readonly before?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
  /** As in `ScanOptions`. */
  readonly onDamaged?: OnDamaged;
}

export interface EventLog {
  /** Durable when it resolves. Answers the ids in order. */
  append(stream: string, events: readonly unknown[]): Promise<string[]>;
  range(stream: string, options?: RangeOptions): Promise<LoggedEvent[]>;
  /** How far a named consumer has come; undefined before its first `commit`. */
  position(stream: string, consumer: string): Promise<string | undefined>;
  commit(stream: string, consumer: string, id: string): Promise<void>;
  /** Names of all streams that hold events or had any, in no order: for backups. */
  streams(): AsyncIterable<string>;
  /** How far each consumer of a stream has come. */
  consumers(stream: string): Promise<ReadonlyMap<string, string>>;
  /**
   * Puts what `replace` answers in the place of an event's data; undefined leaves it. Ids, times and order stay, appends
   * go on meanwhile. Answers how many were replaced. What was there before leaves the medium with `Storage.reclaim`.
   */
  rewrite(stream: string, replace: (event: LoggedEvent) => unknown): Promise<number>;
  /** Removes events older than `before` (an id). */
  trim(stream: string, before: string): Promise<void>;
  /** Removes the stream, its consumers and the bytes. */
  erase(stream: string): Promise<void>;
}
