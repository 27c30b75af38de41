/**
 * Frames that are compressed once and shared by all who negotiated permessage-deflate without context takeover.
 *
 * RFC 7692, section 7.2.1: raw deflate that ends with an empty block (a sync flush) whose last four bytes, 00 00 ff ff, are left
 * out. The frame has RSV1 set: byte 0 is 0xc2.
 */
import { promisify } from 'node:util';
import { constants, deflateRaw, deflateRawSync } from 'node:zlib';
import { headerLength, payloadOffset, writeHeader } from './frame.js';

const RSV1 = 0x40;
const FLUSH_TAIL_BYTES = 4;
/** Less than a network packet: nothing is gained. */
const MIN_BYTES = 1024;
/** Yjs updates shrink to about the same at any level; the quickest takes a third of the time of the default. */
const OPTIONS = { level: 1, finishFlush: constants.Z_SYNC_FLUSH } as const;

const deflate = promisify<Uint8Array, typeof OPTIONS, Buffer>(deflateRaw);

/** A whole frame, compressed; the frame itself when that makes it no smaller. */
export function deflatedFrame(plain: Buffer): Buffer {
  const payload = plain.subarray(payloadOffset(plain));
  return payload.length < MIN_BYTES ? plain : smaller(plain, deflateRawSync(payload, OPTIONS));
}

/** The same on another thread. @throws Error of zlib */
export async function deflatedFrameLater(plain: Buffer): Promise<Buffer> {
  const payload = plain.subarray(payloadOffset(plain));
  return payload.length < MIN_BYTES ? plain : smaller(plain, await deflate(payload, OPTIONS));
}

function smaller(plain: Buffer, deflated: Buffer): Buffer {
  const length = deflated.length - FLUSH_TAIL_BYTES;
  const header = headerLength(length);
  if (header + length >= plain.length) return plain;
  const frame = Buffer.allocUnsafeSlow(header + length);
  const at = writeHeader(frame, 0, length);
  frame[0] = (frame[0] ?? 0) | RSV1;
  deflated.copy(frame, at, 0, length);
  return frame;
}
