import type { Json } from '../form/form-json.js';
import { ImportError, invalidSource } from './import-error.js';
import { pointer, type LossReport } from './loss-report.js';

const MAX_DEPTH = 64;
/** Values of any kind in one source; the largest form in use has some ten thousand. */
const MAX_VALUES = 200_000;
/** Keys that would reach an object's prototype when somebody copies the form carelessly. */
export const UNSAFE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * The source as plain JSON of our own, within limits: nothing that is read later can be a getter, a cycle or a prototype.
 * @throws {ImportError} when it is no JSON, nested deeper than {@link MAX_DEPTH} or larger than {@link MAX_VALUES} values
 */
export function readSource(source: unknown, report: LossReport): Json {
  let values = 0;
  const copy = (value: unknown, path: string, depth: number): Json => {
    values += 1;
    if (values > MAX_VALUES) throw invalidSource('', `a source has at most ${MAX_VALUES} values`);
    if (value === null || typeof value === 'boolean') return value;
    if (typeof value === 'string') return value.toWellFormed();
    if (typeof value === 'number' && Number.isFinite(value)) return Object.is(value, -0) ? 0 : value;
    if (typeof value !== 'object') throw invalidSource(path, 'not a JSON value');
    if (depth >= MAX_DEPTH) throw invalidSource(path, `nested deeper than ${MAX_DEPTH}`);
    if (Array.isArray(value)) {
      return Array.from(value as unknown[], (item, i) => copy(item, pointer(path, i), depth + 1));
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) throw invalidSource(path, 'not a JSON object');
    const result: Record<string, Json> = {};
    for (const [name, member] of Object.entries(value)) {
      const key = name.toWellFormed();
      if (member === undefined) continue;
      if (UNSAFE_KEYS.has(key)) report.add(pointer(path, key), 'left out: the name is not allowed');
      else result[key] = copy(member, pointer(path, key), depth + 1);
    }
    return result;
  };
  try {
    return copy(source, '', 0);
  } catch (error) {
    if (error instanceof ImportError) throw error;
    // A getter or proxy of the caller may throw anything.
    throw invalidSource('', 'the source cannot be read');
  }
}
