/**
 * The durable log of documents: the truth that every room is rebuilt from.
 *
 * Contract suite: `document-log.contract.ts`. Implementations: `embedded/`, `redis/`.
 */

/** A place in one document's log. Opaque: hand it back, compare it for equality, never look inside. */
export type Position = string;

/** The position before the first update of any document. */
export const START: Position = '';

export type UpdateSource = 'sync' | 'rest' | 'import' | 'restore' | 'undo' | 'system';

/** Who made an update, when and through which door. */
export interface Attribution {
  /** Principal id (`sub` of the token, or `anonymous`). */
  readonly principal: string;
  readonly name?: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly source: UpdateSource;
}

export interface NewUpdate {
  /** A Yjs update, format v1. */
  readonly update: Uint8Array;
  readonly attribution: Attribution;
}

export interface LoggedUpdate extends NewUpdate {
  readonly position: Position;
  /** Id of the node that appended it. */
  readonly node: string;
}

export interface LoadedDocument {
  /** Merged state up to `snapshotPosition`; absent before the first compaction. */
  readonly snapshot?: Uint8Array;
  /** Everything after the snapshot, oldest first. */
  readonly updates: LoggedUpdate[];
  /** Position of the last update; `START` for a document that was never written. */
  readonly position: Position;
  /** Identity of this life of the document; absent until the first append. */
  readonly epoch?: string;
}

export interface DocumentInfo {
  readonly document: string;
  readonly epoch: string;
  /** Updates appended over the document's life. */
  readonly updates: number;
  /** Bytes at rest: compacted state plus updates since. */
  readonly bytes: number;
  /** Bytes and count of updates that no compaction has folded yet. */
  readonly uncompactedBytes: number;
  readonly uncompactedUpdates: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  readonly changedAt: number;
}

export interface Page<T> {
  readonly data: T[];
  /** Hand it back for the next page; null on the last. */
  readonly nextCursor: string | null;
}

export interface Subscription {
  close(): Promise<void>;
}

export interface AppendOptions {
  /** Refuse with `DocumentExistsError` when the document has ever been written: how a form is seeded exactly once. */
  readonly ifAbsent?: boolean;
  /** A UUID. When the append creates the document, it goes on with this life of it; absent: a new one begins. */
  readonly epoch?: string;
}

export interface CompactOptions {
  /** Also where the state that is stored ends at `upTo` already: it is replaced by one that says the same. */
  readonly again?: boolean;
}

export interface ErasureReceipt {
  readonly document: string;
  readonly erasedAt: number;
  readonly updates: number;
  readonly bytes: number;
}

export interface DocumentLog {
  /** True when other processes may append to the same documents, so that a live room must subscribe. */
  readonly isShared: boolean;

  /**
   * Everything needed to rebuild a document.
   * @throws DocumentErasedError for a tombstone; DocumentCorruptedError when a stored entry fails its checksum.
   */
  load(document: string): Promise<LoadedDocument>;

  /**
   * Appends in order, atomically, and resolves when the updates are durable (fsync or replication), never before.
   * While the medium is failing the promise stays pending and the append is tried again: see `StorageHealth`.
   * @throws DocumentErasedError, DocumentExistsError (`ifAbsent`), LogLostError (a shared store that lost acknowledged
   * updates of a live document), StorageClosedError.
   */
  append(document: string, updates: readonly NewUpdate[], options?: AppendOptions): Promise<Position>;

  /**
   * Replaces everything up to `upTo` by `state`. Atomic: a crash leaves either the old or the new form, both complete.
   * 'lost the race' when another compaction got there first or `upTo` is no longer in the log; nothing is changed then.
   */
  compact(
    document: string,
    upTo: Position,
    state: Uint8Array,
    options?: CompactOptions,
  ): Promise<'done' | 'lost the race'>;

  /** Attributed updates after `after`, oldest first, as far as compaction has kept them. */
  history(document: string, after: Position, limit: number): Promise<LoggedUpdate[]>;

  /**
   * Every update after `from`, from any node, in order and without a gap. `onUpdates` is never called concurrently.
   * `onBroken` is called once when the log can be followed no further: `onUpdates` has failed, what came cannot be read,
   * or another node has erased the document. Nothing is delivered afterwards, and no compaction folds what was not.
   * @throws what it would tell `onBroken`, when the first read meets it
   */
  subscribe(
    document: string,
    from: Position,
    onUpdates: (updates: LoggedUpdate[]) => void | Promise<void>,
    onBroken?: (error: unknown) => void,
  ): Promise<Subscription>;

  /** Undefined for a document that was never written or is erased. */
  info(document: string): Promise<DocumentInfo | undefined>;

  /**
   * Documents whose name starts with `prefix`, ordered by name. `limit` is 1 to 1,000.
   * @param cursor a name: those after it, whether there is a document of that name or not
   */
  list(prefix: string, cursor: string | null, limit: number): Promise<Page<DocumentInfo>>;

  /**
   * Called when a shared store is found to have lost acknowledged updates of a live document. The next append to it is
   * refused with `LogLostError`; the one after that, of the document's whole state, makes the log complete again.
   * Answers how to stop listening. A store that only this process writes to never calls.
   */
  onLost(listener: (document: string) => void): () => void;

  /** Names of erased documents, in no order: a backup without them would let late clients bring these back. */
  tombstones(): AsyncIterable<string>;

  /** Leaves a tombstone and removes every byte of the content from the medium. Idempotent. */
  erase(document: string): Promise<ErasureReceipt>;
}
