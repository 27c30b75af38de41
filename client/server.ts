/** A server that documents are opened on. */
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { Connection } from './connection/connection.js';
import { realClock, type Clock } from './connection/state.js';
import { httpTransport } from './connection/http-transport.js';
import type { Token } from './connection/token.js';
import type { OpenTransport } from './connection/transport.js';
import { webSocketTransport, type WebSocketClass } from './connection/web-socket.js';
import { restCaller, type RestCaller } from './rest/caller.js';

export interface ServerOptions {
  /** `https://forms.example.org` or `wss://…`; a path before `/api/v1` and the documents may follow. */
  readonly url: string;
  /** An access token, or a function that gets one. It is called before each attempt, and again after a 4401. */
  readonly token?: Token | undefined;
  /** Who an anonymous caller says it is; counts with `AUTH=off` alone. */
  readonly user?: string | undefined;
  /** Absent: the global one. */
  readonly WebSocket?: WebSocketClass | undefined;
  /** In the order in which they are tried. Absent: a WebSocket, then HTTP where no WebSocket passes. */
  readonly transports?: readonly OpenTransport[] | undefined;
  readonly clock?: Clock | undefined;
  /** Absent: the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface DocumentOptions {
  /** Your own document; absent: a new one. */
  readonly doc?: Y.Doc | undefined;
  /** Your own; null for a connection that shows nobody. */
  readonly awareness?: Awareness | null | undefined;
  /** The local copy, once it is loaded: what `keepLocally` has returned. */
  readonly copy?: { readonly epoch: string | undefined; readonly unsavedSince: Uint8Array | undefined } | undefined;
  /** False: it is connected by `connection.connect()`. */
  readonly connect?: boolean | undefined;
}

export interface Server {
  readonly rest: RestCaller;
  /** Any document by its name. Each call makes a connection of its own. */
  open(document: string, options?: DocumentOptions): Connection;
  /** Ends every connection that was opened here. Documents stay as they are. */
  close(): void;
}

/** Browsers tell when the network is back; Node has no such event. */
const network = globalThis as {
  addEventListener?: (type: 'online', listener: () => void) => void;
  removeEventListener?: (type: 'online', listener: () => void) => void;
};

/** Nothing is sent before a document is opened or a request is made. */
export function connect(options: ServerOptions): Server {
  const { url, token, user, clock = realClock } = options;
  const transports = options.transports ?? [webSocketTransport(options.WebSocket), httpTransport(options.fetch)];
  const connections = new Set<Connection>();
  const wake = (): void => {
    for (const connection of connections) connection.retryNow();
  };
  network.addEventListener?.('online', wake);
  return {
    rest: restCaller({ url, token, user, fetch: options.fetch }),
    open: (document, { doc = new Y.Doc(), awareness, copy, connect: isWanted = true } = {}) => {
      const connection = new Connection({
        url,
        document,
        doc,
        awareness,
        token,
        params: user === undefined ? {} : { user },
        transports,
        clock,
        epoch: copy?.epoch,
        unsavedSince: copy?.unsavedSince,
      });
      connections.add(connection);
      connection.on('destroyed', () => connections.delete(connection));
      if (isWanted) connection.connect();
      return connection;
    },
    close: () => {
      network.removeEventListener?.('online', wake);
      for (const connection of [...connections]) connection.destroy();
    },
  };
}
