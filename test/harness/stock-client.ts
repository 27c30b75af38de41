/** The published y-websocket client, unchanged. */
import * as decoding from 'lib0/decoding';
import { WebSocket, type ClientOptions } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { until } from './until.js';

export interface StockClient {
  readonly doc: Y.Doc;
  readonly provider: WebsocketProvider;
  /** Codes with which the server has closed this client. */
  readonly closes: number[];
  /** True when everything this client wrote so far came back from the server: it is saved. */
  isSaved(): boolean;
  /** How many of its own clocks the server has sent back. */
  echoedClock(): number;
  saved(): Promise<void>;
  synced(): Promise<void>;
  disconnect(): void;
  destroy(): void;
}

export interface StockOptions {
  readonly doc?: Y.Doc;
  readonly params?: Record<string, string>;
  readonly connect?: boolean;
  /** What the socket offers of permessage-deflate; default: the whole extension, as browsers do. */
  readonly perMessageDeflate?: ClientOptions['perMessageDeflate'];
  /**
   * Whether the state vector of a greeting counts as an echo. True only of a server that was killed and started again:
   * what it has then it read from its store, and what was stored just before the kill has no echo to come.
   */
  readonly isGreetingSaved?: () => boolean;
}

export function stockClient(wsUrl: string, document: string, options: StockOptions = {}): StockClient {
  const doc = options.doc ?? new Y.Doc();
  const closes: number[] = [];
  /** Clocks of this client that the server has sent back. */
  let echoed = 0;
  const ownClock = (update: Uint8Array): number => Y.parseUpdateMeta(update).to.get(doc.clientID) ?? 0;
  const provider = new WebsocketProvider(wsUrl, document, doc, {
    WebSocketPolyfill: socketOffering(options.perMessageDeflate) as unknown as typeof globalThis.WebSocket,
    disableBc: true,
    connect: options.connect ?? true,
    params: options.params ?? {},
  });
  // Before the provider's own handler, which applies the update and hides whether it came from us.
  provider.messageHandlers = provider.messageHandlers.map((handler, type) =>
    type !== 0
      ? handler
      : (encoder, decoder, ...rest) => {
          const at = decoder.pos;
          const rawStep = decoder.arr[at];
          if (rawStep === 0 && options.isGreetingSaved?.() === true) {
            const known = Y.decodeStateVector(bodyOf(decoder.arr.subarray(at + 1))).get(doc.clientID) ?? 0;
            echoed = Math.max(echoed, known);
          }
          if (rawStep === 2) echoed = Math.max(echoed, ownClock(bodyOf(decoder.arr.subarray(at + 1))));
          handler(encoder, decoder, ...rest);
        },
  );
  provider.on('connection-close', (event: { code: number } | null) => {
    if (event !== null) closes.push(event.code);
  });
  const isSaved = (): boolean => echoed >= Y.getState(doc.store, doc.clientID);
  return {
    doc,
    provider,
    closes,
    isSaved,
    echoedClock: () => echoed,
    saved: () => until(isSaved, { what: () => `saved up to ${echoed} of ${Y.getState(doc.store, doc.clientID)}` }),
    synced: () => until(() => provider.synced, { what: 'the client is synced' }),
    disconnect: () => provider.disconnect(),
    destroy: () => {
      provider.destroy();
      doc.destroy();
    },
  };
}

function socketOffering(perMessageDeflate: ClientOptions['perMessageDeflate']): new (url: string) => WebSocket {
  if (perMessageDeflate === undefined) return WebSocket;
  return class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols, { perMessageDeflate });
    }
  };
}

/** What a length stands before, as lib0 writes it. */
function bodyOf(bytes: Uint8Array): Uint8Array {
  return decoding.readVarUint8Array(decoding.createDecoder(bytes));
}

/** The same text in all documents, and nothing of it pending. */
export async function converged(clients: readonly StockClient[], read: (doc: Y.Doc) => unknown): Promise<void> {
  await until(
    () => {
      const first = JSON.stringify(read(clients[0]!.doc));
      return clients.every((client) => JSON.stringify(read(client.doc)) === first);
    },
    { what: () => `all clients agree: ${clients.map((c) => JSON.stringify(read(c.doc)).slice(0, 200)).join('\n')}` },
  );
}
