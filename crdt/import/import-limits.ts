import { invalidSource } from './import-error.js';

const MAX_ELEMENTS = 5_000;
/** Options and rows of a whole form: a table of dropdowns repeats its choices in every cell. */
const MAX_OPTIONS = 50_000;
/** The projection keeps groups nested so deep. */
export const MAX_GROUP_DEPTH = 8;

/** Counts what an import makes. */
export class ImportLimits {
  #elements = 0;
  #options = 0;

  /** @throws {ImportError} */
  countElement(path: string): void {
    this.#elements += 1;
    if (this.#elements > MAX_ELEMENTS) throw invalidSource(path, `a form has at most ${MAX_ELEMENTS} elements`);
  }

  /** @throws {ImportError} */
  countOptions(count: number, path: string): void {
    this.#options += count;
    if (this.#options > MAX_OPTIONS) throw invalidSource(path, `a form has at most ${MAX_OPTIONS} options`);
  }
}
