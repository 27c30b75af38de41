import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** In milliseconds; null when nothing happened in the window. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const WINDOW_MS = 10_000;
const HIGHEST_US = 3_600_000_000;

/**
 * HOT PATH: one `record` per edit. Latencies over the last full window of 10 s, or over the one that runs when nothing
 * happened in the last. Does not keep the process alive.
 */
export class LatencyWindow {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: HIGHEST_US, figures: 2 });
  readonly #timer: NodeJS.Timeout;
  #last: Latency | null = null;

  /** @param windowMs for tests that cannot wait */
  constructor(windowMs = WINDOW_MS) {
    this.#timer = setInterval(() => {
      this.#last = this.#now();
      this.#histogram.reset();
    }, windowMs);
    this.#timer.unref();
  }

  record(ms: number): void {
    this.#histogram.record(Math.min(HIGHEST_US, Math.max(1, Math.round(ms * 1_000))));
  }

  read(): Latency | null {
    return this.#last ?? this.#now();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #now(): Latency | null {
    const { count } = this.#histogram;
    if (count === 0) return null;
    return { p50Ms: this.#histogram.percentile(50) / 1_000, p99Ms: this.#histogram.percentile(99) / 1_000 };
  }
}
