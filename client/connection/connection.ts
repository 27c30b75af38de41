/**
 * A stock Y.Doc kept in step with a document of the server.
 *
 * At each greeting the server sends its state vector, who is present, and `hello`. Where the epoch of the local copy is
 * known, the answer to the state vector waits for `hello`: a copy from an earlier life must not be merged into a new one.
 */
import { ObservableV2 } from 'lib0/observable';
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { CLOSE } from './close-codes.js';
import { ConnectionClosedError, type ConnectionEvents } from './events.js';
import { Line, type LineTarget } from './line.js';
import { STALE_COPY, realClock, type Clock, type ConnectionState, type SaveState } from './state.js';
import { Unsaved } from './unsaved.js';
import { awarenessFrame, readFrame, replyFrame, stateVectorFrame, updateFrame, type Incoming } from './wire.js';

const EMPTY_STATE_VECTOR = new Uint8Array([0]);
const READERS: ReadonlySet<string | undefined> = new Set(['viewer', 'commenter']);

/** `url`: `ws://`, `wss://`, `http://` or `https://`, up to and without the name of the document, which is not encoded. */
export interface ConnectionOptions extends LineTarget {
  readonly doc: Y.Doc;
  /** Who is present; null for none. Absent: a new one. */
  readonly awareness?: Awareness | null | undefined;
  readonly clock?: Clock | undefined;
  /** Of the local copy, when it has one. */
  readonly epoch?: string | undefined;
  /** What the local copy holds that is not saved yet, as the state vector of what is. */
  readonly unsavedSince?: Uint8Array | undefined;
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
  #isDestroyed = false;
  /** What is unsaved was not written in this session, so the server may well have it. */
  #isPresumed = false;
  #unsaved = new Unsaved();
  /** A greeting whose state vector waits for `hello`. */
  #greeting: Uint8Array | undefined;
  /** The server has said which life of the document this line leads to. */
  #isGreeted = false;
  readonly #line: Line;
  readonly #ownsAwareness: boolean;

  constructor(options: ConnectionOptions) {
    super();
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
    this.#line = new Line(
      options,
      {
        onConnecting: (attempt) => this.#setState({ status: 'connecting', attempt }),
        onOpen: () => this.#onOpen(),
        onFrame: (frame) => this.#onFrame(frame),
        onSilence: () => this.#sendStateVector(),
        onDrop: () => this.#onDrop(),
        onOffline: (retryAt, code, reason) => this.#setState({ status: 'offline', retryAt, code, reason }),
        onClosed: (code, reason) => this.#setState({ status: 'closed', code, reason }),
      },
      options.clock ?? realClock,
    );
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

  /** Does nothing when it is connected, on its way or destroyed. A wait is cut short. */
  connect(): void {
    const { status } = this.#state;
    // It hears no more of its document: edits would be neither sent nor missed.
    if (this.#isDestroyed) return;
    if (status === 'connecting' || status === 'synced') return;
    this.#line.connect();
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
    this.#line.drop();
    this.#setState({ status: 'idle' });
  }

  /** Cuts a wait short: the network is back, or somebody looks at the page again. */
  retryNow(): void {
    if (this.#state.status === 'offline') this.#line.retry();
  }

  /** Leaves the document as it is. */
  override destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    if (this.awareness !== undefined) removeAwarenessStates(this.awareness, [this.doc.clientID], 'leaving');
    this.#line.drop();
    this.doc.off('update', this.#onLocalUpdate);
    this.doc.off('destroy', this.#onDocDestroy);
    this.awareness?.off('update', this.#onLocalAwareness);
    if (this.#ownsAwareness) this.awareness?.destroy();
    this.#setState({ status: 'idle' });
    this.emit('destroyed', []);
    super.destroy();
  }

  // ── the line ────────────────────────────────────────────────────────────────────────────────────────────

  #onOpen(): void {
    this.#isDenied = false;
    this.#sendStateVector();
    const own = this.awareness?.getLocalState() ?? null;
    // Setting it again raises its clock: the server may have told others that this client left.
    if (own !== null) this.awareness?.setLocalState(own);
  }

  #onDrop(): void {
    this.#greeting = undefined;
    this.#isGreeted = false;
    const { awareness } = this;
    if (awareness === undefined) return;
    const others = [...awareness.getStates().keys()].filter((id) => id !== this.doc.clientID);
    if (others.length > 0) removeAwarenessStates(awareness, others, this);
    // Their clocks too: who has not moved meanwhile comes back with the same one, which would count as known.
    for (const id of awareness.meta.keys()) if (id !== this.doc.clientID) awareness.meta.delete(id);
  }

  // ── what arrives ────────────────────────────────────────────────────────────────────────────────────────

  #onFrame(frame: Uint8Array): void {
    for (const message of readFrame(frame)) {
      this.#onMessage(message);
      // A stale copy ends the attempt.
      if (!this.#line.isOpen) return;
    }
  }

  #onMessage(message: Incoming): void {
    switch (message.type) {
      case 'state vector':
        // Greeted again: the room started afresh and may lack what it had.
        if (this.#state.status === 'synced') this.#sendStateVector();
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
      this.#line.drop();
      this.#setState({ status: 'closed', code: STALE_COPY, reason: 'the local copy is of an earlier life' });
      this.emit('stale', [local, epoch]);
      return;
    }
    this.epoch = epoch ?? undefined;
    this.role = role;
    this.#isGreeted = true;
    const greeting = this.#greeting;
    this.#greeting = undefined;
    if (greeting !== undefined) this.#reply(greeting);
    this.emit('hello', [epoch, role]);
  }

  #reply(stateVector: Uint8Array): void {
    this.#line.send(replyFrame(Y.encodeStateAsUpdate(this.doc, stateVector)));
  }

  #onSynced(): void {
    // A reader's copy came from the server; sending it back would be refused.
    if (this.#isPresumed && !this.#isDenied && READERS.has(this.role)) this.#unsaved = new Unsaved();
    this.#isPresumed = false;
    if (this.#state.status === 'synced') this.#updateSaveState();
    else this.#setState({ status: 'synced' });
    this.#line.establish();
    this.#askForEcho();
  }

  #onUpdate(update: Uint8Array): void {
    this.#applyRemote(update);
    // Parts of a first sync come as updates too, and may hold what is not durable yet.
    if (this.#state.status !== 'synced' || this.#unsaved.isEmpty) return;
    const { isPartial } = this.#unsaved.confirm(update, this.doc.clientID);
    if (isPartial) this.#askForEcho();
    this.#updateSaveState();
  }

  /** What the server knows already it sends back as it came, once all earlier edits are durable. */
  #askForEcho(): void {
    const { base } = this.#unsaved;
    if (base !== undefined && !this.#isDenied) this.#line.send(updateFrame(Y.encodeStateAsUpdate(this.doc, base)));
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
    // Before the greeting is answered, the answer holds it; an edit of an earlier life must not get ahead of `hello`.
    const isKnownLife = this.epoch === undefined || this.#isGreeted;
    if (isKnownLife && this.#greeting === undefined) this.#line.send(updateFrame(update));
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
    if (!this.#line.isOpen || awareness?.meta.has(own) !== true) return;
    this.#line.send(awarenessFrame(encodeAwarenessUpdate(awareness, [own])));
  }

  #sendStateVector(): void {
    this.#line.send(stateVectorFrame(Y.encodeStateVector(this.doc)));
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
