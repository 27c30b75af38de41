import type { Json } from '../form/form-json.js';
import { pointer, type LossReport } from './loss-report.js';
import { UNSAFE_KEYS } from './read-source.js';

const MAX_KEY_LENGTH = 128;
/** The projection keeps no JSON that is nested deeper. */
const MAX_KEPT_DEPTH = 30;

/**
 * An object of the source that knows which of its members have been used. A member of the wrong kind stays unused, so
 * that it shows up in the loss report instead of vanishing.
 */
export class SourceObject {
  readonly #used = new Set<string>();

  constructor(
    readonly value: Readonly<Record<string, Json>>,
    readonly path: string,
  ) {}

  static from(value: Json | undefined, path: string): SourceObject | undefined {
    return isObject(value) ? new SourceObject(value, path) : undefined;
  }

  at(key: string): string {
    return pointer(this.path, key);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.value, key);
  }

  peek(key: string): Json | undefined {
    return this.has(key) ? this.value[key] : undefined;
  }

  use(key: string): Json | undefined {
    this.#used.add(key);
    return this.peek(key);
  }

  string(key: string): string | undefined {
    const value = this.peek(key);
    return typeof value === 'string' ? (this.use(key), value) : undefined;
  }

  number(key: string): number | undefined {
    const value = this.peek(key);
    return typeof value === 'number' ? (this.use(key), value) : undefined;
  }

  /** A whole number of at least `least`; numbers written as strings count, as GC Forms writes some so. */
  count(key: string, least = 0): number | undefined {
    const value = this.peek(key);
    const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < least) return undefined;
    this.use(key);
    return number;
  }

  boolean(key: string): boolean | undefined {
    const value = this.peek(key);
    return typeof value === 'boolean' ? (this.use(key), value) : undefined;
  }

  array(key: string): Json[] | undefined {
    const value = this.peek(key);
    return Array.isArray(value) ? (this.use(key), value) : undefined;
  }

  object(key: string): SourceObject | undefined {
    const value = this.peek(key);
    return isObject(value) ? (this.use(key), new SourceObject(value, this.at(key))) : undefined;
  }

  /** What nobody used. Empty values say nothing and are passed over. */
  unused(): [string, Json][] {
    return Object.entries(this.value).filter(([key, value]) => !this.#used.has(key) && !isEmpty(value));
  }

  /** Puts what nobody used into `kept` and reports it. */
  keepRest(kept: Record<string, Json>, report: LossReport, prefix = ''): void {
    for (const [key, value] of this.unused()) {
      keep(kept, prefix + key, value, this.at(key), report);
    }
  }

  /** Reports what nobody used, where nothing can hold it. */
  loseRest(report: LossReport): void {
    for (const [key] of this.unused()) report.add(this.at(key), 'lost: nothing here holds it');
  }
}

/** Keeps a member that means nothing to us beside those that do. */
export function keep(kept: Record<string, Json>, name: string, value: Json, path: string, report: LossReport): void {
  const key = name.slice(0, MAX_KEY_LENGTH).toWellFormed();
  if (key === '' || UNSAFE_KEYS.has(key) || Object.hasOwn(kept, key)) {
    report.add(path, 'lost: its name cannot be kept');
  } else if (isDeeperThan(value, MAX_KEPT_DEPTH)) {
    report.add(path, 'lost: it is nested too deeply');
  } else {
    kept[key] = value;
    report.add(path, `kept as the property "${key}", without effect`);
  }
}

export function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isEmpty(value: Json): boolean {
  if (value === null || value === '') return true;
  if (Array.isArray(value)) return value.every(isEmpty);
  return isObject(value) && Object.values(value).every(isEmpty);
}

export function isDeeperThan(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((member) => isDeeperThan(member, depth - 1));
}
