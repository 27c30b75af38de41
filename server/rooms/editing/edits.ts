/**
 * Edits of one room on their way into the document: from connections by way of the tick, from REST and the server itself at
 * once, from other nodes by way of the log.
 */
import * as Y from 'yjs';
import type { Span } from '../../observability/tracing/index.js';
import { CLOSE } from '../../protocol/close-codes.js';
import { extraFrame, updateFrame } from '../../protocol/messages.js';
import { START, type Attribution, type LoggedUpdate, type Position } from '../../storage/document-log.js';
import { DocumentExistsError } from '../../storage/errors.js';
import { attribute } from '../attribution.js';
import type { Publisher } from '../delivery/publisher.js';
import type { Subscriber } from '../delivery/subscriber.js';
import { hasDependencies } from '../document/dependencies.js';
import type { Emission, LiveDocument, StateVector } from '../document/live-document.js';
import { frozenBecause } from '../document/rules.js';
import {
  DocumentTooLargeError,
  DocumentUnavailableError,
  NewerDocumentError,
  OverloadedError,
  UpdateNotAppliedError,
  UpdateTooCostlyError,
} from '../errors.js';
import { factsOf, type RoomNode } from '../room-node.js';
import type { Tickable } from '../pace/ticker.js';
import { applyUpdates, type Applied, type Poison } from './apply.js';
import { traceEdit } from './edit-trace.js';
import { Inbox, type IncomingUpdate } from './inbox.js';
import type { Journal } from './journal.js';

/** Updates whose dependencies never come may take this much memory. */
const MAX_PENDING_BYTES = 1024 * 1024;

/** The server itself has no connection to echo to. */
const NOBODY = { writers: new Set<Subscriber>(), parts: [] };

export interface EditsOwner {
  readonly live: LiveDocument | undefined;
  readonly publisher: Publisher | undefined;
  readonly subscribers: ReadonlySet<Subscriber>;
  readonly journal: Journal;
  /** The content has changed, whoever changed it. */
  onContent(): void;
  /** What memory holds is not to be trusted any more: starts again from the log. */
  reload(): void;
}

export interface ChangeOptions {
  /** Refuse with `DocumentExistsError` when the document has ever been written. */
  readonly ifAbsent?: boolean;
  /** By how much the document grows at most. */
  readonly bytes?: number;
}

export class Edits implements Tickable {
  /** For the ticker. */
  restsUntil = 0;
  busyMs = 0;
  readonly #inbox: Inbox;
  readonly #rules: ReturnType<RoomNode['rules']>;
  #isTickScheduled = false;
  readonly #onWork = (ms: number): void => this.node.onWork(this.document, ms);
  /** Of the first update that waits, when it is sampled. */
  #trace: Span | undefined;

  constructor(
    private readonly document: string,
    private readonly node: RoomNode,
    private readonly room: EditsOwner,
  ) {
    this.#rules = node.rules(document);
    this.#inbox = new Inbox(document, node, this);
  }

  get live(): LiveDocument | undefined {
    return this.room.live;
  }

  get hasRules(): boolean {
    return this.#rules !== undefined;
  }

  get areWaiting(): boolean {
    return !this.#inbox.isEmpty;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#inbox.clear();
  }

  /** The room has started afresh. What had arrived before and was not the cause is applied to what was loaded. */
  goOn(): void {
    this.#inbox.sift();
    this.tick();
  }

  /** It was taken for known already, and was not stored: is applied to what the room has started afresh from. */
  again(item: IncomingUpdate): void {
    this.#inbox.add(item);
    this.goOn();
  }

