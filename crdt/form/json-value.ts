/** JSON values as a document can hold them: what is stored is what is read again, on every replica. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const MAX_JSON_DEPTH = 32;
export const MAX_KEY_LENGTH = 128;
const UNSAFE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Names that reach the prototype of a plain object. */
export const isUnsafeKey = (key: string): boolean => UNSAFE_KEYS.has(key);

/** Names of settings and properties. */
export const isKey = (text: string): boolean =>
  text.length > 0 && text.length <= MAX_KEY_LENGTH && text.isWellFormed() && !isUnsafeKey(text);

/**
 * The value if JSON can say it exactly and it is not nested too deeply; undefined otherwise. Halves of surrogate pairs
 * become U+FFFD, as they do on their way to another replica.
 */
export function asJson(value: unknown, depth = 0): Json | undefined {
  if (typeof value === 'string') return value.toWellFormed();
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? (Object.is(value, -0) ? 0 : value) : undefined;
  if (typeof value !== 'object' || depth >= MAX_JSON_DEPTH) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => asJson(item, depth + 1));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const copy: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) {
    const json = asJson(member, depth + 1);
    if (json === undefined || isUnsafeKey(key)) return undefined;
    copy[key.toWellFormed()] = json;
  }
  return copy;
}
