/**
 * How many different ones: exact up to 1,000, then a HyperLogLog sketch of 4,096 registers (standard error 1.6 %).
 * Flajolet, Fusy, Gandouet, Meunier: HyperLogLog, 2007; the small range by linear counting, as there.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

const MAX_EXACT = 1_000;
const INDEX_BITS = 12;
const REGISTERS = 1 << INDEX_BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

/** Hashes of 64 bits in base64url; or the registers, a byte each, in base64. */
export const distinctSchema = z.union([z.object({ exact: z.array(z.string()) }), z.object({ registers: z.string() })]);
export type Distinct = z.infer<typeof distinctSchema>;

export const noneDistinct = (): Distinct => ({ exact: [] });

/** @param salt so that the same person has another hash elsewhere */
export function withOne(distinct: Distinct, value: string, salt: string): Distinct {
  const hash = createHash('sha256').update(salt).update('\0').update(value).digest().subarray(0, 8);
  if ('registers' in distinct) {
    const registers = Buffer.from(distinct.registers, 'base64');
    return raise(registers, hash) ? { registers: registers.toString('base64') } : distinct;
  }
  const text = hash.toString('base64url');
  if (distinct.exact.includes(text)) return distinct;
  if (distinct.exact.length < MAX_EXACT) return { exact: [...distinct.exact, text] };
  const registers = Buffer.alloc(REGISTERS);
  for (const known of [...distinct.exact, text]) raise(registers, Buffer.from(known, 'base64url'));
  return { registers: registers.toString('base64') };
}

export function countOf(distinct: Distinct): number {
  if ('exact' in distinct) return distinct.exact.length;
  let sum = 0;
  let empty = 0;
  for (const rank of Buffer.from(distinct.registers, 'base64')) {
    sum += 2 ** -rank;
    if (rank === 0) empty += 1;
  }
  const estimate = (ALPHA * REGISTERS * REGISTERS) / sum;
  const isSmall = estimate <= 2.5 * REGISTERS && empty > 0;
  return Math.round(isSmall ? REGISTERS * Math.log(REGISTERS / empty) : estimate);
}

/** False when the register was there already. */
function raise(registers: Buffer, hash: Buffer): boolean {
  const index = hash.readUInt16BE(0) >>> (16 - INDEX_BITS);
  // The 52 bits after the index: the place of their first one.
  const rest = hash.readBigUInt64BE(0) & ((1n << 52n) - 1n);
  const rank = rest === 0n ? 53 : 53 - rest.toString(2).length;
  if ((registers[index] ?? 0) >= rank) return false;
  registers[index] = rank;
  return true;
}
