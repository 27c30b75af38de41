/** Rooms that nobody is in, on their way out of memory: the oldest first, sooner when memory is over its budget. */
import type { Compactor } from './compactor.js';
import type { Room } from '../room.js';

const SWEEP_MS = 1_000;
const FAILED_RETRY_MS = 5_000;

export interface IdleRoomsOptions {
  /** How long a document without connections stays in memory. */
  readonly unloadMs: number;
  /** Memory that hydrated documents may take (estimated). */
  readonly budgetBytes: number;
  /** What they take now. */
  readonly hydratedBytes: () => number;
  readonly compactor: Compactor;
}

export class IdleRooms {
  /** In the order in which they became idle, so that the sweep looks at the oldest alone. */
  readonly #rooms = new Set<Room>();
  readonly #timer: NodeJS.Timeout;
  #isSweeping = false;

  constructor(private readonly options: IdleRoomsOptions) {
    this.#timer = setInterval(() => void this.#sweep(), SWEEP_MS);
    this.#timer.unref();
  }

  /** To be told of each change of a room's state. */
  note(room: Room): void {
    this.#rooms.delete(room);
    if (room.state === 'idle' || room.state === 'failed') this.#rooms.add(room);
  }

  async #sweep(): Promise<void> {
    if (this.#isSweeping || this.#rooms.size === 0) return;
    this.#isSweeping = true;
    const { unloadMs, budgetBytes, hydratedBytes, compactor } = this.options;
    try {
      const now = Date.now();
      let excess = hydratedBytes() - budgetBytes;
      for (const room of [...this.#rooms]) {
        const age = now - room.stateSince;
        if (room.state === 'failed') {
          if (age >= FAILED_RETRY_MS) room.forget();
        } else if (room.state !== 'idle') {
          this.#rooms.delete(room);
        } else if (excess > 0 || age >= unloadMs) {
          excess -= room.live?.hydratedBytes ?? 0;
          await room.unload((leaving) => compactor.beforeParting(leaving));
        }
      }
    } finally {
      this.#isSweeping = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#rooms.clear();
  }
}
