/**
 * Every stored value is `u32 crc32 of the rest, u8 version, body`: a value that the medium damaged is told from one
 * that was written so.
 */
import { crc32 } from 'node:zlib';

const VERSION = 1;
const HEADER = 5;

/** HOT PATH. A buffer whose first `HEADER` bytes are to be sealed; the body begins behind them. */
export function sealable(bodyBytes: number): Buffer {
  return Buffer.allocUnsafe(HEADER + bodyBytes);
}

export const BODY_OFFSET = HEADER;

export function seal(buffer: Buffer): Buffer {
  buffer[4] = VERSION;
  buffer.writeUInt32BE(crc32(buffer.subarray(4)), 0);
  return buffer;
}

export function sealed(body: Uint8Array): Buffer {
  const buffer = sealable(body.length);
  buffer.set(body, HEADER);
  return seal(buffer);
}

export class ChecksumError extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'ChecksumError';
  }
}

/** The body, as a view. @throws ChecksumError */
export function unseal(value: Uint8Array): Buffer {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (buffer.length < HEADER) throw new ChecksumError('a stored value is cut short');
  if (buffer.readUInt32BE(0) !== crc32(buffer.subarray(4))) throw new ChecksumError('a checksum does not match');
  if (buffer[4] !== VERSION) throw new ChecksumError(`a stored value has the unknown version ${buffer[4] ?? 0}`);
  return buffer.subarray(HEADER);
}
