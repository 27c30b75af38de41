/**
 * A document's live presence on this node: who is connected, and what becomes of it. States and transitions are in
 * `life-cycle.ts`, its loading in `hydration.ts`, edits on their way in `editing/`, what goes out in `delivery/` and
 * `presence/`.
 */
import type * as Y from 'yjs';
import { CLOSE } from '../protocol/close-codes.js';
import { MalformedError, readMessages } from '../protocol/incoming.js';
import { extraFrame, syncStep1Frame } from '../protocol/messages.js';
import type { Attribution, NewUpdate, Position } from '../storage/document-log.js';
import { DocumentCorruptedError, DocumentErasedError, DocumentExistsError } from '../storage/errors.js';
import type { Delivery } from './delivery/delivery.js';
import type { Publisher } from './delivery/publisher.js';
import { Subscriber } from './delivery/subscriber.js';
import type { LiveDocument } from './document/live-document.js';
import { Edits, type ChangeOptions, type EditsOwner } from './editing/edits.js';
import { Journal, type JournalOwner } from './editing/journal.js';
import { Hydration, type HydrationOwner } from './hydration.js';
import { next, type RoomEvent, type RoomStateName } from './life-cycle.js';
import type { Peer } from './peer.js';
import { Presence } from './presence/presence.js';
import { PresenceSender } from './presence/presence-sender.js';
import { factsOf, type RoomNode } from './room-node.js';
import { MessageHandler } from './message-handler.js';

export class Room implements EditsOwner, JournalOwner, HydrationOwner {
  state: RoomStateName = 'loading';
  /** When it became idle or failed, for the sweep. */
  stateSince = Date.now();
  /** Why the stored content cannot be read; undefined when it can. */
  damage: string | undefined;
  readonly subscribers = new Set<Subscriber>();
  readonly presence: Presence;
  readonly journal: Journal;

  readonly edits: Edits;
  readonly presenceSender: PresenceSender;
  readonly #hydration: Hydration;

  constructor(
    readonly name: string,
    private readonly node: RoomNode,
  ) {
    this.presence = new Presence(node.log.isShared);
    this.journal = new Journal(name, node, this);
    this.edits = new Edits(name, node, this);
    this.presenceSender = new PresenceSender(name, node, this);
    this.#hydration = new Hydration(name, node, this);
  }

  get live(): LiveDocument | undefined {
    return this.#hydration.live;
  }

  get delivery(): Delivery | undefined {
    return this.#hydration.delivery;
  }

  get publisher(): Publisher | undefined {
    return this.#hydration.publisher;
  }

  hasWork(): boolean {
    return this.edits.areWaiting || this.journal.isAppending;
  }

  /** @throws DocumentErasedError, DocumentCorruptedError, DocumentUnavailableError */
  ready(): Promise<LiveDocument> {
    return this.#hydration.ready();
  }

