/** What a connection tells as it happens. */
import type { ConnectionState, SaveState } from './state.js';
import type { Refusal } from './wire.js';

/** Signatures of the events. All are told after the members of the connection have changed. */
export interface ConnectionEvents {
  state: (state: ConnectionState) => void;
  save: (state: SaveState) => void;
  /** Edits of this principal that the server undid, and why. */
  undone: (refusals: readonly Refusal[]) => void;
  /** The server takes no edits of this connection. */
  denied: (reason: string) => void;
  /** The identity of this life of the document; null when it was never written. */
  hello: (epoch: string | null, role: string) => void;
  /** The document has begun another life; nothing of the local copy was sent. The state is `closed` now. */
  stale: (local: string, remote: string | null) => void;
  destroyed: () => void;
}

/** What was waited for will not come. `code` is one of docs/protocol.md, or 1000 when this side ended it. */
export class ConnectionClosedError extends Error {
  constructor(
    readonly code: number,
    reason: string,
  ) {
    super(reason);
    this.name = 'ConnectionClosedError';
  }
}
