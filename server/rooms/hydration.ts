/**
 * A room's document out of the log: loaded, followed where the log is shared, given up and loaded again when memory does
 * not hold what is stored. What it means for the connections is the room's.
 */
import type { LoadedDocument, Subscription } from '../storage/document-log.js';
import { DocumentCorruptedError, DocumentErasedError } from '../storage/errors.js';
import { Delivery } from './delivery/delivery.js';
import { Publisher, type PublisherOwner } from './delivery/publisher.js';
import { LiveDocument, type StateVector } from './document/live-document.js';
import type { Edits } from './editing/edits.js';
import { DocumentUnavailableError } from './errors.js';
import type { RoomStateName } from './life-cycle.js';
import type { RoomNode } from './room-node.js';

export interface HydrationOwner extends PublisherOwner {
  /** What was loaded is of use as long as this is `loading`. */
  readonly state: RoomStateName;
  readonly edits: Edits;
  /** The document is here. */
  onLoaded(): void;
  /** It is not; it has been logged why. */
  onLoadFailed(error: unknown): void;
  /** What memory holds lacks what the log says from here on. */
  onFellBehind(): void;
}

/** A loaded document with what belongs to it alone: begun again with every load. */
interface Hydrated {
  readonly live: LiveDocument;
  readonly delivery: Delivery;
  readonly publisher: Publisher;
}

export class Hydration {
  #hydrated: Hydrated | undefined;
  #subscription: Subscription | undefined;
  #ready: Promise<void>;
  /** What the document held that was given up: others have written to a shared log since. */
  #told: StateVector | undefined;
  /** Grows with every load and reload: an earlier load than the last has nothing more to say. */
  #loads = 0;

  /** Begins to load. */
  constructor(
    private readonly document: string,
    private readonly node: RoomNode,
    private readonly room: HydrationOwner,
  ) {
    this.#ready = this.#load();
    // Whoever waits for `ready` sees the error; a room that nobody waits for must not end the process.
    this.#ready.catch(() => undefined);
  }

  get live(): LiveDocument | undefined {
    return this.#hydrated?.live;
  }

  get delivery(): Delivery | undefined {
    return this.#hydrated?.delivery;
  }

  get publisher(): Publisher | undefined {
    return this.#hydrated?.publisher;
  }

  /** @throws DocumentErasedError, DocumentCorruptedError, DocumentUnavailableError */
  async ready(): Promise<LiveDocument> {
    for (let awaited: Promise<void> | undefined; awaited !== this.#ready;) {
      awaited = this.#ready;
      await awaited;
    }
    if (this.live === undefined) throw new DocumentUnavailableError(this.document);
    return this.live;
  }

  async #load(): Promise<void> {
    const { log } = this.node;
    this.#loads += 1;
    const load = this.#loads;
    const isOver = (): boolean => load !== this.#loads;
    // While it loads, the document may be erased.
    const isAwaited = (): boolean => this.room.state === 'loading' && !isOver();
    try {
      const loaded = await log.load(this.document);
      if (!isAwaited()) return;
      const startedAt = performance.now();
      this.#hydrate(new LiveDocument(contentOf(loaded)));
      this.node.onWork(this.document, performance.now() - startedAt);
      this.room.journal.start(loaded);
      if (log.isShared) {
        const subscription = await log.subscribe(
          this.document,
          loaded.position,
          (entries) => {
            if (!isOver()) this.room.edits.applyForeign(entries);
          },
          () => {
            if (!isOver()) this.room.onFellBehind();
          },
        );
        if (isOver() || this.#hydrated === undefined) {
          await subscription.close();
          return;
        }
        this.#subscription = subscription;
      }
    } catch (error) {
      if (isOver()) return;
      this.#onLoadFailed(error);
      // What is final is told as what it is.
      const isFinal = error instanceof DocumentErasedError || error instanceof DocumentCorruptedError;
      throw isFinal ? error : new DocumentUnavailableError(this.document, { cause: error });
    }
    if (isAwaited()) this.room.onLoaded();
  }

  #hydrate(live: LiveDocument): void {
    const { counters } = this.node;
    const delivery = new Delivery(live, counters.delivery);
    const publisher = new Publisher(this.document, this.room, delivery, counters);
    this.#hydrated = { live, delivery, publisher };
  }

  #onLoadFailed(error: unknown): void {
    if (this.room.state !== 'loading') return;
    this.#drop();
    if (!(error instanceof DocumentErasedError)) {
      this.#tellLoadFailed(error);
      this.node.counters.errors('document_load');
    }
    this.room.onLoadFailed(error);
  }

  #tellLoadFailed(error: unknown): void {
    const { logger, loadFailures } = this.node;
    const leftOut = loadFailures.leftOut(this.document);
    const isDamaged = error instanceof DocumentCorruptedError;
    const message = isDamaged
      ? 'a stored document is damaged and cannot be loaded; it is never overwritten, others are served'
      : 'document cannot be loaded; it is tried again when somebody asks for it';
    const facts = { err: error, document: this.document };
    if (leftOut === undefined) logger.debug(facts, message);
    else logger.error(leftOut === 0 ? facts : { ...facts, repeated: leftOut }, message);
  }

  /** Gives the document up, and loads it when all that was appended from it is in the log or refused. */
  restart(): void {
    this.#loads += 1;
    const abandoned = this.live;
    this.delivery?.end();
    if (this.node.log.isShared) this.#told ??= abandoned?.told();
    this.#hydrated = undefined;
    this.#ready = this.room.journal
      .settled()
      .then(() => this.#subscription?.close())
      .then(() => {
        abandoned?.destroy();
        return this.#load();
      });
    this.#ready.catch(() => undefined);
  }

  /** Those who stayed are not asked what they have: they are told what the log had more than the document given up. */
  tellRest(): void {
    const told = this.#told;
    this.#told = undefined;
    if (told !== undefined && this.live !== undefined)
      this.publisher?.send(Buffer.concat(this.live.differenceSince(told)), told);
  }

  /** The room has no use for the document any more. */
  end(): void {
    void this.#subscription?.close();
    this.#subscription = undefined;
    this.#drop();
  }

  #drop(): void {
    this.live?.destroy();
    this.#hydrated = undefined;
  }
}

function* contentOf({ snapshot, updates }: LoadedDocument): Iterable<Uint8Array> {
  if (snapshot !== undefined) yield snapshot;
  for (const { update } of updates) yield update;
}
