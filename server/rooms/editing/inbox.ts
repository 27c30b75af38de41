/**
 * What connections have sent since the last tick. What must not be applied is refused here, at the door: what has been
 * taken in is part of its client's stream and is applied.
 */
import * as Y from 'yjs';
import { CLOSE } from '../../protocol/close-codes.js';
import { permissionDeniedFrame } from '../../protocol/messages.js';
import { inspectUpdate, type UpdateSummary } from '../../protocol/update-bounds.js';
import type { Subscriber } from '../delivery/subscriber.js';
import { hasDependencies } from '../document/dependencies.js';
import type { LiveDocument } from '../document/live-document.js';
import { frozenBecause } from '../document/rules.js';
import type { Peer } from '../peer.js';
import { factsOf, type RoomNode } from '../room-node.js';

export interface IncomingUpdate {
  readonly from: Subscriber;
  readonly update: Uint8Array;
  /** How many it holds, and which, by client. */
  readonly structs: number;
  readonly ranges: UpdateSummary['ranges'];
  /** The answer to our step 1: no echo is owed when it brings nothing new. */
  readonly isReply: boolean;
}

export interface InboxOwner {
  readonly live: LiveDocument | undefined;
  /** Rules judge what is applied by the rights of one writer: nothing of theirs may be left pending. */
  readonly hasRules: boolean;
  /** Applies what waits. */
  tick(): void;
}

export class Inbox {
  /**
   * Undefined while nothing waits. An empty array that a quiet room keeps is promoted by V8, and holds what it is filled with later
   * through one more collection: every edit would be copied twice.
   */
  #updates: IncomingUpdate[] | undefined;
  #bytes = 0;

  constructor(
    private readonly document: string,
    private readonly node: RoomNode,
    private readonly owner: InboxOwner,
  ) {}

  get isEmpty(): boolean {
    return this.#updates === undefined;
  }

  /** Everything that waits, which then does not wait any more. */
  take(): readonly IncomingUpdate[] {
    const updates = this.#updates;
    this.clear();
    return updates ?? [];
  }

  clear(): void {
    this.#updates = undefined;
    this.#bytes = 0;
  }

  /** In front of what has come since. */
  putBack(updates: readonly IncomingUpdate[]): void {
    const since = this.take();
    for (const item of updates) this.add(item);
    for (const item of since) this.add(item);
  }

  /**
   * After the document was loaded: leaves out what cannot follow, and what would have been refused at the door had the document
   * been there. Who stayed sends it again, with the rest, and is told.
   */
  sift(): void {
    for (const item of this.take()) {
      const { from, update } = item;
      if (this.#deniedBecause(from.peer) !== undefined || !this.fits(update.length)) continue;
      if (!this.#isComplete(from.peer, update)) continue;
      this.add(item);
    }
  }

  /** Of what was looked at before. */
  add(item: IncomingUpdate): void {
    this.#updates ??= [];
    this.#updates.push(item);
    this.#bytes += item.update.length;
  }

  /**
   * HOT PATH. Queues an update of a client, or refuses it. True when it was queued.
   * @throws MalformedError
   */
  receive(from: Subscriber, update: Uint8Array, isReply: boolean): boolean {
    const summary = inspectUpdate(update);
    if (summary.ranges.length === 0 && !summary.hasDeletes) return false;
    const denied = this.#deniedBecause(from.peer);
    if (denied !== undefined) {
      this.#deny(from, summary, isReply, denied);
      return false;
    }
    if (!this.#hasRoom(from.peer, update) || !this.#canFollow(from.peer, update)) return false;
    this.add({ from, update, structs: summary.structs, ranges: summary.ranges, isReply });
    return true;
  }

  #deniedBecause(peer: Peer): string | undefined {
    if (!peer.mayWrite) return `${peer.role} may not edit this document`;
    const { hasRules, live } = this.owner;
    return hasRules && live !== undefined ? frozenBecause(this.document, live.doc) : undefined;
  }

  /** Stock clients answer step 1 with all they have, whatever their rights: silence, unless it holds something new. */
  #deny(from: Subscriber, { ranges, hasDeletes }: UpdateSummary, isReply: boolean, reason: string): void {
    const store = this.owner.live?.doc.store;
    // What is new cannot be told before the document is here: it comes again, as the answer to our step 1.
    if (store === undefined) return;
    const isNew =
      (hasDeletes && !isReply) || ranges.some((range) => range.clock + range.length > Y.getState(store, range.client));
    if (!isNew) return;
    this.node.counters.errors('forbidden_write', factsOf(from.peer, this.document));
    if (from.wasToldReadOnly) return;
    from.wasToldReadOnly = true;
    from.peer.write(permissionDeniedFrame(reason));
  }

  #hasRoom(peer: Peer, update: Uint8Array): boolean {
    if (this.node.backlog.isFull) {
      peer.close(CLOSE.overloaded, 'the store is not keeping up');
      return false;
    }
    if (this.fits(update.length)) return true;
    peer.close(CLOSE.tooLarge, `the document would grow over ${this.node.maxDocumentBytes} bytes`);
    return false;
  }

  /** True when the document, with what waits and so many bytes more, keeps within its bounds. */
  fits(bytes: number): boolean {
    const { live } = this.owner;
    const max = this.node.maxDocumentBytes;
    const more = this.#bytes + bytes;
    if (live === undefined) return more <= max;
    return live.encodedBytes + more <= max || live.measure() + more <= max;
  }

  /** Where rules judge by the writer, an update must not wait in Yjs for others: it would be judged as somebody else's. */
  #canFollow(peer: Peer, update: Uint8Array): boolean {
    if (this.#isComplete(peer, update)) return true;
    peer.close(CLOSE.irreconcilable, 'updates are missing in between: start afresh');
    return false;
  }

  #isComplete(peer: Peer, update: Uint8Array): boolean {
    if (!this.owner.hasRules || isUnlimited(peer)) return true;
    // What it builds on may be waiting for the tick.
    this.owner.tick();
    const { live } = this.owner;
    return live === undefined || hasDependencies(live.doc, update);
  }
}

/** May change everything in the document, so that it does not matter with whose update a pending one is applied. */
function isUnlimited({ role, scope }: Peer): boolean {
  const isEditor = role === 'admin' || role === 'owner' || role === 'editor';
  return isEditor && scope.paths === undefined && scope.languages === undefined;
}
