/**
 * Checks LevelDB's write-ahead log before LevelDB reads it: on a damaged record it would skip the block and go on,
 * and acknowledged updates would be gone without a word.
 *
 * Format (LevelDB, doc/log_format.md): blocks of 32 KiB; a record is
 *   u32le masked crc32c of type and data | u16le length | u8 type (1 full, 2 first, 3 middle, 4 last) | data
 * A record cut off at the end of the file was never acknowledged (its fsync did not finish) and is no damage.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const BLOCK = 32_768;
const HEADER = 7;
const CRC32C_POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

/** Where the damage is, one line per file; empty when there is none. */
export async function findLogDamage(folder: string): Promise<string[]> {
  const damages: string[] = [];
  for (const name of await readdir(folder)) {
    if (!/^\d+\.log$/.test(name)) continue;
    const offset = firstDamage(await readFile(path.join(folder, name)));
    if (offset !== undefined) damages.push(`${name} at byte ${offset}`);
  }
  return damages;
}

/** The offset of the first damaged record that is followed by an intact one. */
function firstDamage(log: Buffer): number | undefined {
  let damaged: number | undefined;
  for (let block = 0; block < log.length; block += BLOCK) {
    const end = Math.min(block + BLOCK, log.length);
    let at = block;
    while (at + HEADER <= end) {
      const length = log.readUInt16LE(at + 4);
      const type = log[at + 6] ?? 0;
      // A preallocated or zero-filled rest of the file.
      if (type === 0 && length === 0 && log.readUInt32LE(at) === 0) break;
      const next = at + HEADER + length;
      const isIntact = next <= end && type >= 1 && type <= 4 && checksum(log, at + 6, next) === log.readUInt32LE(at);
      if (!isIntact) {
        damaged ??= at;
        break; // the length cannot be trusted: go on with the next block
      }
      if (damaged !== undefined) return damaged;
      at = next;
    }
  }
  // Damage in the last block hides what follows it there: only a record cut short by the end of the file is harmless.
  if (damaged === undefined) return undefined;
  const length = log.readUInt16LE(damaged + 4);
  return damaged + HEADER + length >= log.length ? undefined : damaged;
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
