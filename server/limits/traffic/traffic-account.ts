/**
 * Messages and bytes of one user, document, tenant or address. Generic cell rate algorithm: one number for each of the
 * two, the time at which that budget is whole again, so that a charge on the hot path is an addition.
 */
export interface TrafficRate {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** What may be spent at once after a pause: so many milliseconds' worth of the rate. */
const BURST_MS = 10_000;

export class TrafficAccount {
  connections = 0;
  /** Monotonic clock, milliseconds. */
  heldOffUntil = 0;
  #messagesWholeAt = 0;
  #bytesWholeAt = 0;

  /** The rate is shared, not taken apart: there are two accounts for each connection. */
  constructor(readonly rate: TrafficRate) {}

  /** HOT PATH. */
  charge(bytes: number, now: number): void {
    const { messagesPerSecond, bytesPerSecond } = this.rate;
    this.#messagesWholeAt = Math.max(now, this.#messagesWholeAt) + 1_000 / messagesPerSecond;
    this.#bytesWholeAt = Math.max(now, this.#bytesWholeAt) + (bytes * 1_000) / bytesPerSecond;
  }

  /** HOT PATH. For those whom this budget does not slow: what they spend is felt by the others, but makes no debt. */
  chargeWithinBurst(bytes: number, now: number): void {
    const [messages, content] = [this.#messagesWholeAt, this.#bytesWholeAt];
    this.charge(bytes, now);
    const limit = now + BURST_MS;
    if (this.#messagesWholeAt > limit) this.#messagesWholeAt = Math.max(messages, limit);
    if (this.#bytesWholeAt > limit) this.#bytesWholeAt = Math.max(content, limit);
  }

  /** Milliseconds until it is within its burst again; 0 or less when it is. */
  overMs(now: number): number {
    return Math.max(this.#messagesWholeAt, this.#bytesWholeAt) - now - BURST_MS;
  }

  isWhole(now: number): boolean {
    return this.#messagesWholeAt <= now && this.#bytesWholeAt <= now && this.heldOffUntil <= now;
  }
}
