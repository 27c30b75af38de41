/** Where everything is counted that would be one label value too many. */
const OVERFLOW_LABEL = 'other';

/**
 * HOT PATH. Counts by label value, as plain numbers, with a bound on the number of values: what a client can choose
 * must not become a time series without end.
 */
export class Tally {
  readonly #counts = new Map<string, number>();

  constructor(private readonly maxLabels: number) {}

  add(label: string, amount = 1): void {
    const known = this.#counts.get(label);
    if (known !== undefined) this.#counts.set(label, known + amount);
    else if (this.#counts.size < this.maxLabels) this.#counts.set(label, amount);
    else this.#counts.set(OVERFLOW_LABEL, (this.#counts.get(OVERFLOW_LABEL) ?? 0) + amount);
  }

  get(label: string): number {
    return this.#counts.get(label) ?? 0;
  }

  get total(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  entries(): Iterable<[string, number]> {
    return this.#counts.entries();
  }
}
