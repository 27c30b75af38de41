import { DocumentCorruptedError } from '../../errors.js';
import { ChecksumError } from '../checksum.js';
import { isUnreadableBlock } from '../damage-reports.js';

/** @throws DocumentCorruptedError in place of what tells that stored bytes are not what was written */
export function guarded<T>(document: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (isDamage(error)) throw new DocumentCorruptedError(document, error.message, { cause: error });
    throw error;
  }
}

/** Undefined for what is damaged: it must not hide what is not. */
export function decodeOrSkip<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** `guarded`, for what is read from the medium. @throws DocumentCorruptedError */
export async function readGuarded<T>(document: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isDamage(error)) throw new DocumentCorruptedError(document, error.message, { cause: error });
    throw error;
  }
}

const isDamage = (error: unknown): error is Error =>
  error instanceof ChecksumError || error instanceof RangeError || isUnreadableBlock(error);
