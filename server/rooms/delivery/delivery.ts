/**
 * HOT PATH. Writes frames to subscribers within their byte budgets.
 *
 * Past its budget a connection's frames are dropped and it is resynced by state vector: memory stays bounded,
 * nothing is lost.
 */
import { CLOSE } from '../../protocol/close-codes.js';
import type { LiveDocument, StateVector } from '../document/live-document.js';
import type { Subscriber } from './subscriber.js';

/** Bytes that may wait in one connection's socket. */
const CONNECTION_BUDGET_BYTES = 4 * 1024 * 1024;
/** While a large state streams: enough to keep the line busy, little enough to keep memory flat. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
/** Above this, presence waits: document updates come first. */
const PRESENCE_LAG_BYTES = 64 * 1024;

export interface DeliveryCounters {
  messages: number;
  bytes: number;
  resyncs: number;
  presenceSkips: number;
}

export class Delivery {
  #isOver = false;

  constructor(
    private readonly live: LiveDocument,
    private readonly counters: DeliveryCounters,
  ) {}

  /** One or more whole frames that hold everything between `before` and now. */
  send(subscriber: Subscriber, frames: Buffer, before: StateVector): void {
    if (subscriber.delivery.mode === 'behind') return;
    const { peer } = subscriber;
    if (peer.lagBytes() > CONNECTION_BUDGET_BYTES) {
      this.counters.resyncs += 1;
      this.#fallBehind(subscriber, [], subscriber.unsavedSince ?? before, -1);
      return;
    }
    peer.write(frames);
    this.counters.messages += 1;
    this.counters.bytes += frames.length;
  }

  /** The room starts afresh: nothing of this document goes out any more but what is on its way to the log. */
  end(): void {
    this.#isOver = true;
  }

  /** The room is about to start afresh: what a subscriber is owed since `known` the next document tells. */
  owe(subscriber: Subscriber, known: StateVector): void {
    if (subscriber.delivery.mode === 'current')
      subscriber.delivery = { mode: 'behind', known, version: -1, frames: [], next: 0 };
  }

  /** After the room has started afresh: what a subscriber lacks of the old document is told from this one. */
  adopt(subscriber: Subscriber): void {
    subscriber.hasPending = false;
    subscriber.awaitsDrain = false;
    const { delivery } = subscriber;
    if (delivery.mode === 'behind')
      this.#fallBehind(subscriber, delivery.frames.slice(delivery.next), delivery.known, -1);
  }

  /** The answer to a state vector; streams when it is more than the budget. */
  sendJoin(subscriber: Subscriber, stateVector: Uint8Array): { readonly wasCached: boolean } {
    const { peer } = subscriber;
    const { frames, wasCached } = this.live.joinFrames(stateVector, peer.takesDeflated);
    const lag = peer.lagBytes();
    let bytes = lag;
    for (const frame of frames) bytes += frame.length;
    // Who asks again and again and reads nothing gets no more than one answer.
    if (bytes > STREAM_WINDOW_BYTES && (frames.length > 1 || lag > STREAM_WINDOW_BYTES)) {
      // Own updates on their way to the log are owed an echo: the difference afterwards has to hold them.
      const since = subscriber.unsavedSince;
      if (since === undefined) this.#fallBehind(subscriber, frames, this.#now(), this.live.version);
      else this.#fallBehind(subscriber, frames, since, -1);
    } else {
      for (const frame of frames) this.#write(subscriber, frame);
    }
    return { wasCached };
  }

  /** False when too much waits already. */
  sendPresence(subscriber: Subscriber, frame: Buffer): boolean {
    if (subscriber.peer.lagBytes() > PRESENCE_LAG_BYTES) {
      this.counters.presenceSkips += 1;
      return false;
    }
    this.#write(subscriber, frame);
    return true;
  }

  /** An echo of its own that nothing else holds. It can't be left out, and whoever doesn't read can't have more of them. */
  sendRepeat({ peer }: Subscriber, frame: Buffer): void {
    if (peer.lagBytes() > CONNECTION_BUDGET_BYTES) peer.close(CLOSE.overloaded, 'what was sent is not read');
    else peer.write(frame);
  }

  /** To be called when a subscriber's own updates have become durable: a resync may have waited for that. */
  resume(subscriber: Subscriber): void {
    if (subscriber.delivery.mode === 'behind' && !subscriber.awaitsDrain) this.#pump(subscriber);
  }

  #write(subscriber: Subscriber, frame: Buffer): void {
    subscriber.peer.write(frame);
    this.counters.messages += 1;
    this.counters.bytes += frame.length;
  }

  #now(): StateVector {
    const known = new Map<number, number>();
    for (const [client, structs] of this.live.doc.store.clients) {
      const last = structs[structs.length - 1];
      if (last !== undefined) known.set(client, last.id.clock + last.length);
    }
    return known;
  }

  #fallBehind(subscriber: Subscriber, frames: readonly Buffer[], known: StateVector, version: number): void {
    subscriber.delivery = { mode: 'behind', known, version, frames, next: 0 };
    this.#pump(subscriber);
  }

  #pump(subscriber: Subscriber): void {
    const { delivery, peer } = subscriber;
    if (this.#isOver || delivery.mode !== 'behind' || !peer.isOpen) return;
    let frame = delivery.frames[delivery.next];
    while (frame !== undefined && peer.lagBytes() < STREAM_WINDOW_BYTES) {
      this.#write(subscriber, frame);
      delivery.next += 1;
      frame = delivery.frames[delivery.next];
    }
    if (frame !== undefined || peer.lagBytes() > PRESENCE_LAG_BYTES) {
      if (subscriber.awaitsDrain) return;
      subscriber.awaitsDrain = true;
      peer.onDrained(() => {
        if (this.#isOver) return;
        subscriber.awaitsDrain = false;
        this.#pump(subscriber);
      });
      return;
    }
    // An echo means saved: own updates that are not yet durable must not slip out with the difference.
    if (subscriber.unsaved > 0) return;
    if (delivery.version === this.live.version) subscriber.delivery = { mode: 'current' };
    else this.#catchUp(subscriber, delivery.known);
  }

  #catchUp(subscriber: Subscriber, known: StateVector): void {
    const frames = this.live.differenceSince(known);
    subscriber.delivery = { mode: 'current' };
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    if (bytes > STREAM_WINDOW_BYTES && frames.length > 1) {
      this.#fallBehind(subscriber, frames, this.#now(), this.live.version);
      return;
    }
    for (const frame of frames) this.#write(subscriber, frame);
  }
}