  #transition(event: RoomEvent): void {
    this.state = next(this.state, event);
    this.stateSince = Date.now();
  }

  // ── loading ─────────────────────────────────────────────────────────────────────────────────────────────

  onLoaded(): void {
    this.#transition('loaded');
    if (this.node.log.isShared) this.presenceSender.openExchange();
    for (const subscriber of this.subscribers) {
      this.delivery?.adopt(subscriber);
      this.#greet(subscriber);
      this.#answer(subscriber);
      this.presenceSender.catchUp(subscriber);
    }
    this.presenceSender.goOn();
    this.#hydration.tellRest();
    this.edits.goOn();
    this.onContent();
    if (this.subscribers.size === 0) this.#transition('last left');
    this.node.onStateChange(this);
  }

  onLoadFailed(error: unknown): void {
    const isErased = error instanceof DocumentErasedError;
    this.#transition(isErased ? 'erase' : 'load failed');
    this.edits.clear();
    if (error instanceof DocumentCorruptedError) this.damage = error.detail;
    this.closeAll(
      isErased ? CLOSE.deleted : CLOSE.overloaded,
      isErased ? 'the document was deleted' : 'the document cannot be loaded now',
    );
    this.node.onStateChange(this);
  }

  onFellBehind(): void {
    this.reload();
  }

  /** What memory holds is not what is stored: starts again from the log. */
  reload(): void {
    if (this.state === 'deleted' || this.state === 'absent') return;
    // Refusals come in rows: the load waits for all of them.
    if (this.state === 'loading' && this.live === undefined) return;
    this.#transition('reload');
    for (const { peer } of this.subscribers) if (peer.isOpen) peer.pause();
    this.#hydration.restart();
  }

  // ── connections ─────────────────────────────────────────────────────────────────────────────────────────

  /** The caller has checked the right to read. */
  join(peer: Peer): Subscriber {
    const subscriber: Subscriber = new Subscriber(peer);
    subscriber.handler = new MessageHandler(subscriber, this, this.node.counters);
    if (this.state === 'failed' || this.state === 'deleted') {
      const isDeleted = this.state === 'deleted';
      peer.close(isDeleted ? CLOSE.deleted : CLOSE.overloaded, isDeleted ? 'the document was deleted' : 'try later');
      return subscriber;
    }
    this.#transition('join');
    this.subscribers.add(subscriber);
    if (this.state === 'loading') {
      peer.pause();
    } else {
      this.#greet(subscriber);
      if (this.subscribers.size === 1) this.onContent();
    }
    return subscriber;
  }

  #greet({ peer }: Subscriber): void {
    if (this.live === undefined || !peer.isOpen) return;
    peer.write(syncStep1Frame(this.live.stateVector()));
    const presence = this.presence.wholeFrame();
    if (presence !== undefined) peer.write(presence);
    if (peer.wantsExtras) this.#hello(peer);
    peer.resume();
  }

  #hello(peer: Peer): void {
    peer.write(extraFrame({ type: 'hello', epoch: this.journal.epoch ?? null, role: peer.role }));
  }

  #answer(subscriber: Subscriber): void {
    const { unanswered, handler } = subscriber;
    subscriber.unanswered = undefined;
    for (const stateVector of unanswered ?? []) handler?.onSyncStep1(stateVector);
  }

  leave(subscriber: Subscriber): void {
    if (!this.subscribers.delete(subscriber)) return;
    if (this.presence.removePeer(subscriber.peer, Date.now())) this.presenceSender.schedule();
    if (this.subscribers.size === 0 && (this.state === 'live' || this.state === 'loading')) {
      this.#transition('last left');
      this.node.onStateChange(this);
    }
  }

  closeAll(code: number, reason: string): void {
    for (const subscriber of [...this.subscribers]) subscriber.peer.close(code, reason);
  }

  /**
   * HOT PATH. One frame of a client. Closes the connection when it is malformed. While the room loads nobody is read, but what
   * had been read before goes on arriving for a moment: it is taken in, and handled when the document is here.
   */
  receive({ peer, handler }: Subscriber, frame: Uint8Array): void {
    if (!peer.isOpen || handler === undefined) return;
    try {
      readMessages(frame, handler);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.node.counters.errors('malformed_frame', factsOf(peer, this.name));
      peer.close(CLOSE.malformed, error.message);
    }
  }

  // ── what becomes of edits ───────────────────────────────────────────────────────────────────────────────

  onContent(): void {
    this.node.onContent(this);
  }

  onDurable(updates: readonly NewUpdate[], position: Position): void {
    this.node.onChanged(this, updates, position);
  }

  onSettled(): void {
    this.node.onSaved(this);
  }

  onEpoch(): void {
    for (const { peer } of this.subscribers) if (peer.wantsExtras) this.#hello(peer);
  }

  onRefused(error: unknown): void {
    if (this.state === 'deleted' || this.state === 'absent') return;
    if (error instanceof DocumentErasedError) {
      this.markErased();
      return;
    }
    if (!(error instanceof DocumentExistsError)) {
      this.node.logger.error({ err: error, document: this.name }, 'the log refused an append; the room starts afresh');
      this.node.counters.errors('append_refused');
    }
    this.reload();
  }

  // ── other doors ─────────────────────────────────────────────────────────────────────────────────────────

  /** Applies what has arrived. */
  tick(): void {
    this.edits.tick();
  }

  /** A change from REST or the server itself, once the document is loaded. @throws like `ready` and `Edits.change` */
  async change<T>(
    attribution: Attribution,
    change: (live: LiveDocument, transaction: Y.Transaction) => T,
    options: ChangeOptions,
  ): Promise<{ result: T; position: Position | undefined }> {
    await this.ready();
    if (this.state === 'unloading') this.#stay();
    return this.edits.change(attribution, change, options);
  }

  /** What the server itself says of the document, as one more state; null takes it back. */
  showServerState(state: Readonly<Record<string, unknown>> | null): void {
    if (this.presence.setServerState(state, Date.now())) this.presenceSender.schedule();
  }

  /** Resolves when the presence of other nodes is known as well. @throws like `ready` */
  async presenceKnown(): Promise<void> {
    await this.ready();
    await this.presenceSender.othersKnown();
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Idle to absent; does nothing when somebody came back meanwhile. */
  async unload(compact: (room: Room) => Promise<unknown>): Promise<void> {
    if (this.state !== 'idle' || this.hasWork()) return;
    this.#transition('unload');
    await compact(this);
    // Read again: during the wait somebody may have joined, or erased the document.
    if ((this.state as RoomStateName) !== 'unloading') return;
    if (this.hasWork()) {
      this.#stay();
      return;
    }
    this.#transition('unloaded');
    this.#release();
    this.node.onStateChange(this);
  }

  /** It was about to leave, and is needed though nobody is in it: it leaves another time. */
  #stay(): void {
    this.#transition('join');
    this.#transition('last left');
    this.node.onStateChange(this);
  }

  /** A failed room is forgotten, so that the next visitor tries again. */
  forget(): void {
    if (this.state !== 'failed') return;
    this.#transition('unloaded');
    this.#release();
    this.node.onStateChange(this);
  }

  markErased(): void {
    this.#transition('erase');
    this.edits.clear();
    this.closeAll(CLOSE.deleted, 'the document was deleted');
    this.#release();
    this.node.onStateChange(this);
  }

  /** Applies what is queued and waits for the log; for a drain. */
  async flush(): Promise<void> {
    this.tick();
    await this.journal.settled();
  }

  dispose(): void {
    this.state = 'absent';
    this.#release();
  }

  #release(): void {
    this.presenceSender.close();
    this.#hydration.end();
  }
}
