/**
 * HOT PATH of the load client: a WebSocket client on a bare TCP socket. All sockets read into one shared buffer and
 * messages are handed on in place, so that receiving costs a fraction of what the `ws` client takes (it allocates
 * per read and per message) and the server is what a run measures.
 *
 * No compression is offered, whatever the server supports.
 */
import { connect, type Socket } from 'node:net';
import { CLOSE, clientFrame, PONG } from './wire.js';

export interface FrameSink {
  /** One whole message in `bytes[start, end)`, valid during the call alone. */
  message(bytes: Buffer, start: number, end: number): void;
  /**
   * When present, messages above 64 KiB come in pieces instead of being gathered first. The first piece has at least
   * 64 bytes.
   */
  piece?(bytes: Buffer, start: number, end: number, isFirst: boolean, isLast: boolean): void;
  /** The connection ended, by whomever. */
  closed?(): void;
}

/** The server answered the upgrade with something else than 101. */
export class UpgradeRefused extends Error {
  constructor(
    readonly status: number,
    /** From `Retry-After`, when it was there. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(`the upgrade was refused with ${status}`);
  }
}

const READ_BYTES = 256 * 1024;
const PIECE_BYTES = 64 * 1024;
const FIRST_PIECE_BYTES = 64;
const OPEN_TIMEOUT_MS = 60_000;
const OPCODE_CLOSE = 8;
const OPCODE_PING = 9;

/** Opens sockets that share one read buffer. */
export class LoadNetwork {
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  readonly #open = new Set<LoadSocket>();

  constructor(readonly host = '127.0.0.1') {}

  /**
   * Resolves when the WebSocket is open; frames that came with the answer are delivered before.
   * @throws UpgradeRefused, or an error of the connection.
   */
  open(port: number, path: string, sink: FrameSink): Promise<LoadSocket> {
    return new Promise((resolve, reject) => {
      const socket = new LoadSocket(this.host, port, path, sink, this.#buffer, {
        opened: () => {
          this.#open.add(socket);
          resolve(socket);
        },
        failed: reject,
        ended: () => this.#open.delete(socket),
      });
    });
  }

  /** Drops every socket that is still open. */
  destroyAll(): void {
    for (const socket of [...this.#open]) socket.destroy();
  }
}

interface Handshake {
  opened(): void;
  failed(error: Error): void;
  ended(): void;
}

export class LoadSocket {
  isClosed = false;
  bytesReceived = 0;
  readonly #socket: Socket;
  /** Bytes of the answer to the upgrade until it is complete. */
  #answer: Buffer | undefined = Buffer.alloc(0);
  /** A header that was cut, or a message being gathered. */
  #partial: Buffer | undefined;
  #partialLength = 0;
  /** Total length of the frame being gathered; 0 while its header is not known. */
  #wanted = 0;
  /** Bytes left of a message that is handed on in pieces. */
  #pieceLeft = 0;

  constructor(
    host: string,
    port: number,
    path: string,
    private readonly sink: FrameSink,
    buffer: Buffer,
    handshake: Handshake,
  ) {
    const timer = setTimeout(
      () => this.#socket.destroy(new Error('the WebSocket did not open in time')),
      OPEN_TIMEOUT_MS,
    );
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer,
        callback: (length, filled) => {
          this.bytesReceived += length;
          if (this.#answer === undefined) this.#read(filled as Buffer, 0, length);
          else this.#readAnswer(Buffer.from((filled as Buffer).subarray(0, length)), handshake, timer);
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => handshake.failed(error));
    this.#socket.on('close', () => {
      clearTimeout(timer);
      this.isClosed = true;
      handshake.failed(new Error('the connection ended before the WebSocket was open'));
      handshake.ended();
      this.sink.closed?.();
    });
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  }

  /** Writes prepared frames; false when the socket's own queue is filling up. */
  write(frames: Buffer): boolean {
    return this.#socket.write(frames);
  }

  /** Resolves when the queue is empty, or the connection over. */
  drained(): Promise<void> {
    if (this.isClosed || this.#socket.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.once('drain', done);
      this.#socket.once('close', done);
    });
  }

  /** Stops reading: the kernel's buffers fill, then the server's. */
  stall(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** A polite close: close frame, then the end. */
  close(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.end(clientFrame([Uint8Array.of(0x03, 0xe8)], CLOSE));
    });
  }

