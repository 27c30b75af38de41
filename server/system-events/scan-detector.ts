/** Who asks for many things that are not there is looking for what it was not given: ids, paths, holes. */

const WINDOW_MS = 60_000;
const MISSES = 40;
const MAX_CALLERS = 5_000;

interface Misses {
  since: number;
  count: number;
}

export class ScanDetector {
  /** In the order in which their windows began. */
  readonly #misses = new Map<string, Misses>();

  /** @param clock Unix time in milliseconds */
  constructor(
    private readonly clock: () => number,
    private readonly threshold = MISSES,
  ) {}

  /** Answers how many misses it was within the window, each time that the threshold is reached; else undefined. */
  miss(caller: string): number | undefined {
    const now = this.clock();
    let misses = this.#misses.get(caller);
    if (misses === undefined || now - misses.since >= WINDOW_MS) {
      this.#misses.delete(caller);
      misses = { since: now, count: 0 };
      this.#misses.set(caller, misses);
      const [oldest] = this.#misses.keys();
      if (this.#misses.size > MAX_CALLERS && oldest !== undefined) this.#misses.delete(oldest);
    }
    misses.count += 1;
    return misses.count % this.threshold === 0 ? misses.count : undefined;
  }
}
