import { UNSAFE_KEYS } from './read-source.js';

const MAX_ID_LENGTH = 64;

/** Gives out ids that are valid and unique; the same names in the same order get the same ids. */
export class ElementIds {
  readonly #taken = new Set<string>();
  /** The last number tried for a name: a thousand equal names must not take a million steps. */
  readonly #numbers = new Map<string, number>();

  constructor(reserved: readonly string[] = []) {
    reserved.forEach((id) => this.#taken.add(id));
  }

  /** @param fallback used when nothing of the name is left */
  take(name: string, fallback: string): string {
    const cleaned = name.replace(/[^A-Za-z0-9_-]+/g, '_').replace(/^_+|_+$/g, '');
    const base = (cleaned === '' || UNSAFE_KEYS.has(cleaned) ? fallback : cleaned).slice(0, MAX_ID_LENGTH);
    let id = base;
    let number = this.#numbers.get(base) ?? 1;
    while (this.#taken.has(id)) {
      number += 1;
      id = `${base.slice(0, MAX_ID_LENGTH - 1 - String(number).length)}_${number}`;
    }
    this.#numbers.set(base, number);
    this.#taken.add(id);
    return id;
  }
}
