import type { StorageHealth } from '../../storage.js';

/** What is wrong at the moment, by the part that noticed it; each part clears what it raised. */
export type Trouble = 'connection' | 'stall' | 'subscriptions' | 'appends' | 'events' | 'writes' | 'log lost';

interface Raised {
  readonly reason: string;
  readonly since: number;
}

export class Health {
  readonly #troubles = new Map<Trouble, Raised>();
  readonly #listeners = new Set<(health: StorageHealth) => void>();
  readonly #pendingBytes: () => number;
  #isClosed = false;

  constructor(pendingBytes: () => number) {
    this.#pendingBytes = pendingBytes;
  }

  get current(): StorageHealth {
    if (this.#isClosed) return { state: 'closed' };
    const raised = [...this.#troubles.values()];
    if (raised.length === 0) return { state: 'ok' };
    return {
      state: 'failing',
      since: Math.min(...raised.map(({ since }) => since)),
      reason: [...new Set(raised.map(({ reason }) => reason))].join('; '),
      pendingBytes: this.#pendingBytes(),
    };
  }

  raise(trouble: Trouble, reason: string): void {
    const before = this.#troubles.get(trouble);
    if (before?.reason === reason) return;
    this.#troubles.set(trouble, { reason, since: before?.since ?? Date.now() });
    this.#tell();
  }

  clear(trouble: Trouble): void {
    if (this.#troubles.delete(trouble)) this.#tell();
  }

  onChange(listener: (health: StorageHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    this.#tell();
    this.#listeners.clear();
  }

  #tell(): void {
    const health = this.current;
    for (const listener of this.#listeners) listener(health);
  }
}