  /** As when the network is gone. */
  destroy(): void {
    this.#socket.destroy();
  }

  #readAnswer(chunk: Buffer, handshake: Handshake, timer: NodeJS.Timeout): void {
    const answer = Buffer.concat([this.#answer ?? Buffer.alloc(0), chunk]);
    this.#answer = answer;
    const end = answer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = answer.toString('latin1', 0, end);
    const status = Number(head.slice(9, 12));
    clearTimeout(timer);
    if (status !== 101) {
      const retryAfter = /^retry-after:\s*(\d+)/im.exec(head)?.[1];
      handshake.failed(new UpgradeRefused(status, retryAfter === undefined ? undefined : Number(retryAfter)));
      this.#socket.destroy();
      return;
    }
    this.#answer = undefined;
    handshake.opened();
    // The sink may only know its socket once the promise above has been followed.
    if (answer.length > end + 4) queueMicrotask(() => this.#read(answer, end + 4, answer.length));
  }

  #read(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#pieceLeft > 0) {
        const stop = Math.min(to, at + this.#pieceLeft);
        this.#pieceLeft -= stop - at;
        this.sink.piece?.(bytes, at, stop, false, this.#pieceLeft === 0);
        at = stop;
      } else if (this.#partial !== undefined) {
        at = this.#gather(bytes, at, to);
      } else {
        const next = this.#frame(bytes, at, to);
        if (next < 0) {
          this.#keep(bytes, at, to);
          return;
        }
        at = next;
      }
    }
  }

  /** Handles the frame at `at`; -1 when it is not all there. */
  #frame(bytes: Buffer, at: number, to: number): number {
    const available = to - at;
    if (available < 2) return -1;
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (available < header) return -1;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    const start = at + header;
    const end = start + length;
    if (end > to) {
      const isPiecewise = this.sink.piece !== undefined && length > PIECE_BYTES;
      if (!isPiecewise || to - start < FIRST_PIECE_BYTES) {
        this.#wanted = isPiecewise ? header + FIRST_PIECE_BYTES : header + length;
        return -1;
      }
      this.#pieceLeft = end - to;
      this.sink.piece?.(bytes, start, to, true, false);
      return to;
    }
    this.#deliver(bytes, (bytes[at] ?? 0) & 0x0f, start, end);
    return end;
  }

  #deliver(bytes: Buffer, opcode: number, start: number, end: number): void {
    if (opcode < OPCODE_CLOSE) {
      this.sink.message(bytes, start, end);
    } else if (opcode === OPCODE_PING) {
      this.#socket.write(clientFrame([bytes.subarray(start, end)], PONG));
    } else if (opcode === OPCODE_CLOSE) {
      this.#socket.end();
    }
  }

  /** Keeps the start of a frame that is cut. */
  #keep(bytes: Buffer, at: number, to: number): void {
    this.#partial = Buffer.allocUnsafe(Math.max(this.#wanted, 16, to - at));
    bytes.copy(this.#partial, 0, at, to);
    this.#partialLength = to - at;
  }

  /** Adds to what was kept, up to the end of its frame; where the rest begins. */
  #gather(bytes: Buffer, at: number, to: number): number {
    const partial = this.#partial;
    if (partial === undefined) return at;
    // While the header is not complete, one byte at a time: a frame must not swallow what follows it.
    const missing = this.#wanted === 0 ? 1 : this.#wanted - this.#partialLength;
    const stop = Math.min(to, at + missing);
    bytes.copy(partial, this.#partialLength, at, stop);
    this.#partialLength += stop - at;
    if (this.#wanted > 0 && this.#partialLength < this.#wanted) return stop;
    const length = this.#partialLength;
    this.#partial = undefined;
    this.#partialLength = 0;
    this.#wanted = 0;
    if (this.#frame(partial, 0, length) < 0) this.#keep(partial, 0, length);
    return stop;
  }
}
