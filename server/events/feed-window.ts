/** The youngest events in memory, so that any number of listeners costs one read of the log. */
import type { FeedEvent } from './event.js';

export class FeedWindow {
  #events: FeedEvent[] = [];
  /** Every event after this id is here. */
  #from: string;

  /** @param head the last id of the log: the window begins after it */
  constructor(
    head: string,
    private readonly capacity: number,
  ) {
    this.#from = head;
  }

  /** The last event that is known. */
  get head(): string {
    return this.#events.at(-1)?.id ?? this.#from;
  }

  /** In the order of the log, all after `head`. */
  push(events: readonly FeedEvent[]): void {
    this.#events.push(...events);
    // In steps, so that an event does not cost a copy of the window.
    if (this.#events.length <= this.capacity * 1.25) return;
    const left = this.#events.splice(0, this.#events.length - this.capacity);
    this.#from = left.at(-1)?.id ?? this.#from;
  }

  /** Undefined when the window no longer reaches back to `id`. */
  after(id: string, limit: number): readonly FeedEvent[] | undefined {
    if (id < this.#from) return undefined;
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const event = this.#events[middle];
      if (event !== undefined && event.id <= id) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low, low + limit);
  }
}
