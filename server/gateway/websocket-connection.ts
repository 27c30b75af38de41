/**
 * One WebSocket. Frames that are already built go to the raw socket as they are: `ws` would build a header for each
 * receiver. That is sound because `ws` itself sends nothing but control frames, so it never holds a frame back.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { Connection, type ConnectionFacts } from './connection.js';

/** RFC 6455, section 5.5: a control frame holds 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;

export class WebSocketConnection extends Connection {
  override readonly takesDeflated: boolean;

  constructor(
    private readonly ws: WebSocket,
    socket: Socket,
    facts: ConnectionFacts,
    /** The extensions that the client offered (RFC 6455, section 9.1). */
    offers: string,
  ) {
    super(socket, facts);
    // The gateway accepts it without context takeover alone; a client with a smaller window could not read a shared frame.
    this.takesDeflated = ws.extensions.includes('permessage-deflate') && !offers.includes('server_max_window_bits');
    ws.on('pong', () => this.answered());
  }

  write(frames: Buffer): void {
    if (this.isOpen && this.socket.writable) this.socket.write(frames);
  }

  onDrained(callback: () => void): void {
    const whenOpen = (): void => {
      if (this.isOpen) callback();
    };
    if (this.socket.writableNeedDrain) this.socket.once('drain', whenOpen);
    else setImmediate(whenOpen);
  }

  protected stopReading(): void {
    this.ws.pause();
  }

  protected startReading(): void {
    this.ws.resume();
  }

  terminate(): void {
    this.isOpen = false;
    this.ws.terminate();
  }

  protected ping(): void {
    this.ws.ping();
  }

  protected bid(code: number, reason: string): void {
    this.ws.resume();
    this.ws.close(code, shorten(reason));
  }
}

function shorten(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
  return text;
}
