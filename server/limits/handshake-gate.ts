/**
 * Spreads handshakes. After a restart all clients return at once, and stock ones without jitter: a handshake waits for
 * its token in a bounded queue; whoever would wait too long is told when to come back.
 */
import { TokenBucket } from './token-bucket.js';
import type { MonotonicClock } from './clock.js';

export interface HandshakeGateOptions {
  readonly now: MonotonicClock;
  /** 500 handshakes per second leave more than half of a core to documents (some 0.5 ms each). */
  readonly perSecond?: number;
  readonly burst?: number;
  /** Longest wait for a turn. */
  readonly maxWaitMs?: number;
  /** 0 to 1, for the jitter of `retryAfterSeconds`. */
  readonly random?: () => number;
}

export interface Turn {
  readonly mayGoOn: boolean;
  /** How long to stay away, 0 when `mayGoOn`; differs from caller to caller. */
  readonly retryAfterSeconds: number;
}

const GO: Turn = { mayGoOn: true, retryAfterSeconds: 0 };
const MAX_RETRY_SECONDS = 30;

export class HandshakeGate {
  readonly #bucket: TokenBucket;
  readonly #maxWaiting: number;
  readonly #maxWaitMs: number;
  readonly #random: () => number;
  #waiting: ((turn: Turn) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #refusedInARow = 0;
  #isClosed = false;

  constructor({ now, perSecond = 500, burst = 200, maxWaitMs = 4_000, random = Math.random }: HandshakeGateOptions) {
    this.#bucket = new TokenBucket({ capacity: burst, refillPerSecond: perSecond, now });
    this.#maxWaiting = Math.floor((perSecond * maxWaitMs) / 1_000);
    this.#maxWaitMs = maxWaitMs;
    this.#random = random;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves in the order of the calls. */
  async awaitTurn(): Promise<Turn> {
    if (this.#isClosed) return this.#refusal();
    if (this.#waiting.length === 0 && this.#bucket.take()) {
      this.#refusedInARow = 0;
      return GO;
    }
    if (this.#waiting.length >= this.#maxWaiting) return this.#refusal();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  /** Refuses everyone who waits. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const resolve of this.#waiting.splice(0)) resolve(this.#refusal());
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#letIn();
    }, Math.ceil(this.#bucket.waitMs()));
  }

  #letIn(): void {
    let count = 0;
    while (count < this.#waiting.length && this.#bucket.take()) count += 1;
    if (count > 0) this.#refusedInARow = 0;
    for (const resolve of this.#waiting.splice(0, count)) resolve(GO);
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** The more were refused since the last admission, the wider the others are spread. */
  #refusal(): Turn {
    this.#refusedInARow += 1;
    const spread = Math.min(
      MAX_RETRY_SECONDS,
      this.#maxWaitMs / 1_000 + (this.#refusedInARow / (this.#maxWaiting + 1)) * 4,
    );
    return { mayGoOn: false, retryAfterSeconds: Math.max(1, Math.ceil(this.#random() * spread)) };
  }
}
