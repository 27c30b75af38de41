import type { Bus } from '../bus.js';
import type { Subscription } from '../document-log.js';
import type { Lease, Leases } from '../leases.js';
import type { RecordStore } from '../record-store.js';

/** One process: a message is delivered after the current turn, as one from another node would be. */
export class EmbeddedBus implements Bus {
  // Not an EventEmitter: a channel may be called "error" or "newListener", which mean something to that.
  readonly #subscribers = new Map<string, Set<{ readonly onMessage: (message: Uint8Array) => void }>>();

  async publish(channel: string, message: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (const { onMessage } of this.#subscribers.get(channel) ?? []) onMessage(message);
  }

  async subscribe(channel: string, onMessage: (message: Uint8Array) => void): Promise<Subscription> {
    const subscribers = this.#subscribers.get(channel) ?? new Set();
    const subscriber = { onMessage };
    this.#subscribers.set(channel, subscribers.add(subscriber));
    return {
      close: async () => {
        subscribers.delete(subscriber);
        if (subscribers.size === 0 && this.#subscribers.get(channel) === subscribers) this.#subscribers.delete(channel);
      },
    };
  }
}

/** One process owns the folder, so leases live in memory; only the fencing token outlives a restart. */
export class EmbeddedLeases implements Leases {
  readonly #held = new Map<string, { fencingToken: number; until: number }>();
  readonly #granting = new Map<string, Promise<unknown>>();

  constructor(private readonly records: RecordStore) {}

  acquire(duty: string, _holder: string, ttlMs: number): Promise<Lease | undefined> {
    const earlier = this.#granting.get(duty) ?? Promise.resolve();
    const granting = earlier.then(() => this.#acquire(duty, ttlMs));
    const settled = granting.catch(() => undefined);
    this.#granting.set(duty, settled);
    void settled.then(() => {
      if (this.#granting.get(duty) === settled) this.#granting.delete(duty);
    });
    return granting;
  }

  async #acquire(duty: string, ttlMs: number): Promise<Lease | undefined> {
    const current = this.#held.get(duty);
    if (current !== undefined && current.until > performance.now()) return undefined;
    const key = ['leases', duty] as const;
    const stored = await this.records.get(key);
    const fencingToken = (stored === undefined ? 0 : Number(Buffer.from(stored.value).toString())) + 1;
    await this.records.put(key, Buffer.from(String(fencingToken)));
    const held = { fencingToken, until: performance.now() + ttlMs };
    this.#held.set(duty, held);
    const isHeld = (): boolean => this.#held.get(duty) === held && held.until > performance.now();
    return {
      duty,
      fencingToken,
      renew: async (ttl) => {
        if (!isHeld()) return false;
        held.until = performance.now() + ttl;
        return true;
      },
      release: async () => {
        if (this.#held.get(duty) === held) this.#held.delete(duty);
      },
    };
  }
}
