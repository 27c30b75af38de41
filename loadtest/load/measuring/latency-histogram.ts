/** Latencies in logarithmic buckets (3 % wide): recording costs the load client next to nothing. */
const SMALLEST_MS = 0.01;
const GROWTH = 1.03;
const BUCKETS = 600;
const LOG_GROWTH = Math.log(GROWTH);

export class LatencyHistogram {
  count = 0;
  maxMs = 0;
  #sumMs = 0;
  readonly #buckets = new Uint32Array(BUCKETS);

  record(ms: number): void {
    const at = ms <= SMALLEST_MS ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log(ms / SMALLEST_MS) / LOG_GROWTH) + 1);
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1;
    this.count += 1;
    this.#sumMs += ms;
    if (ms > this.maxMs) this.maxMs = ms;
  }

  /** The latency in ms that `share` (0–1) of the recorded ones do not exceed, to within 3 %; NaN when empty. */
  quantile(share: number): number {
    if (this.count === 0) return Number.NaN;
    const rank = Math.ceil(share * this.count);
    let seen = 0;
    for (let at = 0; at < BUCKETS; at++) {
      seen += this.#buckets[at] ?? 0;
      if (seen >= rank && seen > 0) return Math.min(this.maxMs, SMALLEST_MS * GROWTH ** at);
    }
    return this.maxMs;
  }

  /** NaN when empty. */
  get meanMs(): number {
    return this.#sumMs / this.count;
  }

  /** How many were recorded up to each of the limits (ms), and not up to the one before; the last count is the rest. */
  counts(limitsMs: readonly number[]): number[] {
    const counts = [...limitsMs, Infinity].map(() => 0);
    for (let at = 0; at < BUCKETS; at++) {
      const upTo = SMALLEST_MS * GROWTH ** at;
      const place = limitsMs.findIndex((limit) => upTo <= limit);
      const index = place === -1 ? limitsMs.length : place;
      counts[index] = (counts[index] ?? 0) + (this.#buckets[at] ?? 0);
    }
    return counts;
  }

  reset(): void {
    this.#buckets.fill(0);
    this.count = 0;
    this.maxMs = 0;
    this.#sumMs = 0;
  }
}
