/** Errors of the rooms port. `code` is stable and is what problem documents carry. */
export class RoomError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The document could not be loaded; it is tried again later and nothing is written meanwhile. */
export class DocumentUnavailableError extends RoomError {
  constructor(document: string, options?: ErrorOptions) {
    super('document_unavailable', `The document "${document}" cannot be loaded now.`, options);
  }
}

/** The log refused what a change was built on. The room starts afresh from the log, where the change may be unreadable. */
export class ChangeNotKeptError extends RoomError {
  constructor(document: string) {
    super('document_unavailable', `What the change of "${document}" was built on could not be stored; make it again.`);
  }
}

/** The updates that wait for a failing store have used up their budget; or others kept the processor busy. */
export class OverloadedError extends RoomError {
  constructor(options?: ErrorOptions) {
    super('overloaded', 'The server is not keeping up; try again later.', options);
  }
}

export class DocumentTooLargeError extends RoomError {
  constructor(document: string, maxBytes: number) {
    super('document_too_large', `The document "${document}" would grow over ${maxBytes} bytes.`);
  }
}

/** Yjs threw while it applied an update. */
export class UpdateNotAppliedError extends RoomError {
  constructor(cause: unknown) {
    super('malformed_update', 'The update cannot be applied.', { cause });
  }
}

/** Applying it was given up: the document is read from the log again. */
export class UpdateTooCostlyError extends RoomError {
  constructor(
    limitMs: number,
    /** It was others who kept the processor busy: the same update may be fine later. */
    readonly wasHeldUp: boolean,
  ) {
    super('update_too_costly', `The update is not applied within ${limitMs} ms.`);
  }
}

export class MalformedUpdateError extends RoomError {
  constructor(detail: string, options?: ErrorOptions) {
    super('malformed_update', `Not a Yjs update: ${detail}.`, options);
  }
}

export class IncompleteUpdateError extends RoomError {
  constructor() {
    super('update_incomplete', 'The update builds on updates that are not here; send those first, or the whole state.');
  }
}

/** Made by a later version of this server: read here, written by those who know it. */
export class NewerDocumentError extends RoomError {
  constructor(reason: string) {
    super('schema_newer', `Nothing was changed: ${reason}.`);
  }
}
