/** Messages of y-protocols as bytes, in the dialect of a server, in WebSocket frames of a client. */
import * as encoding from 'lib0/encoding';

export const SYNC = 0;
export const AWARENESS = 1;
export const STEP_1 = 0;
export const STEP_2 = 1;
export const UPDATE = 2;

/** How a server wants to be spoken to. */
export interface Dialect {
  /** Path of the WebSocket, with the leading slash. */
  path(document: string): string;
  /** Put before each message in both directions. */
  prefix(document: string): Uint8Array;
  /** Sent first on a new connection, without the prefix. */
  greeting(): Uint8Array[];
  /** Whether a message of this type is a sync message. */
  isSync(type: number): boolean;
}

export const syncMessage = (step: number, payload: Uint8Array): Uint8Array =>
  encoded((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, step);
    encoding.writeVarUint8Array(encoder, payload);
  });

/** An awareness message with one state. */
export const awarenessMessage = (clientId: number, clock: number, state: unknown): Uint8Array =>
  encoded((encoder) => {
    encoding.writeVarUint(encoder, AWARENESS);
    encoding.writeVarUint8Array(
      encoder,
      encoded((inner) => {
        encoding.writeVarUint(inner, 1);
        encoding.writeVarUint(inner, clientId);
        encoding.writeVarUint(inner, clock);
        encoding.writeVarString(inner, JSON.stringify(state));
      }),
    );
  });

export function encoded(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  write(encoder);
  return encoding.toUint8Array(encoder);
}

/** State vector of an empty document, and an update without content. */
export const EMPTY_STATE_VECTOR = Uint8Array.of(0);
export const EMPTY_UPDATE = Uint8Array.of(0, 0);

const BINARY = 0x82;
export const CLOSE = 0x88;
export const PONG = 0x8a;
/** A browser masks with a fresh key; one fixed key costs the server the same and can be prepared. */
const MASK = Uint8Array.of(0x5a, 0x13, 0xc7, 0x9e);

/** A masked frame of a client (RFC 6455, 5.2) around the parts. */
export function clientFrame(parts: readonly Uint8Array[], opcode = BINARY): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extended + 4 + length);
  frame[0] = opcode;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  let at = 2 + extended;
  frame.set(MASK, at);
  at += 4;
  let masked = 0;
  for (const part of parts) {
    for (const byte of part) frame[at++] = byte ^ (MASK[masked++ & 3] ?? 0);
  }
  return frame;
}

/** A varuint at `at`, and where it ends. */
export function readVarUint(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError('the message ends within a number');
    value += (byte & 127) * factor;
    if (byte < 128) return { value, next: at };
  }
}

/** Who is told of in an awareness update: varuint entries, then for each varuint client, varuint clock, varuint length, JSON. */
export function eachClock(bytes: Uint8Array, start: number, note: (clientId: number, clock: number) => void): void {
  let { value: left, next: at } = readVarUint(bytes, start);
  for (; left > 0; left--) {
    const client = readVarUint(bytes, at);
    const clock = readVarUint(bytes, client.next);
    const length = readVarUint(bytes, clock.next);
    at = length.next + length.value;
    note(client.value, clock.value);
  }
}
