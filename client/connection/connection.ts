/**
 * A stock Y.Doc kept in step with a document of the server.
 *
 * At each greeting the server sends its state vector, who is present, and `hello`. Where the epoch of the local copy is
 * known, the answer to the state vector waits for `hello`: a copy from an earlier life must not be merged into a new one.
 */
import { ObservableV2 } from 'lib0/observable';
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { waitMs } from './backoff.js';
import { CLOSE, isPermanent } from './close-codes.js';
import { STALE_COPY, realClock, type Clock, type ConnectionState, type SaveState } from './state.js';
import { readToken, type Token } from './token.js';
import type { OpenTransport, Transport } from './transport.js';
import { Unsaved } from './unsaved.js';
import {
  awarenessFrame,
  readFrame,
  replyFrame,
  stateVectorFrame,
  updateFrame,
  type Incoming,
  type Refusal,
} from './wire.js';

/** A dead line is noticed after this time without a message, plus the time for an answer. */
const SILENCE_MS = 20_000;
const ANSWER_MS = 10_000;
/** An attempt that is not open and greeted by then has failed. */
const OPENING_MS = 15_000;
/** Attempts that never opened before the next transport is tried. */
const TRIES_PER_TRANSPORT = 2;
const ABNORMAL = 1006;
const EMPTY_STATE_VECTOR = new Uint8Array([0]);
const READERS: ReadonlySet<string | undefined> = new Set(['viewer', 'commenter']);

export interface ConnectionOptions {
  /** `ws://`, `wss://`, `http://` or `https://`, up to and without the name of the document. */
  readonly url: string;
  /** Name of the document, not encoded. */
  readonly document: string;
  readonly doc: Y.Doc;
  /** Who is present; null for none. Absent: a new one. */
  readonly awareness?: Awareness | null | undefined;
  readonly token?: Token | undefined;
  /** Further parameters of the query, such as `user`. */
  readonly params?: Readonly<Record<string, string>> | undefined;
  /** In the order in which they are tried. At least one. */
  readonly transports: readonly OpenTransport[];
  readonly clock?: Clock | undefined;
  /** Of the local copy, when it has one. */
  readonly epoch?: string | undefined;
  /** What the local copy holds that is not saved yet, as the state vector of what is. */
  readonly unsavedSince?: Uint8Array | undefined;
}

/** Signatures of the events. All are told after the members of the connection have changed. */
export interface ConnectionEvents {
  state: (state: ConnectionState) => void;
  save: (state: SaveState) => void;
  /** Edits of this principal that the server undid, and why. */
  undone: (refusals: readonly Refusal[]) => void;
  /** The server takes no edits of this connection. */
  denied: (reason: string) => void;
  /** The identity of this life of the document; null when it was never written. */
  hello: (epoch: string | null, role: string) => void;
  /** The document has begun another life; nothing of the local copy was sent. The state is `closed` now. */
  stale: (local: string, remote: string | null) => void;
  destroyed: () => void;
}

/** What was waited for will not come. `code` is one of docs/protocol.md, or 1000 when this side ended it. */
export class ConnectionClosedError extends Error {
  constructor(
    readonly code: number,
    reason: string,
  ) {
    super(reason);
    this.name = 'ConnectionClosedError';
  }
}

export class Connection extends ObservableV2<ConnectionEvents> {
  readonly document: string;
  readonly doc: Y.Doc;
  readonly awareness: Awareness | undefined;
  /** Role of the token here, once the server has said it. */
  role: string | undefined;
  epoch: string | undefined;

