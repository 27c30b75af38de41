/**
 * What the store knows of a document without reading its log: written when the document is created, compacted or erased,
 * and now and then in between. The log's end is where the log ends.
 */
import { readU64, writeU64 } from '../keys.js';
import { BODY_OFFSET, seal, sealable, unseal } from '../checksum.js';

export interface Head {
  /** Internal number; keys of content hold it instead of the name. */
  readonly id: number;
  readonly epoch: string;
  readonly createdAt: number;
  changedAt: number;
  /** Sequence of the last logged update; 0 before the first. */
  sequence: number;
  /** Everything up to here is in the compacted state. */
  compactedUpTo: number;
  stateBytes: number;
  uncompactedBytes: number;
  /** Unix time in milliseconds; set on a tombstone. */
  erasedAt: number;
}

const NUMBERS = 8;
const EPOCH_BYTES = 36;

/** HOT PATH. Eight numbers of 8 bytes and the epoch (a UUID as text). */
export function encodeHead(head: Head): Buffer {
  const buffer = sealable(NUMBERS * 8 + EPOCH_BYTES);
  let offset = BODY_OFFSET;
  for (const value of [
    head.id,
    head.createdAt,
    head.changedAt,
    head.sequence,
    head.compactedUpTo,
    head.stateBytes,
    head.uncompactedBytes,
    head.erasedAt,
  ]) {
    writeU64(buffer, offset, value);
    offset += 8;
  }
  buffer.write(head.epoch, offset, 'latin1');
  return seal(buffer);
}

/** @throws ChecksumError */
export function decodeHead(value: Uint8Array): Head {
  const body = unseal(value);
  const number = (index: number): number => readU64(body, index * 8);
  return {
    id: number(0),
    createdAt: number(1),
    changedAt: number(2),
    sequence: number(3),
    compactedUpTo: number(4),
    stateBytes: number(5),
    uncompactedBytes: number(6),
    erasedAt: number(7),
    epoch: body.toString('latin1', NUMBERS * 8, NUMBERS * 8 + EPOCH_BYTES),
  };
}
