/**
 * Spreads handshakes. After a restart all clients return at once, and stock ones without jitter: a handshake waits for
 * its token in a bounded queue; whoever would wait too long is told when to come back.
 *
 * Turns go round among the addresses that wait, and in a full queue the address with the most waiting gives way: a flood
 * from one address takes no turn from the others, and an office behind one address has all turns while nobody else
 * wants them. Whoever went away meanwhile takes neither a turn nor a place from those who wait.
 */
import { addressKey } from '../client-address.js';
import { Fifo } from '../outbound/fifo.js';
import { TokenBucket } from '../token-bucket.js';
import type { MonotonicClock } from '../clock.js';

export interface HandshakeGateOptions {
  readonly now: MonotonicClock;
  /** 1,000 handshakes per second leave more than half of a core to documents (0.25 to 0.4 ms each). */
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

interface Waiting {
  readonly answer: (turn: Turn) => void;
  readonly isGone: () => boolean;
}

const GO: Turn = { mayGoOn: true, retryAfterSeconds: 0 };
/** For nobody. */
const GONE: Turn = { mayGoOn: false, retryAfterSeconds: 1 };
const MAX_RETRY_SECONDS = 30;
/** Who waits goes in groups, so that their handshakes share event-loop turns: half of what a small frame costs is its turn. */
const GATHER_MS = 16;

export class HandshakeGate {
  readonly #bucket: TokenBucket;
  readonly #maxWaiting: number;
  readonly #maxWaitMs: number;
  readonly #gatherMs: number;
  readonly #random: () => number;
  /** By address, in the order of their next turn. */
  readonly #waiting = new Map<string, Fifo<Waiting>>();
  #count = 0;
  readonly #now: MonotonicClock;
  #sweptAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #refusedInARow = 0;
  #isClosed = false;

  constructor({ now, perSecond = 1_000, burst = 200, maxWaitMs = 4_000, random = Math.random }: HandshakeGateOptions) {
    this.#now = now;
    this.#bucket = new TokenBucket({ capacity: burst, refillPerSecond: perSecond, now });
    this.#maxWaiting = Math.floor((perSecond * maxWaitMs) / 1_000);
    this.#maxWaitMs = maxWaitMs;
    // Not longer than it takes to fill the bucket: what runs over is lost.
    this.#gatherMs = Math.min(GATHER_MS, (burst / perSecond) * 1_000);
    this.#random = random;
  }

  get waiting(): number {
    return this.#count;
  }

  /**
   * Resolves in the order of the calls of one address. IPv6 addresses count by their /64.
   * @param isGone asked when it is its turn, and when there is no place for others
   */
  async awaitTurn(address = '', isGone = (): boolean => false): Promise<Turn> {
    if (this.#isClosed) return this.#refusal();
    if (this.#count === 0 && this.#bucket.take()) {
      this.#refusedInARow = 0;
      return GO;
    }
    const key = addressKey(address);
    if (this.#count >= this.#maxWaiting) this.#sweep();
    if (this.#count >= this.#maxWaiting && !this.#makeRoomFor(key)) return this.#refusal();
    return new Promise((answer) => {
      this.#add(key, { answer, isGone });
      this.#schedule();
    });
  }

  /** Refuses everyone who waits. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.answer(this.#refusal());
  }

  /** Refuses one of the address that has most waiting; false when that is the newcomer's own. */
  #makeRoomFor(key: string): boolean {
    // Everyone has one.
    if (this.#waiting.size === this.#count) return false;
    let [largest, size] = [key, (this.#waiting.get(key)?.size ?? 0) + 1];
    for (const [other, { size: waiting }] of this.#waiting) if (waiting > size) [largest, size] = [other, waiting];
    if (largest === key) return false;
    this.#take(largest)?.answer(this.#refusal());
    return true;
  }

  /** Not for every newcomer of a flood: it looks at all. */
  #sweep(): void {
    const now = this.#now();
    if (now - this.#sweptAt < this.#gatherMs) return;
    this.#sweptAt = now;
    for (const [key, { size }] of [...this.#waiting]) {
      for (let left = size; left > 0; left -= 1) {
        const waiting = this.#take(key);
        if (waiting?.isGone() === true) waiting.answer(GONE);
        else if (waiting !== undefined) this.#add(key, waiting);
      }
    }
  }

  /** One of the address whose turn it is, who is still there. */
  #next(): Waiting | undefined {
    for (const [key] of this.#waiting) {
      const waiting = this.#take(key);
      if (waiting?.isGone() !== true) return waiting;
      waiting.answer(GONE);
    }
    return undefined;
  }

  #add(key: string, waiting: Waiting): void {
    const own = this.#waiting.get(key) ?? new Fifo<Waiting>();
    this.#waiting.set(key, own);
    own.push(waiting);
    this.#count += 1;
  }

  /** The longest waiting of the address, which then goes to the end of the round. */
  #take(key: string): Waiting | undefined {
    const own = this.#waiting.get(key);
    const taken = own?.shift();
    if (own === undefined || taken === undefined) return undefined;
    this.#count -= 1;
    this.#waiting.delete(key);
    if (own.size > 0) this.#waiting.set(key, own);
    return taken;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#letIn();
      },
      Math.ceil(Math.max(this.#bucket.waitMs(), this.#gatherMs)),
    );
  }

  #letIn(): void {
    while (this.#count > 0 && this.#bucket.waitMs() === 0) {
      const next = this.#next();
      if (next === undefined) break;
      this.#bucket.take();
      this.#refusedInARow = 0;
      next.answer(GO);
    }
    if (this.#count > 0) this.#schedule();
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
