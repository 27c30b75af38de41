/** Errors of the storage ports. `code` is stable and is what problem documents carry. */
export class StorageError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class DocumentErasedError extends StorageError {
  constructor(readonly document: string) {
    super('document_deleted', `The document "${document}" was deleted.`);
  }
}

export class DocumentExistsError extends StorageError {
  constructor(readonly document: string) {
    super('document_exists', `The document "${document}" exists already.`);
  }
}

export class DocumentCorruptedError extends StorageError {
  constructor(
    readonly document: string,
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super('document_corrupted', `The stored document "${document}" is damaged: ${detail}`, options);
  }
}

export class RecordDamagedError extends StorageError {
  constructor(key: readonly string[], cause: Error) {
    super('document_corrupted', `The stored record "${key.join('/')}" is damaged: ${cause.message}`, { cause });
  }
}

/** The folder is in use by another process, is not writable, or is not ours. */
export class StorageUnavailableError extends StorageError {
  constructor(message: string, options?: ErrorOptions) {
    super('storage_unavailable', message, options);
  }
}

export class StorageClosedError extends StorageError {
  constructor() {
    super('storage_closed', 'The store is closed.');
  }
}

/**
 * A shared store no longer has what it had acknowledged for this document: Redis came back empty, or a failover without
 * `REDIS_WAIT_REPLICAS` promoted a replica that was behind. Nothing of the refused append was written. Whoever holds the
 * live document appends its whole state as one update: Yjs makes that idempotent, and the log is complete again.
 */
export class LogLostError extends StorageError {
  constructor(readonly document: string) {
    super(
      'log_lost',
      `Acknowledged updates of the document "${document}" were lost; its state must be appended again.`,
    );
  }
}