  /** HOT PATH. An update of a client. @throws MalformedError */
  receive(from: Subscriber, update: Uint8Array, isReply: boolean): void {
    if (!this.#inbox.receive(from, update, isReply)) return;
    this.node.ticker.pacer.noteAwaited();
    if (this.#isTickScheduled) return;
    this.#isTickScheduled = true;
    const { tracing } = this.node;
    if (tracing !== undefined) this.#trace = tracing.start({ name: 'edit', attributes: { document: this.document } });
    this.node.ticker.schedule(this);
  }

  /** HOT PATH. One transaction, one append and one frame for all that a principal sent since the last tick. */
  tick(): void {
    this.#isTickScheduled = false;
    const { live, publisher } = this.room;
    if (this.#inbox.isEmpty || live === undefined || publisher === undefined) return;
    const inbox = this.#inbox.take();
    const trace = this.#trace;
    this.#trace = undefined;
    const startedAt = performance.now();
    const hadPending = live.pendingBytes > 0;
    const { emitted, writers, parts, before, undone, poison } = applyUpdates(
      live,
      inbox,
      this.#rules,
      this.node.applier,
      this.#onWork,
    );
    const appliedAt = performance.now();
    for (const refused of undone) this.#tellUndone(refused);
    if (before !== undefined) {
      const by = hadPending ? this.#withPending(writers, live) : writers;
      const saved = publisher.publish(emitted, { writers: by, parts }, before);
      if (trace !== undefined) traceEdit(trace, { startedAt, appliedAt, updates: inbox.length, saved });
      this.room.onContent();
    } else {
      trace?.end({ attributes: { outcome: poison === undefined ? 'nothing new' : 'poison' } });
    }
    if (poison !== undefined) {
      this.#onPoison(poison);
      return;
    }
    if (live.pendingBytes > 0) this.#notePending(inbox, live);
    publisher.echoRepeats(inbox, writers, before, (update) => !hasDependencies(live.doc, update));
    if (live.pendingBytes > MAX_PENDING_BYTES) this.#onTooMuchPending();
  }

  #tellUndone({ from, refusals }: Applied['undone'][number]): void {
    this.node.counters.errors('undone_edit');
    const frame = extraFrame({ type: 'undone', refusals });
    for (const { peer } of new Set(from.map((item) => item.from))) {
      if (peer.wantsExtras && peer.isOpen) peer.write(frame);
    }
  }

  /** Whose updates wait for others in between: no echo is owed to them, and they pay when too much waits. */
  #notePending(inbox: readonly IncomingUpdate[], live: LiveDocument): void {
    for (const { from, update } of inbox) if (!hasDependencies(live.doc, update)) from.hasPending = true;
  }

  /**
   * What waited may have come in with what others sent: who sent it is a writer too, and is owed an echo when it is durable.
   * To be called after the transaction, where something waited before it.
   */
  #withPending(writers: ReadonlySet<Subscriber>, live: LiveDocument): ReadonlySet<Subscriber> {
    const all = new Set(writers);
    for (const subscriber of this.room.subscribers) {
      if (!subscriber.hasPending) continue;
      all.add(subscriber);
      subscriber.hasPending = live.pendingBytes > 0;
    }
    return all;
  }

