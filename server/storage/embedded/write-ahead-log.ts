/**
 * Reads LevelDB's write-ahead log before LevelDB does. On a damaged record LevelDB skips the rest of that block of
 * 32 KiB and goes on: acknowledged updates of any document would be gone without a word. Here the same bytes are read
 * with as much trust as they deserve, so that all but the damaged value can be written again.
 *
 * Format (LevelDB, doc/log_format.md): blocks of 32 KiB; a record is
 *   u32le masked crc32c of type and data | u16le length | u8 type (1 full, 2 first, 3 middle, 4 last) | data
 * and the data of a logical record is a batch (db/write_batch.cc):
 *   u64le sequence | u32le count | { u8 1 varint+key varint+value | u8 0 varint+key }
 * A record cut off at the end of the file was never acknowledged (its fsync did not finish) and is no damage. Where a damaged
 * header hides the next record, that is looked for by its checksum.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Operation } from './committer.js';

const BLOCK = 32_768;
const HEADER = 7;
const BATCH_HEADER = 12;
/** Operations that the damaged part of a block may have held, at least as many. */
const MOST_IN_BLOCK = 65_536n;
const [FULL, FIRST, LAST] = [1, 2, 4];
const CRC32C_POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

export interface LogReport {
  readonly file: string;
  /** Byte offset of the first damaged record; undefined for an intact log. */
  readonly offset: number | undefined;
  /** Everything that the log says, in order; a damaged value is among it as it is found, for its own checksum to tell. */
  readonly operations: readonly Operation[];
  /** Bytes that could not be read as anything. */
  readonly unreadableBytes: number;
}

/**
 * Empty where LevelDB can be trusted with its logs. Behind a damaged one come the intact ones that follow it: what is written
 * again out of the first must not lie above what they say.
 */
export async function findLogDamage(folder: string): Promise<LogReport[]> {
  const reports: LogReport[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (!/^\d+\.log$/.test(name)) continue;
    const file = path.join(folder, name);
    const report = inspectLog(await readFile(file));
    if (report.offset !== undefined || reports.length > 0) reports.push({ file, ...report });
  }
  return reports;
}

interface PhysicalRecord {
  readonly type: number;
  readonly data: Buffer;
  readonly isIntact: boolean;
  readonly next: number;
}

function inspectLog(log: Buffer): Omit<LogReport, 'file'> {
  let offset: number | undefined;
  let unreadableBytes = 0;
  const operations: Operation[] = [];
  let parts: Buffer[] = [];
  let sequence: bigint | undefined;
  const endOfData = lastByte(log) + 1;
  const skip = (from: number, to: number): void => {
    offset ??= from;
    unreadableBytes += to - from;
    // What came of it before the gap.
    if (parts.length > 0) unreadableBytes += readBatch(Buffer.concat(parts), operations);
    parts = [];
  };
  for (let block = 0; block < endOfData; block += BLOCK) {
    const end = Math.min(block + BLOCK, log.length);
    for (let at = block; at + HEADER <= end && at < endOfData;) {
      const record = trustedRecord(log, at, end);
      if (record === undefined) {
        const isLastBlock = end >= endOfData;
        // An append that a crash interrupted. What is inside of it was never acknowledged, and may look like anything.
        if (isLastBlock && isCutOff(log, at, end)) break;
        const found = nextBatch(log, at + 1, { end, sequence, mustReachEnd: isLastBlock });
        if (found === undefined && isLastBlock) break;
        skip(at, found ?? end);
        at = found ?? end;
        continue;
      }
      const { type, data, isIntact, next } = record;
      if (!isIntact) offset ??= at;
      at = next;
      const isFirst = type === FULL || type === FIRST;
      if (isFirst) parts = [];
      else if (parts.length === 0) {
        // Its beginning lies in a gap.
        unreadableBytes += data.length;
        continue;
      }
      parts.push(data);
      if (type === FULL || type === LAST) {
        const batch = Buffer.concat(parts);
        if (isIntact) sequence = sequenceOf(batch) ?? sequence;
        unreadableBytes += readBatch(batch, operations);
        parts = [];
      }
    }
  }
  return { offset, operations, unreadableBytes };
}

/** A crash may leave zeros at the end, where nothing was written yet. */
function lastByte(log: Buffer): number {
  let at = log.length - 1;
  while (at >= 0 && log[at] === 0) at -= 1;
  return at;
}

/**
 * A record that is intact, or damaged within its data alone (another one, or the end, lies where its length says), or by one bit
 * of its length or type, which its checksum gives back.
 */
