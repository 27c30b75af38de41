/**
 * How frames travel. A transport carries one attempt: it opens once, closes once, and never comes back; the connection
 * makes another.
 */
export interface Transport {
  /** Ignored when it is not open. */
  send(frame: Uint8Array): void;
  /** `onClose` is not called afterwards. */
  close(): void;
}

export interface TransportEvents {
  onOpen(): void;
  onFrame(frame: Uint8Array): void;
  /** Once; `code` is 1006 when the server gave none. */
  onClose(code: number, reason: string): void;
}

export interface TransportTarget {
  /** `ws://` or `wss://`, without a slash at the end. */
  readonly url: string;
  /** The name of the document, not encoded. */
  readonly document: string;
  readonly token: string | undefined;
  /** Further parameters of the query. */
  readonly params: Readonly<Record<string, string>>;
}

export type OpenTransport = (target: TransportTarget, events: TransportEvents) => Transport;

/** `/` stays as it is, so that the path reads like the name. */
export const documentPath = (document: string): string => document.split('/').map(encodeURIComponent).join('/');
