/**
 * The port through which everything but the gateway meets live documents (REST, commands, policies).
 * Edits made here go through the same room as WebSocket edits: peers see them at once, and every
 * change a peer makes is visible to the next `read`.
 */
import type { Doc } from 'yjs';
import type { DocumentInfo, ErasureReceipt, Position, UpdateSource } from '../storage/document-log.js';
import type { Principal } from '../auth/principal.js';

export interface EditOptions {
  readonly source: UpdateSource;
  /** Refuse with `DocumentExistsError` when the document has ever been written. */
  readonly ifAbsent?: boolean;
}

export interface Edited<T> {
  readonly result: T;
  /** Undefined when the change left the document as it was. */
  readonly position: Position | undefined;
}

/** One awareness state of a document. */
export interface PresenceState {
  readonly clientId: number;
  readonly connectionId: string;
  readonly principal: { readonly id: string; readonly name?: string };
  readonly role: string;
  /** Unix time in milliseconds: when the connection opened, and when the state last changed. */
  readonly since: number;
  readonly changedAt: number;
  /** The state as its owner set it, identity stamped by the server. */
  readonly state: Readonly<Record<string, unknown>>;
}

export interface RoomInfo {
  readonly document: string;
  readonly state: 'loading' | 'live' | 'idle' | 'unloading' | 'failed' | 'deleted';
  readonly connections: number;
  readonly bytes: number;
  /** Time spent on its edits and their fan-out since it was loaded, in milliseconds. */
  readonly busyMs: number;
}

export interface Rooms {
  /** Runs `view` on the document as it is now, loading it when necessary. `view` must not change or keep the doc. */
  read<T>(document: string, view: (doc: Doc) => T): Promise<T>;

  /**
   * Runs `change` in one transaction on the live document; resolves when its update is durable.
   * Yjs has no rollback: `change` checks everything first and throws before it touches the doc.
   * Errors thrown by `change` reject the promise unchanged.
   */
  edit<T>(document: string, principal: Principal, change: (doc: Doc) => T, options: EditOptions): Promise<Edited<T>>;

  /** Applies a binary Yjs update as if it had come over the wire; resolves when durable. */
  applyUpdate(document: string, principal: Principal, update: Uint8Array, options: EditOptions): Promise<Edited<void>>;

  /** `encodeStateAsUpdate`, or the difference to `stateVector`. */
  encodeState(document: string, stateVector?: Uint8Array): Promise<Uint8Array>;

  /** True when the document was written at least once and is not erased. */
  exists(document: string): Promise<boolean>;
  info(document: string): Promise<(DocumentInfo & { connections: number }) | undefined>;
  /** Of all nodes. */
  presence(document: string): Promise<PresenceState[]>;
  open(): RoomInfo[];

  /** Called when the content of a live document is there, has changed, or when the first connection has come. */
  onContent(listener: (document: string) => void): () => void;
  /** Runs `view` on a document that somebody is connected to here; undefined otherwise. Loads nothing. */
  peek<T>(document: string, view: (doc: Doc) => T): T | undefined;
  /** Shows `state` in the awareness of an open document, as the server's own; null takes it back. */
  showServerState(document: string, state: Readonly<Record<string, unknown>> | null): void;
  compact(document: string): Promise<'done' | 'lost the race' | 'nothing to do'>;

  /** Closes its connections with 4404, then erases it from the log. Idempotent. */
  erase(document: string): Promise<ErasureReceipt>;
}
