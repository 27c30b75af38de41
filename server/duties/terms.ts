/** One node at a time has a duty: it is held by a lease, and given up the moment that might be lost. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Repeats } from '../observability/repeats.js';
import type { Lease, Leases } from '../storage/leases.js';
import { rest } from './rest.js';

const LEASE_MS = 10_000;
const RENEW_MS = 3_000;
const ACQUIRE_MS = 2_000;
const CLOSE_MS = 5_000;

export interface TermsOptions {
  readonly duty: string;
  readonly node: string;
  readonly leases: Leases;
  readonly logger: Logger;
  /** Ends soon after `signal` is aborted; when it ends or fails before, another term is tried for. */
  run(signal: AbortSignal): Promise<void>;
}

export class Terms {
  readonly #closing = new AbortController();
  readonly #failures = new Repeats();
  #leading: Promise<void> | undefined;

  constructor(private readonly options: TermsOptions) {}

  start(): void {
    this.#leading ??= this.#lead();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    // A store that fails does not hold up the end of the process.
    await Promise.race([this.#leading, pause(CLOSE_MS, undefined, { ref: false })]);
  }

  async #lead(): Promise<void> {
    const { leases, node, duty, logger } = this.options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const lease = await leases.acquire(duty, node, LEASE_MS);
        if (lease !== undefined) await this.#serve(lease);
      } catch (error) {
        const leftOut = this.#failures.leftOut(duty);
        const facts = { err: error, duty, ...(leftOut === undefined || leftOut === 0 ? {} : { repeated: leftOut }) };
        // While the store is away it fails with every try.
        logger[leftOut === undefined ? 'debug' : 'warn'](facts, 'a duty of the cluster is not done; it is tried again');
      }
      await rest(ACQUIRE_MS, signal);
    }
  }

  async #serve(lease: Lease): Promise<void> {
    const term = new AbortController();
    const end = (): void => term.abort();
    this.#closing.signal.addEventListener('abort', end);
    if (this.#closing.signal.aborted) end();
    let heldUntil = performance.now() + LEASE_MS;
    const renew = async (): Promise<void> => {
      const asked = performance.now();
      // Nobody could say any more whether somebody else has begun.
      if (asked < heldUntil && (await lease.renew(LEASE_MS))) heldUntil = asked + LEASE_MS;
      else end();
    };
    const timer = setInterval(() => void renew().catch(end), RENEW_MS);
    timer.unref();
    try {
      await this.options.run(term.signal);
    } finally {
      clearInterval(timer);
      this.#closing.signal.removeEventListener('abort', end);
      end();
      await lease.release();
    }
  }
}
