/**
 * A hydrated document: the Y.Doc, what one transaction emitted, and the frames that joiners get.
 */
import * as Y from 'yjs';
import { deflatedFrame, deflatedFrameLater } from '../../protocol/deflated-frame.js';
import { syncStep2Frame, updateFrame } from '../../protocol/messages.js';
import { encodeStateInChunks } from '../../protocol/state-chunks.js';

export type StateVector = ReadonlyMap<number, number>;

export interface Emission<T> {
  readonly result: T;
  /** What the transaction changed, as one update; undefined when it changed nothing. */
  readonly update: Uint8Array | undefined;
  /** The state before the transaction. */
  readonly before: StateVector;
}

/** Larger first syncs go out in several messages: bytes keep flowing on a slow line. */
const JOIN_CHUNK_BYTES = 256 * 1024;
/** Differences kept for clients that come back with the same state vector (a restart, a lost network). */
const MAX_CACHED_DIFFERENCES = 16;
/**
 * Of all of them, with their state vectors, and of a larger document twice its size: who makes up one after the other would
 * have it in memory that many times.
 */
const MAX_CACHED_DIFFERENCE_BYTES = 4 * 1024 * 1024;
/** A Y.Doc in memory takes a multiple of its encoding; measured at 5 to 12 for typed text. */
const HYDRATED_FACTOR = 8;
const HYDRATED_BASE_BYTES = 16 * 1024;

/** Compressed at once up to this size, in some 5 ms; above, on another thread, and who joins meanwhile gets it plain. */
const DEFLATE_AT_ONCE_BYTES = 512 * 1024;

const EMPTY_UPDATE = Uint8Array.from([0, 0]);

/** The whole state at some version. */
interface Base {
  /** The last one is a sync step 2. */
  readonly frames: readonly Buffer[];
  /** The same with an update in its place, for when more follows. */
  readonly asUpdates: readonly Buffer[];
  readonly bytes: number;
  /** Both once more, compressed; undefined until somebody asks, and while it is being done on another thread. */
  deflated: Pick<Base, 'frames' | 'asUpdates'> | undefined;
  isDeflating: boolean;
}

export class LiveDocument {
  readonly doc = new Y.Doc();
  /** Grows with every change. */
  version = 0;
  /** At least the encoded size; exact after `measure`. */
  encodedBytes = 0;

  #emitted: Uint8Array | undefined;
  #before: StateVector = new Map();
  /** The last change threw, and may have been done in part. */
  #isHalfChanged = false;
  /** With the updates since. */
  #base: Base | undefined;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #stateVector: { readonly version: number; readonly bytes: Uint8Array } | undefined;
  #differences = new Map<string, readonly Buffer[]>();
  #differenceBytes = 0;

  constructor(updates: Iterable<Uint8Array>) {
    Y.transact(
      this.doc,
      () => {
        for (const update of updates) {
          Y.applyUpdate(this.doc, update);
          this.encodedBytes += update.length;
        }
      },
      undefined,
      false,
    );
    this.doc.on('update', (update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
      this.#emitted = update;
      this.#before = transaction.beforeState;
    });
    // Yjs makes the list for the next transaction as soon as this one is over. In a quiet room it is promoted by V8 meanwhile,
    // and then holds that transaction through one more collection.
    this.doc.on('afterAllTransactions', (_doc: Y.Doc, transactions: Y.Transaction[]) => {
      transactions.length = 0;
    });
  }

