/**
 * A document's live presence on this node: its connections, its tick, its echo.
 * States and transitions are in `life-cycle.ts`; writing to sockets within budgets is in `delivery.ts`.
 */
import * as Y from 'yjs';
import { CLOSE } from '../protocol/close-codes.js';
import { MalformedError, readMessages, type IncomingHandler } from '../protocol/incoming.js';
import { extraFrame, permissionDeniedFrame, syncStep1Frame, updateFrame } from '../protocol/messages.js';
import { inspectStateVector, inspectUpdate } from '../protocol/update-bounds.js';
import { DocumentCorruptedError, DocumentErasedError, DocumentExistsError, LogLostError } from '../storage/errors.js';
import { START, type Attribution, type LoggedUpdate, type NewUpdate, type Position } from '../storage/document-log.js';
import type { Subscription } from '../storage/document-log.js';
import type { SecurityFacts } from '../system-events/security-facts.js';
import { attribute } from './attribution.js';
import { Delivery } from './delivery.js';
import { hasDependencies } from './dependencies.js';
import { DocumentTooLargeError, DocumentUnavailableError, NewerDocumentError, OverloadedError } from './errors.js';
import { next, type RoomEvent, type RoomStateName } from './life-cycle.js';
import { LiveDocument, type Emission, type StateVector } from './live-document.js';
import { Presence } from './presence.js';
import { PresenceExchange } from './presence-exchange.js';
import type { Peer } from './peer.js';
import type { RoomNode } from './room-node.js';
import { Subscriber } from './subscriber.js';
import { frozenBecause, writerOf, type DocumentRules, type Refusal } from './rules.js';

/** Updates whose dependencies never come may take this much memory. */
const MAX_PENDING_BYTES = 1024 * 1024;
const AWARENESS_WINDOW_MAX_MS = 500;
/** Presence may take this share of the event loop: a flush that took n ms is followed by a pause of 10 n. */
const AWARENESS_COST_FACTOR = 10;

interface IncomingUpdate {
  readonly from: Subscriber;
  readonly update: Uint8Array;
  /** The answer to our step 1: no echo is owed when it brings nothing new. */
  readonly isReply: boolean;
}

export class Room {
  state: RoomStateName = 'loading';
  /** When it became idle or failed, for the sweep. */
  stateSince = Date.now();
  /** For the ticker. */
  restsUntil = 0;
  readonly subscribers = new Set<Subscriber>();
  readonly presence = new Presence();
  /** Position of the last update that is durable; what a compaction may fold. */
  durablePosition: Position = START;
  epoch: string | undefined;
  /** Why the stored content cannot be read; undefined when it can. */
  damage: string | undefined;
  uncompactedUpdates = 0;
  uncompactedBytes = 0;
  /** Size of the state that the log continues; 0 before the first compaction. */
  snapshotBytes = 0;

  #live: LiveDocument | undefined;
  #delivery: Delivery | undefined;
  #subscription: Subscription | undefined;
  #exchange: PresenceExchange | undefined;
  #inbox: IncomingUpdate[] = [];
  #inboxBytes = 0;
  #isTickScheduled = false;
  #awarenessTimer: NodeJS.Timeout | undefined;
  #awarenessWindowMs: number;
  #awarenessSentAt = 0;
  /** Appends in flight, so that unloading can wait for them. */
  #appending = new Set<Promise<unknown>>();
  /** The whole state on its way to a log that has lost updates. */
  #restating: Promise<Position> | undefined;
  #ready: Promise<void>;
  readonly #rules: DocumentRules | undefined;

  constructor(
    readonly name: string,
    private readonly node: RoomNode,
  ) {
    this.#awarenessWindowMs = node.presencePace.windowMs;
    this.#rules = node.rules(name);
    this.#ready = this.#load();
    // Whoever waits for `ready` sees the error; a room that nobody waits for must not end the process.
    this.#ready.catch(() => undefined);
  }

  get live(): LiveDocument | undefined {
    return this.#live;
  }

