/**
 * All rooms of a node: opens them on demand, keeps hydrated documents within a budget, and is the `Rooms` port.
 */
import type { Doc } from 'yjs';
import type { Logger } from 'pino';
import type { Principal } from '../auth/principal.js';
import type { Tracing } from '../observability/tracing/index.js';
import { CLOSE } from '../protocol/close-codes.js';
import { Repeats } from '../observability/repeats.js';
import type { Bus } from '../storage/bus.js';
import type { DocumentInfo, DocumentLog, ErasureReceipt, NewUpdate, Position } from '../storage/document-log.js';
import { RoomAttendance, type Attendance } from './attendance.js';
import { attribute } from './attribution.js';
import { Compactor } from './upkeep/compactor.js';
import { BoundedApplier } from './document/bounded-applier.js';
import { rulesFor, type DocumentRules } from './document/rules.js';
import { Backlog } from './editing/backlog.js';
import { wholeUpdate } from './editing/whole-update.js';
import { ErasureNews } from './upkeep/erasure-news.js';
import { IdleRooms } from './upkeep/idle-rooms.js';
import type { Peer } from './peer.js';
import { SERVER } from './presence/presence.js';
import { Room } from './room.js';
import type { RoomCounters, RoomNode } from './room-node.js';
import type { EditOptions, Edited, PresenceState, RoomInfo, Rooms } from './rooms.js';
import { Ticker } from './pace/ticker.js';

export interface RoomsOptions {
  readonly node: string;
  readonly log: DocumentLog;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly counters: RoomCounters;
  readonly maxDocumentBytes: number;
  /** Memory that hydrated documents may take (estimated); idle ones leave first. */
  readonly hydratedBytes: number;
  /** Lengthen the tick under load. */
  readonly isTickAdaptive: boolean;
  /** How long a document without connections stays in memory. */
  readonly idleUnloadMs?: number;
  /** Updates that may wait for a failing store, in bytes. */
  readonly backlogBytes?: number;
  /** Undefined where nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** Before a document's log is folded into one state. */
  readonly beforeFold?: (document: string) => Promise<void>;
  /** Processor time that a document took, in milliseconds. */
  readonly onWork?: (document: string, ms: number) => void;
  /** When a document has left the log: what else holds of it is forgotten before the erasure is confirmed. */
  readonly onErased?: (document: string) => Promise<void>;
  /** After updates of this node have become durable; `position` is that of the last. */
  readonly onChanged?: (document: string, updates: readonly NewUpdate[], position: Position) => void;
}

/** About what an eye takes for one movement. */
export const PRESENCE_WINDOW_MS = 30;
/** How long the end waits for a store that doesn't answer. Nothing that it doesn't take was ever confirmed. */
const CLOSE_FLUSH_MS = 5_000;

const IDLE_UNLOAD_MS = 5_000;
const BACKLOG_BYTES = 256 * 1024 * 1024;

export class RoomRegistry implements Rooms {
  readonly backlog: Backlog;
  readonly compactor: Compactor;
  readonly ticker: Ticker;
  /** May be turned while the rooms run. */
  readonly presencePace = { windowMs: PRESENCE_WINDOW_MS };
  readonly #rooms = new Map<string, Room>();
  readonly #idle: IdleRooms;
  readonly #node: RoomNode;
  /** Documents whose stored content is damaged, as far as somebody asked for them. */
  readonly #damaged = new Map<string, string>();
  readonly #contentListeners = new Set<(document: string) => void>();
  readonly #erasures: ErasureNews;
  readonly #stopWatchingLog: () => void;

