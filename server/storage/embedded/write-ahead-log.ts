/**
 * Reads LevelDB's write-ahead log before LevelDB does. On a damaged record LevelDB skips the rest of that block of
 * 32 KiB and goes on: acknowledged updates of any document would be gone without a word. Here the same bytes are read
 * with as much trust as they deserve, so that all but the damaged value can be written again.
 *
 * Format (LevelDB, doc/log_format.md): blocks of 32 KiB; a record is
 *   u32le masked crc32c of type and data | u16le length | u8 type (1 full, 2 first, 3 middle, 4 last) | data
 * and the data of a logical record is a batch (db/write_batch.cc):
 *   u64le sequence | u32le count | { u8 1 varint+key varint+value | u8 0 varint+key }
 * A record cut off at the end of the file was never acknowledged (its fsync did not finish) and is no damage.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Operation } from './committer.js';

const BLOCK = 32_768;
const HEADER = 7;
const BATCH_HEADER = 12;
const CRC32C_POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

export interface LogDamage {
  readonly file: string;
  /** Byte offset of the first damaged record. */
  readonly offset: number;
  /** Everything that the log says, in order; a damaged value is among it as it is found, for its own checksum to tell. */
  readonly operations: readonly Operation[];
  /** Bytes that could not be read as anything. */
  readonly unreadableBytes: number;
}

/** Empty for a log that LevelDB can be trusted with. */
export async function findLogDamage(folder: string): Promise<LogDamage[]> {
  const damages: LogDamage[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (!/^\d+\.log$/.test(name)) continue;
    const file = path.join(folder, name);
    const damage = inspectLog(await readFile(file));
    if (damage !== undefined) damages.push({ file, ...damage });
  }
  return damages;
}

interface PhysicalRecord {
  readonly type: number;
  readonly data: Buffer;
  readonly isIntact: boolean;
}

function inspectLog(log: Buffer): Omit<LogDamage, 'file'> | undefined {
  let offset: number | undefined;
  let unreadableBytes = 0;
  const operations: Operation[] = [];
  let parts: Buffer[] = [];
  for (let block = 0; block < log.length; block += BLOCK) {
    const end = Math.min(block + BLOCK, log.length);
    let at = block;
    while (at + HEADER <= end) {
      const record = readRecord(log, at, end);
      if (record === 'rest is empty') break;
      if (record === 'cut off') {
        // In the last block: an append that a crash interrupted. Elsewhere its length is damaged.
        if (end < log.length) {
          offset ??= at;
          unreadableBytes += end - at;
        }
        break;
      }
      if (!record.isIntact) offset ??= at;
      if (record.type === 1 || record.type === 2) parts = [];
      parts.push(record.data);
      if (record.type === 1 || record.type === 4) {
        unreadableBytes += readBatch(Buffer.concat(parts), operations);
        parts = [];
      }
      at += HEADER + record.data.length;
    }
  }
  return offset === undefined ? undefined : { offset, operations, unreadableBytes };
}

function readRecord(log: Buffer, at: number, end: number): PhysicalRecord | 'rest is empty' | 'cut off' {
  const length = log.readUInt16LE(at + 4);
  const type = log[at + 6] ?? 0;
  if (type === 0 && length === 0 && log.readUInt32LE(at) === 0) return 'rest is empty';
  const next = at + HEADER + length;
  if (next > end || type < 1 || type > 4) return 'cut off';
  const isIntact = checksum(log, at + 6, next) === log.readUInt32LE(at);
  return { type, data: log.subarray(at + HEADER, next), isIntact };
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
