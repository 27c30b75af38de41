/** When something that repeats is to be told in the log: at first, and then once a minute with how often it was. */
import { LRUCache } from 'lru-cache';

const EVERY_MS = 60_000;
const KEYS = 1_000;

export class Repeats {
  readonly #known = new LRUCache<string, { toldAt: number; since: number }>({ max: KEYS });

  constructor(
    private readonly everyMs = EVERY_MS,
    /** Milliseconds from any start. */
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** To be called whenever it happens. Undefined: not to be told now; else how often it was left out since it was told. */
  leftOut(key: string): number | undefined {
    const now = this.clock();
    const known = this.#known.get(key);
    if (known !== undefined && now - known.toldAt < this.everyMs) {
      known.since += 1;
      return undefined;
    }
    this.#known.set(key, { toldAt: now, since: 0 });
    return known?.since ?? 0;
  }
}