  constructor(private readonly options: RoomsOptions) {
    const { logger, log } = options;
    this.#erasures = new ErasureNews(options.bus, logger);
    this.backlog = new Backlog(options.backlogBytes ?? BACKLOG_BYTES);
    this.compactor = new Compactor(
      log,
      logger,
      () => options.counters.compacted(),
      options.beforeFold,
      () => options.counters.errors('compaction'),
    );
    const onTickError = (error: unknown): void => {
      options.counters.errors('tick');
      logger.error({ err: error }, 'a tick failed');
    };
    this.ticker = new Ticker(options.isTickAdaptive, onTickError, options.isTickAdaptive && !log.isShared);
    this.#node = {
      id: options.node,
      log,
      bus: options.bus,
      logger,
      ticker: this.ticker,
      applier: new BoundedApplier(),
      backlog: this.backlog,
      counters: options.counters,
      loadFailures: new Repeats(),
      maxDocumentBytes: options.maxDocumentBytes,
      presencePace: this.presencePace,
      tracing: options.tracing,
      onWork: (document, ms) => options.onWork?.(document, ms),
      rules: (document): DocumentRules | undefined => rulesFor(document),
      onStateChange: (room) => this.#onStateChange(room),
      onSaved: (room) => this.compactor.considerLive(room),
      onContent: (room) => {
        for (const listener of this.#contentListeners) listener(room.name);
      },
      onChanged: (room, updates, position) => options.onChanged?.(room.name, updates, position),
    };
    this.#stopWatchingLog = log.onLost((document) => this.#restate(document));
    this.#idle = new IdleRooms({
      unloadMs: options.idleUnloadMs ?? IDLE_UNLOAD_MS,
      budgetBytes: options.hydratedBytes,
      hydratedBytes: () => this.hydratedBytes(),
      compactor: this.compactor,
    });
  }

  /** Listens to other nodes. To be called once, before the first connection. */
  async start(): Promise<void> {
    if (!this.options.log.isShared) return;
    await this.#erasures.listen((document) => {
      const room = this.#rooms.get(document);
      if (room !== undefined && room.state !== 'absent') room.markErased();
    });
  }

  #restate(document: string): void {
    const room = this.#rooms.get(document);
    if (room?.live === undefined) return;
    room.journal.restate().catch((error: unknown) => {
      this.options.logger.error({ err: error, document }, 'the state could not be appended to a log that lost updates');
    });
  }

  // ── for the gateway ─────────────────────────────────────────────────────────────────────────────────────

  /** The caller has checked name, identity and the right to read. */
  join(document: string, peer: Peer): Attendance {
    const room = this.#open(document);
    this.ticker.pacer.noteAwaited();
    return new RoomAttendance(room, room.join(peer), this.ticker);
  }

  #open(document: string): Room {
    let room = this.#rooms.get(document);
    if (room === undefined) {
      room = new Room(document, this.#node);
      this.#rooms.set(document, room);
    }
    return room;
  }

  /** For readiness: each document that could not be read, and why. */
  damaged(): ReadonlyMap<string, string> {
    return this.#damaged;
  }

  #onStateChange(room: Room): void {
    if (room.state === 'deleted') this.#damaged.delete(room.name);
    else if (room.damage !== undefined) this.#damaged.set(room.name, room.damage);
    else if (room.state === 'live') this.#damaged.delete(room.name);
    this.#idle.note(room);
    const isGone = room.state === 'absent' || room.state === 'deleted';
    if (isGone && this.#rooms.get(room.name) === room) this.#rooms.delete(room.name);
  }

  hydratedBytes(): number {
    let bytes = 0;
    for (const room of this.#rooms.values()) bytes += room.live?.hydratedBytes ?? 0;
    return bytes;
  }

  // ── the port ────────────────────────────────────────────────────────────────────────────────────────────

  async read<T>(document: string, view: (doc: Doc) => T): Promise<T> {
    const room = this.#open(document);
    const live = await room.ready();
    room.tick();
    // A tick may have found the room poisoned and started it afresh.
    return view((room.live ?? live).doc);
  }

  async edit<T>(
    document: string,
    principal: Principal,
    change: (doc: Doc) => T,
    options: EditOptions,
  ): Promise<Edited<T>> {
    return this.#open(document).change(attribute(principal, options.source), (live) => change(live.doc), options);
  }

  async applyUpdate(
    document: string,
    principal: Principal,
    update: Uint8Array,
    options: EditOptions,
  ): Promise<Edited<void>> {
    const change = wholeUpdate(this.#node, document, principal, update);
    const bytes = update.length;
    return this.#open(document).change(attribute(principal, options.source), change, { ...options, bytes });
  }

  async encodeState(document: string, stateVector?: Uint8Array): Promise<Uint8Array> {
    const room = this.#open(document);
    const live = await room.ready();
    room.tick();
    return (room.live ?? live).encode(stateVector);
  }

  async exists(document: string): Promise<boolean> {
    const live = this.#rooms.get(document)?.live;
    if (live !== undefined && live.doc.store.clients.size > 0) return true;
    return (await this.options.log.info(document)) !== undefined;
  }

  async info(document: string): Promise<(DocumentInfo & { connections: number }) | undefined> {
    const info = await this.options.log.info(document);
    if (info === undefined) return undefined;
    return { ...info, connections: this.#rooms.get(document)?.subscribers.size ?? 0 };
  }

  async presence(document: string): Promise<PresenceState[]> {
    // With other nodes, theirs are known to an open room alone.
    if (this.options.log.isShared) await this.#open(document).presenceKnown();
    const room = this.#rooms.get(document);
    if (room === undefined) return [];
    return Array.from(room.presence.entries())
      .filter(([, { node }]) => node !== SERVER)
      .map(([clientId, { owner, changedAt, state }]) => ({ clientId, ...owner, changedAt, state }));
  }

  onContent(listener: (document: string) => void): () => void {
    this.#contentListeners.add(listener);
    return () => this.#contentListeners.delete(listener);
  }

  peek<T>(document: string, view: (doc: Doc) => T): T | undefined {
    const room = this.#rooms.get(document);
    return room?.live === undefined || room.subscribers.size === 0 ? undefined : view(room.live.doc);
  }

  showServerState(document: string, state: Readonly<Record<string, unknown>> | null): void {
    this.#rooms.get(document)?.showServerState(state);
  }

  open(): RoomInfo[] {
    return Array.from(this.#rooms.values(), (room) => ({
      document: room.name,
      state: room.state === 'absent' ? 'unloading' : room.state,
      connections: room.subscribers.size,
      bytes: room.live?.encodedBytes ?? 0,
      busyMs: room.edits.busyMs,
    }));
  }

  async compact(document: string): Promise<'done' | 'lost the race' | 'nothing to do'> {
    const room = this.#open(document);
    await room.ready();
    await room.flush();
    return this.compactor.run(room);
  }

  async erase(document: string): Promise<ErasureReceipt> {
    const room = this.#rooms.get(document);
    if (room !== undefined) {
      await room.ready().catch((error: unknown) => {
        // Damaged documents can be erased too; it is already logged why they do not load.
        if (!(error instanceof Error)) throw error;
      });
      await room.flush();
      room.markErased();
    }
    const receipt = await this.options.log.erase(document);
    // Who came back at once has found the document still there.
    const reopened = this.#rooms.get(document);
    if (reopened !== undefined && reopened.state !== 'absent') reopened.markErased();
    await this.options.onErased?.(document);
    // Also of a room that was forgotten since: what is gone needs nobody's care.
    this.#damaged.delete(document);
    if (this.options.log.isShared) await this.#erasures.tell(document);
    return receipt;
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Applies and stores everything that has arrived. */
  async flush(): Promise<void> {
    await Promise.all(Array.from(this.#rooms.values(), (room) => room.flush()));
  }

  async #flushWithin(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
    await Promise.race([this.flush(), limit]);
    clearTimeout(timer);
    const { bytes } = this.backlog;
    if (bytes === 0) return;
    this.options.logger.error({ bytes }, 'the store does not answer: edits that were never confirmed are given up');
  }

  async close(): Promise<void> {
    this.#idle.close();
    this.#stopWatchingLog();
    await this.#erasures.close();
    for (const room of this.#rooms.values()) room.closeAll(CLOSE.restart, 'the server restarts');
    await this.#flushWithin(CLOSE_FLUSH_MS);
    this.ticker.close();
    for (const room of this.#rooms.values()) room.dispose();
    this.#rooms.clear();
  }
}
