/**
 * Small records under typed keys: snapshots, tokens, idempotency answers, settings.
 *
 * Contract suite: `record-store.contract.ts`.
 */

/** Segments of a key. Any text is allowed in a segment; implementations escape it, so no text reaches another key. */
export type RecordKey = readonly [string, ...string[]];

/** First segments of keys; none: every key begins so. */
export type RecordPrefix = readonly string[];

export interface StoredRecord {
  readonly key: RecordKey;
  readonly value: Uint8Array;
  /** Changes with every write; for compare-and-set. */
  readonly version: string;
  /** Unix time in milliseconds after which the record is gone. */
  readonly expiresAt?: number;
}

export interface PutOptions {
  readonly expiresAt?: number;
  /** Write only if the stored version is this one; `null`: only if there is no such record. */
  readonly ifVersion?: string | null;
}

/** `what` names a value that the medium has damaged: `the record user/ada`. */
export type OnDamaged = (what: string, reason: string) => void;

export interface ScanOptions {
  /** Start after this key (exclusive). */
  readonly after?: RecordKey;
  readonly limit?: number;
  readonly reverse?: boolean;
  /** Damaged records are left out, and told to the health of the store: also to be told to this caller. */
  readonly onDamaged?: OnDamaged;
}

export interface RecordStore {
  get(key: RecordKey): Promise<StoredRecord | undefined>;

  /** Durable when it resolves. Answers the new version, or 'conflict' when `ifVersion` does not hold. */
  put(key: RecordKey, value: Uint8Array, options?: PutOptions): Promise<{ version: string } | 'conflict'>;

  /** Durable when it resolves; false when there was nothing to delete. The bytes leave the medium on `erase`. */
  delete(key: RecordKey, options?: { ifVersion?: string }): Promise<boolean | 'conflict'>;

  /**
   * Records whose key begins with the segments of `prefix` (whole segments), ordered segment by segment as UTF-8 bytes.
   * An empty prefix means all.
   */
  scan(prefix: RecordPrefix, options?: ScanOptions): AsyncIterable<StoredRecord>;

  /** Deletes every record under `prefix` and removes the bytes from the medium. Answers how many there were. */
  erase(prefix: RecordKey): Promise<number>;
}