function trustedRecord(log: Buffer, at: number, end: number): PhysicalRecord | undefined {
  const record = recordAt(log, at, end);
  if (record?.isIntact === true) return record;
  const corrected = correctedRecord(log, at, end);
  if (corrected !== undefined || record === undefined) return corrected;
  return isFollowed(log, record.next, end) ? record : undefined;
}

/** An intact record lies here, or the end, or one that is damaged in the same way. */
function isFollowed(log: Buffer, at: number, end: number): boolean {
  while (at + HEADER <= end) {
    const record = recordAt(log, at, end);
    if (record === undefined || record.isIntact) return record !== undefined;
    at = record.next;
  }
  return true;
}

function correctedRecord(log: Buffer, at: number, end: number): PhysicalRecord | undefined {
  for (let bit = 0; bit < 24; bit++) {
    const header = Buffer.from(log.subarray(at, at + HEADER));
    header.writeUInt8(header.readUInt8(4 + (bit >> 3)) ^ (1 << (bit & 7)), 4 + (bit >> 3));
    const next = at + HEADER + header.readUInt16LE(4);
    if (next > end) continue;
    const record = recordAt(Buffer.concat([header, log.subarray(at + HEADER, next)]), 0, next - at);
    if (record?.isIntact === true) return { ...record, isIntact: false, next };
  }
  return undefined;
}

/** Its beginning is that of a record which is longer than what is there. */
function isCutOff(log: Buffer, at: number, end: number): boolean {
  const type = log[at + 6] ?? 0;
  return type >= FULL && type <= LAST && at + HEADER + log.readUInt16LE(at + 4) > end;
}

/**
 * Where the next batch begins in this block. What somebody wrote may look like one: it is one only if it is numbered as one that
 * follows, and in the last block if whole records follow up to the end.
 */
function nextBatch(
  log: Buffer,
  from: number,
  { end, sequence, mustReachEnd }: { end: number; sequence: bigint | undefined; mustReachEnd: boolean },
): number | undefined {
  for (let at = from; at + HEADER <= end; at++) {
    const record = recordAt(log, at, end);
    if (record?.isIntact !== true || (record.type !== FULL && record.type !== FIRST)) continue;
    const found = sequenceOf(record.data);
    if (found === undefined) continue;
    if (sequence !== undefined && (found <= sequence || found > sequence + MOST_IN_BLOCK)) continue;
    if (!mustReachEnd || areIntactUpTo(log, record.next, end)) return at;
  }
  return undefined;
}

function areIntactUpTo(log: Buffer, from: number, end: number): boolean {
  let at = from;
  while (at + HEADER <= end) {
    const record = recordAt(log, at, end);
    if (record?.isIntact !== true) return lastByte(log) < at;
    at = record.next;
  }
  return at === end || end % BLOCK === 0;
}

const sequenceOf = (batch: Buffer): bigint | undefined =>
  batch.length < BATCH_HEADER ? undefined : batch.readBigUInt64LE();

function recordAt(log: Buffer, at: number, end: number): PhysicalRecord | undefined {
  if (at + HEADER > end) return undefined;
  const type = log[at + 6] ?? 0;
  const next = at + HEADER + log.readUInt16LE(at + 4);
  if (next > end || type < FULL || type > LAST) return undefined;
  const isIntact = checksum(log, at + 6, next) === log.readUInt32LE(at);
  return { type, data: log.subarray(at + HEADER, next), isIntact, next };
}

/** Adds a batch's operations; answers how many of its bytes made no sense. */
function readBatch(batch: Buffer, operations: Operation[]): number {
  let at = BATCH_HEADER;
  const bytes = (): Buffer | undefined => {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = batch[at++];
      if (byte === undefined || shift > 28) return undefined;
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    const from = at;
    at += length;
    return at > batch.length ? undefined : batch.subarray(from, at);
  };
  while (at < batch.length) {
    const start = at;
    const kind = batch[at++];
    const key = kind === 0 || kind === 1 ? bytes() : undefined;
    const value = kind === 1 ? bytes() : undefined;
    if (key === undefined || (kind === 1 && value === undefined)) return batch.length - start;
    operations.push(value === undefined ? { type: 'del', key } : { type: 'put', key, value });
  }
  return 0;
}

function checksum(log: Buffer, from: number, to: number): number {
  let crc = 0xffffffff;
  for (let at = from; at < to; at++) crc = (TABLE[(crc ^ (log[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1;
  return value >>> 0;
});
