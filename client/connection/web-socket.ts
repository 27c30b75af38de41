/** The transport of browsers: one binary WebSocket message per frame. */
import { documentPath, type OpenTransport } from './transport.js';

/** The part of the WHATWG WebSocket that is used; the class of a browser, of Node 22 and of `ws` have it. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}
export type WebSocketClass = new (url: string) => WebSocketLike;

const OPEN = 1;

/** @param given absent: the global class */
export function webSocketTransport(given?: WebSocketClass): OpenTransport {
  return (target, events) => {
    const Socket = given ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
    if (Socket === undefined) throw new Error('There is no WebSocket here: hand one over as `WebSocket`.');
    const query = new URLSearchParams(target.params);
    if (target.token !== undefined) query.set('token', target.token);
    const socket = new Socket(`${target.url}/${documentPath(target.document)}?${query.toString()}`);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => events.onOpen();
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (data instanceof ArrayBuffer) events.onFrame(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => events.onClose(code, reason);
    // A close event always follows and says the same.
    socket.onerror = () => undefined;
    return {
      send: (frame) => {
        // lib0 makes its arrays of plain ArrayBuffers.
        if (socket.readyState === OPEN) socket.send(frame as Uint8Array<ArrayBuffer>);
      },
      close: () => {
        socket.onopen = null;
        socket.onmessage = null;
        socket.onclose = null;
        socket.close();
      },
    };
  };
}
