import type { Principal, Role } from '../auth/principal.js';

/** What a room knows of a connection: a principal, rights and a place to write frames to. */
export interface Peer {
  readonly id: string;
  /** Of the client. */
  readonly address: string;
  readonly principal: Principal;
  readonly role: Role;
  readonly mayWrite: boolean;
  /** Limits within the document, from the grant. */
  readonly scope: { readonly paths?: readonly string[]; readonly languages?: readonly string[] };
  /** Asked for message type 100 (`?sdk=1`). */
  readonly wantsExtras: boolean;
  /** Negotiated permessage-deflate without context takeover: reads frames that were compressed for others as well. */
  readonly takesDeflated: boolean;
  /** Unix time in milliseconds. */
  readonly since: number;
  /** False from the moment that a close was decided, by whomever: nothing more of it is read, nothing written to it. */
  readonly isOpen: boolean;
  /** It was closed for its own doing, or for rights that ended: what it has sent before is not applied either. */
  readonly isBarred: boolean;

  /** Bytes written that the socket has not taken yet. */
  lagBytes(): number;
  /** HOT PATH. Writes a whole WebSocket frame, or several in one buffer, as it is. */
  write(frames: Buffer): void;
  /** Calls back once, when everything written has left this process; at once when it has. Never after the close. */
  onDrained(callback: () => void): void;
  /** Stops and resumes reading. */
  pause(): void;
  resume(): void;
  /** Finds out whether the other end is alive; closes the connection when it does not answer. */
  probe(): void;
  close(code: number, reason: string): void;
}