  #state: ConnectionState = { status: 'idle' };
  #saveState: SaveState = 'saved';
  #isDenied = false;
  /** What is unsaved was not written in this session, so the server may well have it. */
  #isPresumed = false;
  #unsaved = new Unsaved();
  #transport: Transport | undefined;
  #isOpen = false;
  /** A greeting whose state vector waits for `hello`. */
  #greeting: Uint8Array | undefined;
  /** Counts attempts, so that what belongs to an earlier one is ignored. */
  #generation = 0;
  #failures = 0;
  #transportIndex = 0;
  #neverOpened = 0;
  #hasRefreshedToken = false;
  #stopTimer: (() => void) | undefined;
  readonly #ownsAwareness: boolean;
  readonly #clock: Clock;
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.document = options.document;
    this.doc = options.doc;
    this.epoch = options.epoch;
    this.#ownsAwareness = options.awareness === undefined;
    this.awareness = options.awareness === null ? undefined : (options.awareness ?? new Awareness(options.doc));
    if (options.unsavedSince !== undefined) {
      const base = options.unsavedSince;
      this.#unsaved.add(Y.encodeStateAsUpdate(this.doc, base), () => base);
    } else if (this.doc.store.clients.size > 0 && options.epoch === undefined) {
      // What a document brings along may be new to the server.
      this.#isPresumed = true;
      this.#unsaved.add(Y.encodeStateAsUpdate(this.doc), () => EMPTY_STATE_VECTOR);
    }
    this.#saveState = this.#readSaveState();
    this.doc.on('update', this.#onLocalUpdate);
    this.doc.on('destroy', this.#onDocDestroy);
    this.awareness?.on('update', this.#onLocalAwareness);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get saveState(): SaveState {
    return this.#saveState;
  }

  get hasUnsavedChanges(): boolean {
    return !this.#unsaved.isEmpty;
  }

  /** Of what is saved, as far as anything is not; for whoever keeps a local copy. */
  get unsavedSince(): Uint8Array | undefined {
    return this.#unsaved.base;
  }

  /** Does nothing when it is connected or on its way. A wait is cut short. */
  connect(): void {
    const { status } = this.#state;
    if (status === 'connecting' || status === 'synced') return;
    this.#failures = 0;
    this.#hasRefreshedToken = false;
    this.#attempt();
  }

  /** Resolves once it is synced. @throws ConnectionClosedError when it is closed for good or destroyed first */
  synced(): Promise<void> {
    return this.#when(() => this.#state.status === 'synced');
  }

  /** Resolves once everything written here is durable. @throws like `synced`; when the server takes no edits */
  saved(): Promise<void> {
    return this.#when(() => this.#unsaved.isEmpty);
  }

  #when(isReached: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.off('state', check);
        this.off('save', check);
        this.off('destroyed', onDestroyed);
      };
      const onDestroyed = (): void => {
        stop();
        reject(new ConnectionClosedError(1000, 'the connection was destroyed'));
      };
      const check = (): void => {
        const state = this.#state;
        if (isReached()) {
          stop();
          resolve();
        } else if (state.status === 'closed') {
          stop();
          reject(new ConnectionClosedError(state.code, state.reason));
        } else if (this.#saveState === 'refused') {
          stop();
          reject(new ConnectionClosedError(CLOSE.forbidden, 'the server takes no edits of this connection'));
        }
      };
      this.on('state', check);
      this.on('save', check);
      this.on('destroyed', onDestroyed);
      check();
    });
  }

  /** Until `connect()` is called. */
  disconnect(): void {
    this.#drop();
    this.#setState({ status: 'idle' });
  }

  /** Cuts a wait short: the network is back, or somebody looks at the page again. */
  retryNow(): void {
    if (this.#state.status === 'offline') this.#attempt();
  }

  /** Leaves the document as it is. */
  override destroy(): void {
    if (this.awareness !== undefined) removeAwarenessStates(this.awareness, [this.doc.clientID], 'leaving');
    this.#drop();
    this.doc.off('update', this.#onLocalUpdate);
    this.doc.off('destroy', this.#onDocDestroy);
    this.awareness?.off('update', this.#onLocalAwareness);
    if (this.#ownsAwareness) this.awareness?.destroy();
    this.#setState({ status: 'idle' });
    this.emit('destroyed', []);
    super.destroy();
  }

  // ── attempts ────────────────────────────────────────────────────────────────────────────────────────────

  #attempt(): void {
    this.#drop();
    const generation = this.#generation;
    this.#setState({ status: 'connecting', attempt: this.#failures });
    this.#wait(OPENING_MS, () => this.#onClose(ABNORMAL, 'no answer'));
    readToken(this.#options.token).then(
      (token) => {
        if (generation === this.#generation) this.#open(token);
      },
      (error: unknown) => {
        if (generation === this.#generation) this.#onClose(ABNORMAL, `no token: ${String(error)}`);
      },
    );
  }

  #open(token: string | undefined): void {
    const { url, document, params, transports } = this.#options;
    const open = transports[this.#transportIndex % transports.length];
    if (open === undefined) throw new TypeError('A connection needs a transport.');
    const generation = this.#generation;
    const isCurrent = (): boolean => generation === this.#generation;
    this.#transport = open(
      { url: url.replace(/^http/, 'ws').replace(/\/+$/, ''), document, token, params: { ...params, sdk: '1' } },
      {
        onOpen: () => isCurrent() && this.#onOpen(),
        onFrame: (frame) => isCurrent() && this.#onFrame(frame),
        onClose: (code, reason) => isCurrent() && this.#onClose(code, reason),
      },
    );
  }

  #onOpen(): void {
    this.#isOpen = true;
    this.#isDenied = false;
    this.#neverOpened = 0;
    this.#send(stateVectorFrame(Y.encodeStateVector(this.doc)));
    const own = this.awareness?.getLocalState() ?? null;
    // Setting it again raises its clock: the server may have told others that this client left.
    if (own !== null) this.awareness?.setLocalState(own);
  }

  #onClose(code: number, reason: string): void {
    const isExpired = code === CLOSE.unauthenticated;
    if (!this.#isOpen && code === ABNORMAL) {
      this.#neverOpened += 1;
      if (this.#neverOpened % TRIES_PER_TRANSPORT === 0) this.#transportIndex += 1;
    }
    this.#drop();
    if (isExpired && typeof this.#options.token === 'function' && !this.#hasRefreshedToken) {
      this.#hasRefreshedToken = true;
      this.#attempt();
      return;
    }
    if (isPermanent(code)) {
      this.#setState({ status: 'closed', code, reason });
      return;
    }
    const wait = waitMs(this.#failures, code, () => this.#clock.random());
    this.#failures += 1;
    this.#wait(wait, () => this.#attempt());
    this.#setState({ status: 'offline', retryAt: this.#clock.now() + wait, code, reason });
  }

  /** Ends the attempt, whatever its state. */
  #drop(): void {
    this.#generation += 1;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#transport?.close();
    this.#transport = undefined;
    this.#isOpen = false;
    this.#greeting = undefined;
    const { awareness } = this;
    if (awareness === undefined) return;
    const others = [...awareness.getStates().keys()].filter((id) => id !== this.doc.clientID);
    if (others.length > 0) removeAwarenessStates(awareness, others, this);
  }

  #wait(ms: number, then: () => void): void {
    this.#stopTimer?.();
    this.#stopTimer = this.#clock.after(ms, then);
  }

  /** Browsers hide pings: silence is broken by a question that is always answered. */
  #watch(): void {
    this.#wait(SILENCE_MS, () => {
      this.#send(stateVectorFrame(Y.encodeStateVector(this.doc)));
      this.#wait(ANSWER_MS, () => this.#onClose(ABNORMAL, 'the line is dead'));
    });
  }

  // ── what arrives ────────────────────────────────────────────────────────────────────────────────────────

  #onFrame(frame: Uint8Array): void {
    const generation = this.#generation;
    if (this.#state.status === 'synced') this.#watch();
    else this.#wait(OPENING_MS, () => this.#onClose(ABNORMAL, 'the first sync stands still'));
    for (const message of readFrame(frame)) {
      this.#onMessage(message);
      // A stale copy ends the attempt.
      if (generation !== this.#generation) return;
    }
  }

  #onMessage(message: Incoming): void {
    switch (message.type) {
      case 'state vector':
        // Greeted again: the room started afresh and may lack what it had.
        if (this.#state.status === 'synced') this.#send(stateVectorFrame(Y.encodeStateVector(this.doc)));
        if (this.epoch === undefined) this.#reply(message.stateVector);
        else this.#greeting = message.stateVector;
        break;
      case 'hello':
        this.#onHello(message.epoch, message.role);
        break;
      case 'reply':
        this.#applyRemote(message.update);
        this.#onSynced();
        break;
      case 'update':
        this.#onUpdate(message.update);
        break;
      case 'awareness':
        if (this.awareness !== undefined) applyAwarenessUpdate(this.awareness, message.update, this);
        break;
      case 'awareness query':
        this.#sendAwareness();
        break;
      case 'denied':
        this.#isDenied = true;
        this.#updateSaveState();
        this.emit('denied', [message.reason]);
        break;
      case 'undone':
        this.emit('undone', [message.refusals]);
    }
  }

  #onHello(epoch: string | null, role: string): void {
    const local = this.epoch;
    if (local !== undefined && epoch !== local) {
      this.#drop();
      this.#setState({ status: 'closed', code: STALE_COPY, reason: 'the local copy is of an earlier life' });
      this.emit('stale', [local, epoch]);
      return;
    }
    this.epoch = epoch ?? undefined;
    this.role = role;
    const greeting = this.#greeting;
    this.#greeting = undefined;
    if (greeting !== undefined) this.#reply(greeting);
    this.emit('hello', [epoch, role]);
  }

  #reply(stateVector: Uint8Array): void {
    this.#send(replyFrame(Y.encodeStateAsUpdate(this.doc, stateVector)));
  }

  #onSynced(): void {
    this.#failures = 0;
    this.#hasRefreshedToken = false;
    // A reader's copy came from the server; sending it back would be refused.
    if (this.#isPresumed && !this.#isDenied && READERS.has(this.role)) this.#unsaved = new Unsaved();
    this.#isPresumed = false;
    if (this.#state.status === 'synced') this.#updateSaveState();
    else this.#setState({ status: 'synced' });
    this.#watch();
    this.#askForEcho();
  }

  #onUpdate(update: Uint8Array): void {
    this.#applyRemote(update);
    // Parts of a first sync come as updates too, and may hold what is not durable yet.
    if (this.#state.status !== 'synced' || this.#unsaved.isEmpty) return;
    const { isPartial } = this.#unsaved.confirm(update);
    if (isPartial) this.#askForEcho();
    this.#updateSaveState();
  }

  /** What the server knows already it sends back as it came, once all earlier edits are durable. */
  #askForEcho(): void {
    const { base } = this.#unsaved;
    if (base !== undefined && !this.#isDenied) this.#send(updateFrame(Y.encodeStateAsUpdate(this.doc, base)));
  }

  #applyRemote(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, this);
  }

  // ── what is written here ────────────────────────────────────────────────────────────────────────────────

  readonly #onLocalUpdate = (
    update: Uint8Array,
    origin: unknown,
    _doc: Y.Doc,
    { beforeState }: Y.Transaction,
  ): void => {
    if (origin === this) return;
    this.#isPresumed = false;
    this.#unsaved.add(update, () => Y.encodeStateVector(beforeState));
    // Before the greeting is answered, the answer holds it.
    if (this.#isOpen && this.#greeting === undefined) this.#send(updateFrame(update));
    this.#updateSaveState();
  };

  readonly #onLocalAwareness = (
    { added, updated, removed }: { added: number[]; updated: number[]; removed: number[] },
    origin: unknown,
  ): void => {
    if (origin === this) return;
    // Everybody tells of themselves alone; the server tells who left.
    const own = this.doc.clientID;
    if ([added, updated, removed].some((clients) => clients.includes(own))) this.#sendAwareness();
  };

  readonly #onDocDestroy = (): void => this.destroy();

  #sendAwareness(): void {
    const { awareness } = this;
    const own = this.doc.clientID;
    if (!this.#isOpen || awareness?.meta.has(own) !== true) return;
    this.#send(awarenessFrame(encodeAwarenessUpdate(awareness, [own])));
  }

  #send(frame: Uint8Array): void {
    if (this.#isOpen) this.#transport?.send(frame);
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.emit('state', [state]);
    this.#updateSaveState();
  }

  #updateSaveState(): void {
    const state = this.#readSaveState();
    if (state === this.#saveState) return;
    this.#saveState = state;
    this.emit('save', [state]);
  }

  #readSaveState(): SaveState {
    if (this.#unsaved.isEmpty) return 'saved';
    const { status } = this.#state;
    if (this.#isDenied || status === 'closed') return 'refused';
    return status === 'synced' ? 'saving' : 'offline';
  }
}