  #onTooMuchPending(): void {
    this.node.counters.errors('pending_overflow');
    for (const { hasPending, peer } of [...this.room.subscribers]) {
      if (hasPending) peer.close(CLOSE.irreconcilable, 'updates are missing in between: start afresh');
    }
    this.room.reload();
  }

  /** Yjs threw, or was stopped, in the middle of a transaction: its store may be half changed. The log is not. */
  #onPoison({ from, rest, error }: Poison): void {
    const author = from[0]?.from.peer;
    this.node.logger.error(
      { err: error, document: this.document, principal: author?.principal.id },
      'an update could not be applied; the room starts afresh from the log',
    );
    this.node.counters.errors('poison_update', author === undefined ? undefined : factsOf(author, this.document));
    const { code, reason } = closeAfter(error);
    for (const { peer } of new Set(from.map((item) => item.from))) peer.close(code, reason);
    this.#inbox.putBack(rest);
    this.room.reload();
  }

  /**
   * A change from REST or the server itself; the document is loaded. What arrived before it is applied first.
   * @throws what `change` throws; OverloadedError; DocumentTooLargeError; NewerDocumentError; DocumentUnavailableError;
   *   ChangeNotKeptError; what the log throws
   */
  async change<T>(
    attribution: Attribution,
    change: (live: LiveDocument, transaction: Y.Transaction) => T,
    options: ChangeOptions,
  ): Promise<{ result: T; position: Position | undefined }> {
    if (this.node.backlog.isFull) throw new OverloadedError();
    if (!this.#inbox.fits(options.bytes ?? 0)) {
      throw new DocumentTooLargeError(this.document, this.node.maxDocumentBytes);
    }
    this.tick();
    // Read after the tick, which may have found the document poisoned.
    const { live, publisher, journal } = this.room;
    if (live === undefined || publisher === undefined) throw new DocumentUnavailableError(this.document);
    const frozen = frozenBecause(this.document, live.doc);
    if (frozen !== undefined) throw new NewerDocumentError(frozen);
    if (options.ifAbsent === true && (journal.durablePosition !== START || live.doc.store.clients.size > 0)) {
      throw new DocumentExistsError(this.document);
    }
    const { tracing } = this.node;
    const trace = tracing?.current?.child({ name: 'edit', attributes: { document: this.document } });
    const startedAt = performance.now();
    const hadPending = live.pendingBytes > 0;
    const { result, update, before } = this.#changed(live, change);
    const appliedAt = performance.now();
    this.node.onWork(this.document, appliedAt - startedAt);
    if (update === undefined) {
      await journal.settled();
      publisher.assertNoGap();
      return { result, position: undefined };
    }
    const by = hadPending ? { writers: this.#withPending(NOBODY.writers, live), parts: [] } : NOBODY;
    const saved = publisher.publish([{ update, attribution }], by, before, options);
    if (trace !== undefined) traceEdit(trace, { startedAt, appliedAt, updates: 1, saved });
    this.room.onContent();
    const position = await saved;
    publisher.assertNoGap();
    return { result, position };
  }

  #changed<T>(live: LiveDocument, change: (live: LiveDocument, transaction: Y.Transaction) => T): Emission<T> {
    try {
      return live.transact((transaction) => change(live, transaction));
    } catch (error) {
      // As in `#onPoison`.
      if (error instanceof UpdateTooCostlyError || error instanceof UpdateNotAppliedError) this.room.reload();
      throw error instanceof UpdateTooCostlyError && error.wasHeldUp ? new OverloadedError({ cause: error }) : error;
    }
  }

  /** What the log tells of other nodes. */
  applyForeign(entries: readonly LoggedUpdate[]): void {
    const { live, publisher, journal } = this.room;
    const last = entries[entries.length - 1];
    if (live === undefined || last === undefined) return;
    const pendingBytes = live.pendingBytes;
    const { update, before } = live.transact(() => {
      for (const entry of entries) if (entry.node !== this.node.id) Y.applyUpdate(live.doc, entry.update);
    });
    journal.durablePosition = last.position;
    if (update === undefined) return;
    if (live.pendingBytes < pendingBytes) this.#keepWhatWaited(update, live, before);
    else publisher?.send(updateFrame(update), before);
    this.room.onContent();
  }

  /** Updates of this node's clients waited for those of another one: they have never been in the log. */
  #keepWhatWaited(update: Uint8Array, live: LiveDocument, before: StateVector): void {
    const writers = this.#withPending(NOBODY.writers, live);
    const [writer] = writers;
    const attribution: Attribution =
      writer === undefined
        ? { principal: 'system', at: Date.now(), source: 'system' }
        : attribute(writer.peer.principal, 'sync');
    // What the log throws the room has been told.
    this.room.publisher?.publish([{ update, attribution }], { writers, parts: [] }, before).catch(() => undefined);
  }
}

/** A machine that others kept busy is no fault of the update's: its client may come back with it. */
function closeAfter(error: unknown): { readonly code: number; readonly reason: string } {
  if (!(error instanceof UpdateTooCostlyError)) {
    return { code: CLOSE.malformed, reason: 'the update cannot be applied' };
  }
  const code = error.wasHeldUp ? CLOSE.overloaded : CLOSE.tooLarge;
  return { code, reason: 'the update takes too much work to apply' };
}
