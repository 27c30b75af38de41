import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** How late the event loop comes to its work, in milliseconds. */
export interface EventLoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;
const NS_PER_MS = 1e6;

/**
 * Delay of the event loop over the last full window of 10 s (at first: since the start), so that several readers at
 * different times see the same figures. Does not keep the process alive.
 */
export class EventLoopMonitor {
  readonly #histogram: IntervalHistogram;
  readonly #timer: NodeJS.Timeout;
  #last: EventLoopDelay | undefined;

  /** @param windowMs for tests that cannot wait */
  constructor(windowMs = WINDOW_MS) {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#last = this.#now();
      this.#histogram.reset();
    }, windowMs);
    this.#timer.unref();
  }

  read(): EventLoopDelay {
    return this.#last ?? this.#now();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #now(): EventLoopDelay {
    const histogram = this.#histogram;
    if (histogram.count === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    return {
      p50Ms: delayMs(histogram.percentile(50)),
      p99Ms: delayMs(histogram.percentile(99)),
      maxMs: delayMs(histogram.max),
    };
  }
}

/** What is measured includes the interval that the measurement itself waits. */
function delayMs(ns: number): number {
  return Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
}
