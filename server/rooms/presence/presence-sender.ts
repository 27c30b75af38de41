/**
 * When a room's presence goes out: at most once in a window to each peer, for all who moved in it. The window grows with
 * what sending costs, so that a crowd's cursors never take more than their share of the event loop.
 */
import { performance } from 'node:perf_hooks';
import type { Delivery } from '../delivery/delivery.js';
import type { Subscriber } from '../delivery/subscriber.js';
import type { RoomNode } from '../room-node.js';
import type { Presence } from './presence.js';
import { PresenceExchange } from './presence-exchange.js';

const WINDOW_MAX_MS = 500;
/** What was left out may have happened before its window ended. Told twice does no harm. */
const STALE_MARGIN_MS = 5_000;
/** Presence may take this share of the event loop: a flush that took n ms is followed by a pause of 10 n. */
const COST_FACTOR = 10;
/** With more people than this, the window grows with their number: 70 ms for 100. Who moves is sent to all. */
const CROWD = 43;

export interface PresenceSenderOwner {
  readonly presence: Presence;
  readonly subscribers: ReadonlySet<Subscriber>;
  readonly delivery: Delivery | undefined;
}

export class PresenceSender {
  #timer: NodeJS.Timeout | undefined;
  #windowMs: number;
  #sentAt = 0;
  #exchange: PresenceExchange | undefined;

  constructor(
    private readonly document: string,
    private readonly node: RoomNode,
    private readonly room: PresenceSenderOwner,
  ) {
    this.#windowMs = node.presencePace.windowMs;
  }

  /** From now on, tells other nodes and hears from them. */
  openExchange(): void {
    const { document } = this;
    const { presence } = this.room;
    const { id, bus, logger } = this.node;
    const onChange = (): void => this.schedule();
    this.#exchange ??= new PresenceExchange({ document, node: id, bus, presence, logger, onChange });
  }

  /** Resolves when other nodes have had the time to say who is with them. Never rejects. */
  async othersKnown(): Promise<void> {
    await this.#exchange?.known();
  }

  /** HOT PATH. Something has changed. */
  schedule(): void {
    if (this.#timer !== undefined) return;
    if (this.room.subscribers.size === 0) {
      this.room.presence.dropChanges();
      this.#exchange?.tell();
      return;
    }
    const wait = this.#sentAt + this.#windowMs - performance.now();
    this.#timer = setTimeout(() => this.#send(), Math.max(1, wait));
  }

  /** The room's document is here, perhaps once more. */
  goOn(): void {
    if (this.room.presence.hasChanges) this.schedule();
  }

  #send(): void {
    this.#timer = undefined;
    const { presence, subscribers, delivery } = this.room;
    // Without a document nothing is sent: it gathers until `goOn`.
    if (!presence.hasChanges || delivery === undefined) return;
    const startedAt = performance.now();
    const frame = presence.takeChanges();
    for (const subscriber of subscribers) this.tell(subscriber, frame);
    this.#exchange?.tell();
    this.#sentAt = performance.now();
    const cost = this.#sentAt - startedAt;
    const crowd = Math.max(1, subscribers.size / CROWD);
    this.#windowMs = Math.min(WINDOW_MAX_MS, Math.max(this.node.presencePace.windowMs * crowd, COST_FACTOR * cost));
  }

  /** HOT PATH. Who has too much waiting is told everything when that has left. */
  tell(subscriber: Subscriber, frame: Buffer): void {
    if (subscriber.presenceStaleSince !== undefined || this.room.delivery?.sendPresence(subscriber, frame) !== false)
      return;
    subscriber.presenceStaleSince = Date.now() - STALE_MARGIN_MS;
    subscriber.peer.onDrained(() => this.catchUp(subscriber));
  }

  /** Does nothing for who misses nothing. */
  catchUp(subscriber: Subscriber): void {
    const { presence, delivery } = this.room;
    const since = subscriber.presenceStaleSince;
    // While the room starts afresh nothing is sent: it calls again.
    if (since === undefined || delivery === undefined) return;
    if (delivery.sendPresence(subscriber, presence.frameSince(since))) subscriber.presenceStaleSince = undefined;
    else subscriber.peer.onDrained(() => this.catchUp(subscriber));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#exchange?.close();
    this.#exchange = undefined;
  }
}