  hasWork(): boolean {
    return this.#inbox.length > 0 || this.#appending.size > 0;
  }

  /** @throws DocumentErasedError, DocumentUnavailableError */
  async ready(): Promise<LiveDocument> {
    await this.#ready;
    if (this.#live === undefined) throw new DocumentUnavailableError(this.name);
    return this.#live;
  }

  #transition(event: RoomEvent): void {
    this.state = next(this.state, event);
    this.stateSince = Date.now();
  }

  // ── loading ─────────────────────────────────────────────────────────────────────────────────────────────

  async #load(): Promise<void> {
    const { log, counters } = this.node;
    try {
      const loaded = await log.load(this.name);
      if (this.state !== 'loading') return;
      const updates = loaded.updates.map((entry) => entry.update);
      this.#live = new LiveDocument(loaded.snapshot === undefined ? updates : [loaded.snapshot, ...updates]);
      this.#delivery = new Delivery(this.#live, counters.delivery);
      this.durablePosition = loaded.position;
      this.epoch = loaded.epoch;
      this.snapshotBytes = loaded.snapshot?.length ?? 0;
      this.uncompactedUpdates = loaded.updates.length;
      this.uncompactedBytes = updates.reduce((sum, update) => sum + update.length, 0);
      if (log.isShared) {
        this.#subscription = await log.subscribe(this.name, loaded.position, (entries) => this.#onForeign(entries));
      }
    } catch (error) {
      this.#onLoadFailed(error);
      throw error instanceof DocumentErasedError ? error : new DocumentUnavailableError(this.name, { cause: error });
    }
    // Read again: while it loaded, the document may have been erased.
    if ((this.state as RoomStateName) !== 'loading') return;
    this.#transition('loaded');
    if (log.isShared) this.#exchange ??= this.#openExchange();
    for (const subscriber of this.subscribers) this.#greet(subscriber);
    this.node.onContent(this);
    if (this.subscribers.size === 0) this.#transition('last left');
    this.node.onStateChange(this);
  }

  #openExchange(): PresenceExchange {
    const { name: document, presence } = this;
    const { id, bus, logger } = this.node;
    const onChange = (): void => this.#scheduleAwareness();
    return new PresenceExchange({ document, node: id, bus, presence, logger, onChange });
  }

  /** Resolves when the presence of other nodes is known as well. @throws like `ready` */
  async presenceKnown(): Promise<void> {
    await this.ready();
    await this.#exchange?.known();
  }

  #onLoadFailed(error: unknown): void {
    if (this.state !== 'loading') return;
    const isErased = error instanceof DocumentErasedError;
    this.#transition(isErased ? 'erase' : 'load failed');
    this.#live?.destroy();
    this.#live = undefined;
    if (error instanceof DocumentCorruptedError) this.damage = error.detail;
    if (!isErased) {
      this.node.logger.error({ err: error, document: this.name }, 'document cannot be loaded');
      this.node.counters.errors('document_load');
    }
    this.closeAll(
      isErased ? CLOSE.deleted : CLOSE.overloaded,
      isErased ? 'the document was deleted' : 'the document cannot be loaded now',
    );
    this.node.onStateChange(this);
  }

  // ── connections ─────────────────────────────────────────────────────────────────────────────────────────

  /** The caller has checked the right to read. */
  join(peer: Peer): Subscriber {
    const subscriber: Subscriber = new Subscriber(peer);
    subscriber.handler = this.#handlerFor(subscriber);
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
      if (this.subscribers.size === 1) this.node.onContent(this);
    }
    return subscriber;
  }

  #greet(subscriber: Subscriber): void {
    const { peer } = subscriber;
    if (this.#live === undefined || !peer.isOpen) return;
    peer.write(syncStep1Frame(this.#live.stateVector()));
    const presence = this.presence.wholeFrame();
    if (presence !== undefined) peer.write(presence);
    if (peer.wantsExtras) peer.write(extraFrame({ type: 'hello', epoch: this.epoch ?? null, role: peer.role }));
    peer.resume();
  }

  leave(subscriber: Subscriber): void {
    if (!this.subscribers.delete(subscriber)) return;
    if (this.presence.removePeer(subscriber.peer, Date.now())) this.#scheduleAwareness();
    if (this.subscribers.size === 0 && (this.state === 'live' || this.state === 'loading')) {
      this.#transition('last left');
      this.node.onStateChange(this);
    }
  }

  closeAll(code: number, reason: string): void {
    for (const subscriber of [...this.subscribers]) subscriber.peer.close(code, reason);
  }

  // ── what arrives ────────────────────────────────────────────────────────────────────────────────────────

  /** HOT PATH. One frame of a client. Closes the connection when it is malformed. */
  receive(subscriber: Subscriber, frame: Uint8Array): void {
    const { peer } = subscriber;
    if (!peer.isOpen || this.#live === undefined || subscriber.handler === undefined) return;
    try {
      readMessages(frame, subscriber.handler);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.node.counters.errors('malformed_frame', this.#factsOf(peer));
      peer.close(CLOSE.malformed, error.message);
    }
  }

  #factsOf({ address, principal, id }: Peer): SecurityFacts {
    return { address, userId: principal.id, document: this.name, connection: id };
  }

  #handlerFor(subscriber: Subscriber): IncomingHandler {
    return {
      onSyncStep1: (stateVector) => {
        inspectStateVector(stateVector);
        const wasCached = this.#delivery?.sendJoin(subscriber, stateVector).wasCached ?? false;
        this.node.counters.joins(wasCached ? 'cached' : 'encoded');
      },
      onUpdate: (update, isReply) => this.#onUpdate(subscriber, update, isReply),
      onAwareness: (update) => {
        const { hasChanged, forged } = this.presence.apply(subscriber.peer, update, Date.now());
        if (forged > 0) this.node.counters.errors('forged_presence', this.#factsOf(subscriber.peer));
        if (hasChanged) this.#scheduleAwareness();
      },
      onQueryAwareness: () => {
        const whole = this.presence.wholeFrame();
        if (whole !== undefined) this.#delivery?.sendPresence(subscriber, whole);
      },
      onUnknown: (type) => this.node.counters.unknownMessage(type),
    };
  }

  #onUpdate(subscriber: Subscriber, update: Uint8Array, isReply: boolean): void {
    const { ranges, hasDeletes } = inspectUpdate(update);
    if (ranges.length === 0 && !hasDeletes) return;
    const { peer } = subscriber;
    if (!peer.mayWrite) {
      const reason = `${peer.role} may not edit this document`;
      this.#refuseReadOnly(subscriber, ranges, hasDeletes && !isReply, reason);
      return;
    }
    const frozen =
      this.#rules === undefined || this.#live === undefined ? undefined : frozenBecause(this.name, this.#live.doc);
    if (frozen !== undefined) {
      this.#refuseReadOnly(subscriber, ranges, hasDeletes && !isReply, frozen);
      return;
    }
    if (this.node.backlog.isFull) {
      peer.close(CLOSE.overloaded, 'the store is not keeping up');
      return;
    }
    if (!this.#fits(this.#inboxBytes + update.length)) {
      peer.close(CLOSE.tooLarge, `the document would grow over ${this.node.maxDocumentBytes} bytes`);
      return;
    }
    if (this.#rules !== undefined && !isUnlimited(peer)) {
      // What it builds on may be waiting for the tick.
      this.tick();
      if (this.#live !== undefined && !hasDependencies(this.#live.doc, update)) {
        peer.close(CLOSE.irreconcilable, 'updates are missing in between: start afresh');
        return;
      }
    }
    this.#inbox.push({ from: subscriber, update, isReply });
    this.#inboxBytes += update.length;
    if (this.#isTickScheduled) return;
    this.#isTickScheduled = true;
    this.node.ticker.schedule(this);
  }

  /** Stock clients answer step 1 with all they have, whatever their rights: silence, unless it holds something new. */
  #refuseReadOnly(
    subscriber: Subscriber,
    ranges: readonly { client: number; clock: number; length: number }[],
    isDeletion: boolean,
    reason: string,
  ): void {
    const store = this.#live?.doc.store;
    const isNew =
      isDeletion || store === undefined || ranges.some((r) => r.clock + r.length > Y.getState(store, r.client));
    if (!isNew) return;
    this.node.counters.errors('forbidden_write', this.#factsOf(subscriber.peer));
    if (subscriber.wasToldReadOnly) return;
    subscriber.wasToldReadOnly = true;
    subscriber.peer.write(permissionDeniedFrame(reason));
  }

  #fits(bytes: number): boolean {
    const live = this.#live;
    const max = this.node.maxDocumentBytes;
    if (live === undefined || live.encodedBytes + bytes <= max) return true;
    return live.measure() + bytes <= max;
  }

  // ── the tick ────────────────────────────────────────────────────────────────────────────────────────────

  /** HOT PATH. One transaction, one append and one frame for all that a principal sent since the last tick. */
  tick(): void {
    this.#isTickScheduled = false;
    const inbox = this.#inbox;
    if (inbox.length === 0 || this.#live === undefined) return;
    this.#inbox = [];
    this.#inboxBytes = 0;
    const first = inbox[0];
    if (first === undefined) return;
    const isOnePrincipal = inbox.every((item) => item.from.peer.principal === first.from.peer.principal);
    const groups = isOnePrincipal ? [inbox] : groupByPrincipal(inbox);
    const emitted: NewUpdate[] = [];
    const writers = new Set<Subscriber>();
    let before: StateVector | undefined;
    for (const group of groups) {
      const emission = this.#applyGroup(group);
      if (emission?.update === undefined) continue;
      before ??= emission.before;
      const peer = group[0]?.from.peer ?? first.from.peer;
      emitted.push({ update: emission.update, attribution: attribute(peer.principal, 'sync') });
      for (const item of group) writers.add(item.from);
    }
    if (emitted.length > 0 && before !== undefined) void this.#publish(emitted, writers, before);
    if (this.#live.pendingBytes > 0) this.#notePending(inbox);
    this.#echoRepeats(inbox, writers);
    this.#boundPending();
  }

  #applyGroup(group: readonly IncomingUpdate[]): Emission<readonly Refusal[]> | undefined {
    const live = this.#live;
    const writer = group[0]?.from;
    if (live === undefined || writer === undefined) return undefined;
    try {
      const emission = live.transact((transaction) => {
        for (const item of group) {
          // Revoked or closed since it was queued: nothing of it is applied any more.
          if (item.from.peer.isOpen) Y.applyUpdate(live.doc, item.update);
        }
        return (
          this.#rules?.(live.doc, transaction, writerOf(writer.peer.principal, writer.peer.role, writer.peer.scope)) ??
          []
        );
      });
      if (emission.result.length > 0) this.#tellRefusals(group, emission.result);
      return emission;
    } catch (error) {
      this.#onPoison(group, error);
      return undefined;
    }
  }

  #tellRefusals(group: readonly IncomingUpdate[], refusals: readonly Refusal[]): void {
    this.node.counters.errors('undone_edit');
    const frame = extraFrame({ type: 'undone', refusals });
    for (const { from } of group) if (from.peer.wantsExtras && from.peer.isOpen) from.peer.write(frame);
  }

  /** Appends, sends to everybody else at once, and to the writers when it is durable. */
  #publish(
    emitted: readonly NewUpdate[],
    writers: ReadonlySet<Subscriber>,
    before: StateVector,
    options?: { readonly ifAbsent?: boolean },
  ): Promise<Position> {
    const delivery = this.#delivery;
    const frames =
      emitted.length === 1 && emitted[0] !== undefined
        ? updateFrame(emitted[0].update)
        : Buffer.concat(emitted.map((entry) => updateFrame(entry.update)));
    for (const writer of writers) {
      writer.unsaved += 1;
      writer.unsavedSince ??= before;
    }
    const saved = this.#append(emitted, options);
    this.node.onContent(this);
    for (const subscriber of this.subscribers) {
      if (!writers.has(subscriber)) delivery?.send(subscriber, frames, before);
    }
    if (writers.size > 0) {
      const startedAt = performance.now();
      saved.then(
        () => {
          this.#echo(writers, frames, before);
          this.node.counters.echoed(performance.now() - startedAt);
        },
        () => undefined, // reported by #append; without a log entry there is no echo
      );
    }
    return saved;
  }

  #echo(writers: ReadonlySet<Subscriber>, frames: Buffer, before: StateVector): void {
    for (const writer of writers) {
      writer.unsaved -= 1;
      if (writer.peer.isOpen) this.#delivery?.send(writer, frames, writer.unsavedSince ?? before);
      if (writer.unsaved > 0) continue;
      writer.unsavedSince = undefined;
      this.#delivery?.resume(writer);
    }
  }

  #append(emitted: readonly NewUpdate[], options?: { readonly ifAbsent?: boolean }): Promise<Position> {
    const { backlog, log, counters } = this.node;
    let bytes = 0;
    for (const { update } of emitted) bytes += update.length;
    backlog.bytes += bytes;
    this.uncompactedUpdates += emitted.length;
    this.uncompactedBytes += bytes;
    counters.updates(emitted.length, emitted[0]?.attribution.source ?? 'system');
    const startedAt = performance.now();
    const saved = log
      .append(this.name, emitted, options)
      // What was refused is part of the state that is appended instead.
      .catch((error: unknown) => (error instanceof LogLostError ? this.restate() : Promise.reject(error as Error)))
      .then(
        (position) => {
          this.durablePosition = position;
          counters.appended(performance.now() - startedAt);
          if (this.epoch === undefined) void this.#learnEpoch();
          this.node.onChanged(this, emitted);
          return position;
        },
        (error: unknown) => {
          this.#onAppendRefused(error);
          throw error;
        },
      );
    const settled = saved
      .catch(() => undefined)
      .finally(() => {
        backlog.bytes -= bytes;
        this.#appending.delete(settled);
        this.node.onSaved(this);
      });
    this.#appending.add(settled);
    return saved;
  }

  /** The first append gave the document its epoch: who keeps a local copy needs it to tell this life from another. */
  async #learnEpoch(): Promise<void> {
    try {
      const info = await this.node.log.info(this.name);
      if (info === undefined || this.epoch !== undefined) return;
      this.epoch = info.epoch;
      for (const { peer } of this.subscribers) {
        if (peer.wantsExtras) peer.write(extraFrame({ type: 'hello', epoch: this.epoch, role: peer.role }));
      }
    } catch (error) {
      this.node.logger.warn({ err: error, document: this.name }, 'the epoch of a new document is not known yet');
    }
  }

  /**
   * A shared log has lost updates that this room still holds: appends the whole state.
   * @throws what the log throws; DocumentUnavailableError when the room holds nothing
   */
  restate(): Promise<Position> {
    this.#restating ??= this.#appendState().finally(() => (this.#restating = undefined));
    return this.#restating;
  }

  async #appendState(): Promise<Position> {
    const { log, logger, counters } = this.node;
    for (;;) {
      const live = this.#live;
      if (live === undefined) throw new DocumentUnavailableError(this.name);
      const attribution: Attribution = { principal: 'system', at: Date.now(), source: 'system' };
      try {
        const position = await log.append(this.name, [{ update: live.encode(), attribution }]);
        logger.warn({ document: this.name }, 'the log had lost updates; the whole state was appended again');
        counters.errors('log_restated');
        return position;
      } catch (error) {
        // The loss is told by refusing one append: the next one counts.
        if (!(error instanceof LogLostError)) throw error;
      }
    }
  }

  /** The log retries what can be retried, so a refusal is final: what memory holds is not what is stored. */
  #onAppendRefused(error: unknown): void {
    if (this.state === 'deleted' || this.state === 'absent') return;
    if (error instanceof DocumentErasedError) {
      this.markErased();
      return;
    }
    if (!(error instanceof DocumentExistsError)) {
      this.node.logger.error({ err: error, document: this.name }, 'the log refused an append; the room starts afresh');
      this.node.counters.errors('append_refused');
    }
    this.#reload();
  }

  /** Whose updates wait for others in between: no echo is owed to them, and they pay when too much waits. */
  #notePending(inbox: readonly IncomingUpdate[]): void {
    for (const { from, update } of inbox) {
      if (this.#live !== undefined && !hasDependencies(this.#live.doc, update)) from.hasPending = true;
    }
  }

  /** An update that changed nothing (sent twice, or known from another way) is owed an echo too, once all is saved. */
  #echoRepeats(inbox: readonly IncomingUpdate[], writers: ReadonlySet<Subscriber>): void {
    for (const { from, update, isReply } of inbox) {
      if (isReply || writers.has(from) || from.hasPending) continue;
      const frame = updateFrame(update);
      void Promise.allSettled(this.#appending).then(() => {
        if (from.peer.isOpen) from.peer.write(frame);
      });
    }
  }

  #boundPending(): void {
    if (this.#live === undefined || this.#live.pendingBytes <= MAX_PENDING_BYTES) return;
    this.node.counters.errors('pending_overflow');
    for (const { hasPending, peer } of [...this.subscribers]) {
      if (hasPending) peer.close(CLOSE.irreconcilable, 'updates are missing in between: start afresh');
    }
    this.#reload();
  }

  /** Yjs threw in the middle of a transaction: its store may be half changed. The log is not: start from it again. */
  #onPoison(group: readonly IncomingUpdate[], error: unknown): void {
    this.node.logger.error(
      { err: error, document: this.name, principal: group[0]?.from.peer.principal.id },
      'an update could not be applied; the room starts afresh from the log',
    );
    const author = group[0]?.from.peer;
    this.node.counters.errors('poison_update', author === undefined ? undefined : this.#factsOf(author));
    for (const { from } of group) from.peer.close(CLOSE.malformed, 'the update cannot be applied');
    this.#reload();
  }

  #reload(): void {
    if (this.state === 'deleted' || this.state === 'absent') return;
    this.#transition('reload');
    for (const { peer } of this.subscribers) if (peer.isOpen) peer.pause();
    const abandoned = this.#live;
    this.#live = undefined;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#ready = Promise.all(this.#appending)
      .then(() => this.#subscription?.close())
      .then(() => {
        abandoned?.destroy();
        return this.#load();
      });
    this.#ready.catch(() => undefined);
  }

  // ── other doors ─────────────────────────────────────────────────────────────────────────────────────────

  /**
   * A change from REST or the server itself. What arrived before it is applied first.
   * @throws what `change` throws; OverloadedError; DocumentTooLargeError; NewerDocumentError
   */
  async change<T>(
    attribution: Attribution,
    change: (live: LiveDocument, transaction: Y.Transaction) => T,
    options: { readonly ifAbsent?: boolean; readonly bytes?: number },
  ): Promise<{ result: T; position: Position | undefined }> {
    const live = await this.ready();
    if (this.node.backlog.isFull) throw new OverloadedError();
    if (!this.#fits(options.bytes ?? 0)) throw new DocumentTooLargeError(this.name, this.node.maxDocumentBytes);
    if (this.state === 'unloading') this.#transition('join');
    this.tick();
    const frozen = frozenBecause(this.name, live.doc);
    if (frozen !== undefined) throw new NewerDocumentError(frozen);
    if (options.ifAbsent === true && (this.durablePosition !== START || live.doc.store.clients.size > 0)) {
      throw new DocumentExistsError(this.name);
    }
    const { result, update, before } = live.transact((transaction) => change(live, transaction));
    if (update === undefined) {
      await Promise.all(this.#appending);
      return { result, position: undefined };
    }
    const position = await this.#publish([{ update, attribution }], new Set(), before, options);
    return { result, position };
  }

  #onForeign(entries: readonly LoggedUpdate[]): void {
    const live = this.#live;
    const last = entries[entries.length - 1];
    if (live === undefined || last === undefined) return;
    const { update, before } = live.transact(() => {
      for (const entry of entries) if (entry.node !== this.node.id) Y.applyUpdate(live.doc, entry.update);
    });
    this.durablePosition = last.position;
    if (update === undefined) return;
    const frame = updateFrame(update);
    for (const subscriber of this.subscribers) this.#delivery?.send(subscriber, frame, before);
    this.node.onContent(this);
  }

  // ── presence ────────────────────────────────────────────────────────────────────────────────────────────

  /** What the server itself says of the document, as one more state; null takes it back. */
  showServerState(state: Readonly<Record<string, unknown>> | null): void {
    if (this.presence.setServerState(state, Date.now())) this.#scheduleAwareness();
  }

  #scheduleAwareness(): void {
    if (this.#awarenessTimer !== undefined) return;
    if (this.subscribers.size === 0) {
      this.presence.dropChanges();
      this.#exchange?.tell();
      return;
    }
    const wait = this.#awarenessSentAt + this.#awarenessWindowMs - performance.now();
    this.#awarenessTimer = setTimeout(() => this.#sendAwareness(), Math.max(1, wait));
  }

  #sendAwareness(): void {
    this.#awarenessTimer = undefined;
    if (!this.presence.hasChanges) return;
    const startedAt = performance.now();
    const frame = this.presence.takeChanges();
    for (const subscriber of this.subscribers) {
      if (subscriber.isPresenceStale) {
        const whole = this.presence.wholeFrame() ?? frame;
        subscriber.isPresenceStale = false;
        this.#delivery?.sendPresence(subscriber, whole);
      } else {
        this.#delivery?.sendPresence(subscriber, frame);
      }
    }
    this.#exchange?.tell();
    this.#awarenessSentAt = performance.now();
    const cost = this.#awarenessSentAt - startedAt;
    const window = Math.max(this.node.presencePace.windowMs, AWARENESS_COST_FACTOR * cost);
    this.#awarenessWindowMs = Math.min(AWARENESS_WINDOW_MAX_MS, window);
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
      this.#transition('join');
      this.#transition('last left');
      this.node.onStateChange(this);
      return;
    }
    this.#transition('unloaded');
    this.#release();
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
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.closeAll(CLOSE.deleted, 'the document was deleted');
    this.#release();
    this.node.onStateChange(this);
  }

  /** Applies what is queued and waits for the log; for a drain. */
  async flush(): Promise<void> {
    if (this.#live !== undefined) this.tick();
    await Promise.all([...this.#appending, this.#restating?.catch(() => undefined)]);
  }

  dispose(): void {
    this.state = 'absent';
    this.#release();
  }

  #release(): void {
    clearTimeout(this.#awarenessTimer);
    this.#awarenessTimer = undefined;
    this.#exchange?.close();
    this.#exchange = undefined;
    void this.#subscription?.close();
    this.#subscription = undefined;
    this.#live?.destroy();
    this.#live = undefined;
    this.#delivery = undefined;
  }
}

function groupByPrincipal(inbox: readonly IncomingUpdate[]): IncomingUpdate[][] {
  const groups = new Map<string, IncomingUpdate[]>();
  for (const item of inbox) {
    const key = `${item.from.peer.role} ${item.from.peer.principal.id}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** May change everything in the document, so that it does not matter with whose update a pending one is applied. */
function isUnlimited({ role, scope }: Peer): boolean {
  const isEditor = role === 'admin' || role === 'owner' || role === 'editor';
  return isEditor && scope.paths === undefined && scope.languages === undefined;
}
