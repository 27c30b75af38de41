/**
 * Reads client frames. A frame may hold several messages, one behind the other (stock clients send one).
 * Nothing is allocated per message but views into the frame.
 */
import { MESSAGE, SYNC } from './messages.js';

/** The frame is not what the protocol allows: close 4400. */
export class MalformedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedError';
  }
}

export interface IncomingHandler {
  onSyncStep1(stateVector: Uint8Array): void;
  /** `isReply`: the answer to our step 1, as opposed to a live edit. */
  onUpdate(update: Uint8Array, isReply: boolean): void;
  onAwareness(update: Uint8Array): void;
  onQueryAwareness(): void;
  /** A type that is not ours: the rest of the frame is skipped, since its length is unknown. */
  onUnknown(type: number): void;
}

/** A position in a frame; methods throw `MalformedError` at its end. */
export class Cursor {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new MalformedError('unexpected end of the message');
    this.at += 1;
    return value;
  }

  /** lib0 varUint: 7 bits a byte, least significant first; at most 2^53 - 1. */
  varUint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) break;
      factor *= 128;
      if (factor > Number.MAX_SAFE_INTEGER) throw new MalformedError('an integer is out of range');
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new MalformedError('an integer is out of range');
    return value;
  }

  /** A length-prefixed run of bytes, as a view. */
  varBytes(): Uint8Array {
    const length = this.varUint();
    const from = this.at;
    if (length > this.bytes.length - from) throw new MalformedError('a length points past the end of the message');
    this.at = from + length;
    return this.bytes.subarray(from, this.at);
  }

  skipVarBytes(): void {
    const length = this.varUint();
    if (length > this.bytes.length - this.at) throw new MalformedError('a length points past the end of the message');
    this.at += length;
  }
}

/** HOT PATH. @throws MalformedError */
export function readMessages(frame: Uint8Array, handler: IncomingHandler): void {
  const cursor = new Cursor(frame);
  if (cursor.isAtEnd) throw new MalformedError('an empty message');
  while (!cursor.isAtEnd) {
    const type = cursor.varUint();
    switch (type) {
      case MESSAGE.sync: {
        const step = cursor.varUint();
        const body = cursor.varBytes();
        if (step === SYNC.step1) handler.onSyncStep1(body);
        else if (step === SYNC.step2) handler.onUpdate(body, true);
        else if (step === SYNC.update) handler.onUpdate(body, false);
        else throw new MalformedError(`an unknown sync step ${step}`);
        break;
      }
      case MESSAGE.awareness:
        handler.onAwareness(cursor.varBytes());
        break;
      case MESSAGE.queryAwareness:
        handler.onQueryAwareness();
        break;
      default:
        handler.onUnknown(type);
        return;
    }
  }
}
