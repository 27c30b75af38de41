/** A bare WebSocket that speaks the protocol by hand: for what a stock client would never send. */
import * as encoding from 'lib0/encoding';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import { until } from './until.js';

export interface RawClient {
  readonly ws: WebSocket;
  /** Every frame received, in order. */
  readonly frames: Uint8Array[];
  /** Code and reason of the close, when there was one. */
  closed: { code: number; reason: string } | undefined;
  send(bytes: Uint8Array): void;
  /** Frames of one message type (0 sync, 1 awareness, 2 auth, 100 extras). */
  ofType(type: number): Uint8Array[];
  closing(): Promise<{ code: number; reason: string }>;
  destroy(): void;
}

export async function rawClient(url: string, headers: Record<string, string> = {}): Promise<RawClient> {
  const ws = new WebSocket(url, { headers });
  const frames: Uint8Array[] = [];
  const client: RawClient = {
    ws,
    frames,
    closed: undefined,
    send: (bytes) => ws.send(bytes),
    ofType: (type) => frames.filter((frame) => frame[0] === type),
    closing: async () => {
      await until(() => client.closed !== undefined, { what: 'the server closes the connection' });
      return client.closed!;
    },
    destroy: () => ws.terminate(),
  };
  ws.on('message', (data: Buffer) => frames.push(new Uint8Array(data)));
  ws.on('close', (code, reason) => (client.closed = { code, reason: reason.toString() }));
  await new Promise<void>((resolve, reject) => {
    ws.once('open', () => resolve());
    ws.once('error', reject);
  });
  ws.on('error', () => undefined);
  return client;
}

/** The status of an upgrade that is refused before it happens. */
export function upgradeStatus(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: string }> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, { headers });
    ws.once('open', () => {
      ws.terminate();
      resolve({ status: 101, headers: {}, body: '' });
    });
    ws.once('error', reject);
    ws.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
  });
}

export function message(type: number, ...parts: (number | Uint8Array | string)[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, type);
  for (const part of parts) {
    if (typeof part === 'number') encoding.writeVarUint(encoder, part);
    else if (typeof part === 'string') encoding.writeVarString(encoder, part);
    else encoding.writeVarUint8Array(encoder, part);
  }
  return encoding.toUint8Array(encoder);
}

export const updateMessage = (update: Uint8Array): Uint8Array => message(0, 2, update);
export const syncStep1 = (doc: Y.Doc = new Y.Doc()): Uint8Array => message(0, 0, Y.encodeStateVector(doc));

/** An awareness update with one state. */
export function awarenessMessage(clientId: number, clock: number, state: unknown): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, 1);
  encoding.writeVarUint(encoder, clientId);
  encoding.writeVarUint(encoder, clock);
  encoding.writeVarString(encoder, JSON.stringify(state));
  return message(1, encoding.toUint8Array(encoder));
}
