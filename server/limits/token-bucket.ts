import type { MonotonicClock } from './clock.js';

export interface TokenBucketOptions {
  /** Tokens that may be taken at once after a pause. */
  readonly capacity: number;
  readonly refillPerSecond: number;
  readonly now: MonotonicClock;
}

/** Lets `refillPerSecond` things happen per second, and up to `capacity` at once. Starts full. */
export class TokenBucket {
  #capacity: number;
  #perMs: number;
  #tokens: number;
  #at: number;
  readonly #now: MonotonicClock;

  constructor({ capacity, refillPerSecond, now }: TokenBucketOptions) {
    this.#capacity = capacity;
    this.#perMs = refillPerSecond / 1_000;
    this.#tokens = capacity;
    this.#now = now;
    this.#at = now();
  }

  /** Takes `count` tokens, or none when there are fewer. */
  take(count = 1): boolean {
    this.#refill();
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Milliseconds until `count` tokens are there; Infinity when the bucket can never hold as many. */
  waitMs(count = 1): number {
    this.#refill();
    const missing = count - this.#tokens;
    if (missing <= 0) return 0;
    return count > this.#capacity || this.#perMs === 0 ? Infinity : missing / this.#perMs;
  }

  resize(capacity: number, refillPerSecond: number): void {
    this.#refill();
    this.#capacity = capacity;
    this.#perMs = refillPerSecond / 1_000;
    this.#tokens = Math.min(this.#tokens, capacity);
  }

  #refill(): void {
    const now = this.#now();
    // A sum of many small refills may end a hair below a whole token: what is lost to rounding is given.
    this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#at) * this.#perMs + ROUNDING);
    this.#at = now;
  }
}

const ROUNDING = 1e-9;
