/** What is done otherwise than `ws` does it when a WebSocket closes. */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { CLOSE } from '../protocol/close-codes.js';
import { closeFrame } from '../protocol/frame.js';

/** What `ws` closes with when a frame is over `maxPayload`. */
const MESSAGE_TOO_BIG = 1009;

export class SyncSocket extends WebSocket {
  #socket: Socket | undefined;

  /** @param socket what it runs over: `ws` tells nobody */
  runsOver(socket: Socket): void {
    this.#socket = socket;
  }

  override close(code?: number, reason?: string | Buffer): void {
    // `ws` calls this itself when the client closes: without a code, or with the bytes of the client's reason.
    const isAnswer = code === undefined || reason instanceof Buffer;
    if (isAnswer && this.#socket !== undefined && this.readyState === WebSocket.OPEN) {
      sayGoodbye(this.#socket, closeFrame(code, reason));
    } else if (code === MESSAGE_TOO_BIG && !isAnswer) super.close(CLOSE.tooLarge, 'the frame is too large');
    else super.close(code, reason);
  }
}

/**
 * RFC 6455, section 7.1.1: once both have sent a close frame, the server closes the connection at once. `ws` waits for the
 * client to do it, for up to 30 s, which also takes three times as many calls.
 */
function sayGoodbye(socket: Socket, frame: Buffer): void {
  socket.write(frame);
  // What the system has taken still reaches the client.
  if (socket.writableLength === 0) socket.destroy();
  else socket.destroySoon();
}
