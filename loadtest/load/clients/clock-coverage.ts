/**
 * Which clocks of one writer a receiver has: each must come, and one that comes twice is counted. Servers may merge
 * updates and split them anew; the clocks say what was delivered however it was cut.
 */
export class ClockCoverage {
  /** Every clock below this one was received. */
  next = 0;
  /** Clocks that came more than once. */
  duplicates = 0;
  /** Ranges beyond a gap, sorted and apart from each other: [from, to) pairs. */
  readonly #ahead: { from: number; to: number }[] = [];

  /** Number of ranges that wait for a gap to be filled. */
  get gaps(): number {
    return this.#ahead.length;
  }

  /** Clocks `from` (inclusive) to `to` (exclusive) arrived. */
  cover(from: number, to: number): void {
    if (to <= from) return;
    if (from > this.next) {
      this.#coverAhead(from, to);
      return;
    }
    this.duplicates += Math.min(to, this.next) - from;
    if (to > this.next) this.next = to;
    if (this.#ahead.length > 0) this.#absorb();
  }

  #coverAhead(from: number, to: number): void {
    const merged = { from, to };
    const apart = this.#ahead.filter((range) => {
      if (range.to < merged.from || range.from > merged.to) return true;
      this.duplicates += Math.max(0, Math.min(range.to, to) - Math.max(range.from, from));
      merged.from = Math.min(merged.from, range.from);
      merged.to = Math.max(merged.to, range.to);
      return false;
    });
    apart.push(merged);
    apart.sort((a, b) => a.from - b.from);
    this.#ahead.splice(0, this.#ahead.length, ...apart);
  }

  #absorb(): void {
    for (let first = this.#ahead[0]; first !== undefined && first.from <= this.next; first = this.#ahead[0]) {
      this.duplicates += Math.min(first.to, this.next) - first.from;
      this.next = Math.max(this.next, first.to);
      this.#ahead.shift();
    }
  }
}