  /** HOT PATH. Runs `change` as one transaction. What it throws is thrown on, after Yjs has committed what was done. */
  transact<T>(change: (transaction: Y.Transaction) => T): Emission<T> {
    this.#emitted = undefined;
    this.#isHalfChanged = true;
    const result = Y.transact<T>(this.doc, (transaction) => {
      try {
        return change(transaction);
      } finally {
        // Applying an update marks the transaction as remote, and Yjs gives a doc whose own id wrote in a remote
        // transaction a new id: each correction by the server would lengthen every state vector for ever.
        transaction.local = true;
      }
    });
    this.#isHalfChanged = false;
    const update = this.#emitted as Uint8Array | undefined;
    this.#emitted = undefined;
    if (update !== undefined) this.#remember(update);
    return { result, update, before: this.#before };
  }

  #remember(update: Uint8Array): void {
    this.version += 1;
    this.encodedBytes += update.length;
    if (this.#differences.size > 0) this.#forgetDifferences();
    if (this.#base === undefined) return;
    this.#tail.push(update);
    this.#tailBytes += update.length;
    // Past this, a fresh encoding costs a joiner less than the tail.
    if (this.#tailBytes > this.#base.bytes / 2 + 4096) this.#dropBase();
  }

  #dropBase(): void {
    this.#base = undefined;
    this.#tail = [];
    this.#tailBytes = 0;
  }

  /** Bytes of updates that wait for others to arrive. */
  get pendingBytes(): number {
    const { pendingStructs, pendingDs } = this.doc.store;
    return (pendingStructs?.update.length ?? 0) + (pendingDs?.length ?? 0);
  }

  get hydratedBytes(): number {
    return HYDRATED_BASE_BYTES + this.encodedBytes * HYDRATED_FACTOR;
  }

  /** Encoded once per version. */
  stateVector(): Uint8Array {
    if (this.#stateVector?.version !== this.version) {
      this.#stateVector = { version: this.version, bytes: Y.encodeStateVector(this.doc) };
    }
    return this.#stateVector.bytes;
  }

  encode(stateVector?: Uint8Array): Uint8Array {
    return Y.encodeStateAsUpdate(this.doc, stateVector);
  }

  /** Corrects `encodedBytes`, which otherwise only grows. */
  measure(): number {
    this.encodedBytes = this.encode().length;
    return this.encodedBytes;
  }

  /**
   * The answer to a client's state vector, as whole frames: the last one is a sync step 2, those before it are updates.
   * Shared between joiners: 150 of them hold one buffer. `wasCached` tells whether anything had to be encoded.
   * @param takesDeflated may be sent the whole state compressed
   */
  joinFrames(
    stateVector: Uint8Array,
    takesDeflated = false,
  ): { readonly frames: readonly Buffer[]; readonly wasCached: boolean } {
    if (stateVector.length <= 1) return this.#wholeState(takesDeflated);
    const key = Buffer.from(stateVector).toString('latin1');
    const cached = this.#differences.get(key);
    if (cached !== undefined) return { frames: cached, wasCached: true };
    const frames = this.#differenceFrames(Y.decodeStateVector(stateVector));
    const bytes = frames.reduce((sum, frame) => sum + frame.length, key.length);
    const maxBytes = Math.max(MAX_CACHED_DIFFERENCE_BYTES, 2 * this.encodedBytes);
    const isFull = this.#differences.size >= MAX_CACHED_DIFFERENCES;
    if (isFull || this.#differenceBytes + bytes > maxBytes) this.#forgetDifferences();
    // The last one always stays: after a restart a crowd comes back with the same.
    this.#differences.set(key, frames);
    this.#differenceBytes += bytes;
    return { frames, wasCached: false };
  }

  #forgetDifferences(): void {
    this.#differences.clear();
    this.#differenceBytes = 0;
  }

  #wholeState(takesDeflated: boolean): { frames: readonly Buffer[]; wasCached: boolean } {
    let wasCached = true;
    if (this.#base === undefined) {
      const chunks = this.#chunks(new Map());
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      const updates = chunks.slice(0, -1).map(updateFrame);
      const last = chunks[chunks.length - 1] ?? EMPTY_UPDATE;
      const frames = [...updates, syncStep2Frame(last)];
      const asUpdates = [...updates, updateFrame(last)];
      this.#base = { frames, asUpdates, bytes, deflated: undefined, isDeflating: false };
      this.encodedBytes = bytes;
      wasCached = false;
    }
    const { frames, asUpdates } = (takesDeflated ? deflatedOf(this.#base) : undefined) ?? this.#base;
    if (this.#tail.length === 0) return { frames, wasCached };
    if (this.#tail.length > 1) this.#tail = [Y.mergeUpdates(this.#tail)];
    // A client takes itself for synced at the first step 2, so that one has to come last.
    return { frames: [...asUpdates, syncStep2Frame(this.#tail[0] ?? EMPTY_UPDATE)], wasCached };
  }

  /** What everybody has who was sent all that this document emitted. */
  told(): StateVector {
    return this.#isHalfChanged ? this.#before : Y.decodeStateVector(this.stateVector());
  }

  /** What arose since `known`, as frames of updates; for a client that fell behind. */
  differenceSince(known: StateVector): readonly Buffer[] {
    return this.#chunks(known).map(updateFrame);
  }

  #differenceFrames(known: StateVector): readonly Buffer[] {
    const chunks = this.#chunks(known);
    const last = chunks[chunks.length - 1] ?? EMPTY_UPDATE;
    return [...chunks.slice(0, -1).map(updateFrame), syncStep2Frame(last)];
  }

  #chunks(known: StateVector): Uint8Array[] {
    // Yjs would add what waits for others, which is in no log and may be the receiver's own: it would take it for saved.
    const isWhole = this.encodedBytes <= JOIN_CHUNK_BYTES && this.pendingBytes === 0;
    if (!isWhole) return encodeStateInChunks(this.doc, JOIN_CHUNK_BYTES, known);
    return [Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(known as Map<number, number>))];
  }

  destroy(): void {
    this.#dropBase();
    this.#forgetDifferences();
    this.doc.destroy();
  }
}

/** Once for each base, for all who join it. */
function deflatedOf(base: Base): Base['deflated'] {
  if (base.deflated !== undefined || base.isDeflating) return base.deflated;
  if (base.bytes <= DEFLATE_AT_ONCE_BYTES) {
    base.deflated = { frames: base.frames.map(deflatedFrame), asUpdates: base.asUpdates.map(deflatedFrame) };
    return base.deflated;
  }
  base.isDeflating = true;
  void deflateLater(base);
  return undefined;
}

/** One after the other: the store needs the threads too. Without memory for it, frames stay as they are. */
async function deflateLater(base: Base): Promise<void> {
  const updates: Buffer[] = [];
  try {
    for (const plain of base.asUpdates) updates.push(await deflatedFrameLater(plain));
    const last = base.frames[base.frames.length - 1];
    const step2 = last === undefined ? [] : [await deflatedFrameLater(last)];
    base.deflated = { frames: [...updates.slice(0, -1), ...step2], asUpdates: updates };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
