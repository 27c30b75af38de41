/**
 * WebSocket frames built once and written as they are to any number of sockets.
 *
 * RFC 6455, section 5.2, server to client (no mask), one unfragmented binary message:
 *   byte 0     0x82 = FIN | opcode 2
 *   byte 1     length 0..125, or 126 (16-bit length follows), or 127 (64-bit length follows)
 *   then       the payload
 */
const FIN_BINARY = 0x82;
const FIN_CLOSE = 0x88;

/** The bytes of the header of a binary frame with a payload of this length: 2, 4 or 10. */
export function headerLength(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10;
}

/** Writes the header at `offset` and answers the offset behind it. */
export function writeHeader(target: Buffer, offset: number, payloadBytes: number): number {
  target[offset] = FIN_BINARY;
  if (payloadBytes < 126) {
    target[offset + 1] = payloadBytes;
    return offset + 2;
  }
  if (payloadBytes < 65_536) {
    target[offset + 1] = 126;
    return target.writeUInt16BE(payloadBytes, offset + 2);
  }
  target[offset + 1] = 127;
  target.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), offset + 2);
  return target.writeUInt32BE(payloadBytes >>> 0, offset + 6);
}

/** Where the payload of a frame that was built here begins. */
export function payloadOffset(frame: Uint8Array): number {
  const length = frame[1] ?? 0;
  return length < 126 ? 2 : length === 126 ? 4 : 10;
}

/** A whole frame around `payload`. */
export function frame(payload: Uint8Array): Buffer {
  const header = headerLength(payload.length);
  const buffer = Buffer.allocUnsafe(header + payload.length);
  buffer.set(payload, writeHeader(buffer, 0, payload.length));
  return buffer;
}

/** RFC 6455, section 5.5.1: the code and the reason, or neither. @param reason at most 123 bytes */
export function closeFrame(code?: number, reason: string | Buffer = ''): Buffer {
  if (code === undefined) return Buffer.of(FIN_CLOSE, 0);
  const length = 2 + Buffer.byteLength(reason);
  const buffer = Buffer.allocUnsafe(2 + length);
  buffer[0] = FIN_CLOSE;
  buffer[1] = length;
  buffer.writeUInt16BE(code, 2);
  if (typeof reason === 'string') buffer.write(reason, 4);
  else buffer.set(reason, 4);
  return buffer;
}
