import { randomUUID } from 'node:crypto';
import { StorageUnavailableError } from '../errors.js';
import type { Lease, Leases } from '../leases.js';
import type { CommandPipeline } from './connection/command-pipeline.js';
import { Retrier, type RetryContext } from './connection/retry.js';
import { loadScript } from './connection/script.js';
import type { Keys } from './keys.js';

export interface LeasesParts {
  readonly writes: CommandPipeline;
  readonly keys: Keys;
  readonly retry: RetryContext;
  /** How long a request is tried, in milliseconds. */
  readonly deadlineMs: number;
}

/**
 * One key per duty that expires with the lease, and a counter for the fencing tokens. A lease is a hint, not a proof: a
 * failover may grant it twice. What must not happen twice compares fencing tokens.
 */
export class RedisLeases implements Leases {
  readonly #parts: LeasesParts;
  readonly #retrier: Retrier;
  readonly #acquire = loadScript('acquire-lease-2');
  readonly #renew = loadScript('renew-lease-1');

  constructor(parts: LeasesParts) {
    this.#parts = parts;
    this.#retrier = new Retrier(parts.retry, undefined);
  }

  async acquire(duty: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    const { lease, fence } = this.#parts.keys.lease(duty);
    const grant = `${holder}/${randomUUID()}`;
    const ttl = Math.max(1, Math.trunc(ttlMs));
    const reply = await this.#run(() => this.#parts.writes.script(this.#acquire, [lease, fence], grant, ttl));
    const fencingToken = Number(reply);
    if (fencingToken === 0) return undefined;
    return {
      duty,
      fencingToken,
      renew: (renewedTtlMs) => this.#prolong(lease, grant, Math.max(1, Math.trunc(renewedTtlMs))),
      release: async () => {
        await this.#run(() => this.#parts.writes.script(this.#renew, [lease], grant, 0));
      },
    };
  }

  /** False also while Redis can't be asked: who doesn't know whether it holds a lease doesn't hold it. */
  async #prolong(lease: string, grant: string, ttlMs: number): Promise<boolean> {
    try {
      return (await this.#run(() => this.#parts.writes.script(this.#renew, [lease], grant, ttlMs))) === 1;
    } catch (error) {
      if (error instanceof StorageUnavailableError) return false;
      throw error;
    }
  }

  #run(operation: () => Promise<unknown>): Promise<unknown> {
    return this.#retrier.run(operation, this.#parts.deadlineMs);
  }
}
