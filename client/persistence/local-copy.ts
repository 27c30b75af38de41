/**
 * A document kept in the browser, so that it opens without a network and unsaved edits outlive the page.
 *
 *   updates   {document, update}                      appended; folded into one when there are many
 *   copies    document → epoch                        the life of the document that the copy belongs to
 *   unsaved   session → {document, since, edits}      what a page had written that the server had not confirmed
 *   aside     {document, epoch, update, since, at}    copies of an earlier life: never merged, kept until discarded
 *
 * Several pages may hold the same document: they append to one copy, and each remembers what it has not saved.
 */
import * as Y from 'yjs';
import type { Connection } from '../connection/connection.js';
import { STALE_COPY } from '../connection/state.js';
import { CLOSE } from '../connection/close-codes.js';
import { Database, done, type IdbFactory } from './indexed-db.js';

const STORES = ['updates', 'copies', 'unsaved', 'aside'] as const;
/** Updates of one document before they are folded. */
const FOLD_AFTER = 200;

export interface LocalCopyOptions {
  /** Absent: a new one. Updates are merged into it. */
  readonly doc?: Y.Doc;
  /** Keeps people apart who share a browser: the id of the user. */
  readonly user?: string;
  /** Absent: the global one. */
  readonly indexedDB?: IdbFactory;
  /** A write that failed: the disk may be full. The connection goes on without it. Absent: it is thrown unhandled. */
  readonly onError?: (error: unknown) => void;
}

export interface CopySetAside {
  readonly document: string;
  readonly epoch: string | undefined;
  /** The whole state, as a Yjs update. */
  readonly update: Uint8Array;
  /** What the server had never confirmed, as an update on top of the rest; undefined when that is nothing. */
  readonly unsaved: Uint8Array | undefined;
  /** When it was set aside, in milliseconds since 1970. */
  readonly at: number;
}

interface StoredUpdate {
  readonly document: string;
  readonly update: Uint8Array;
}
interface StoredUnsaved {
  readonly document: string;
  readonly since: Uint8Array;
  /** Counts what the page has written: another one may save a part of it. Absent in copies of earlier versions. */
  readonly edits?: number;
}
interface StoredAside {
  readonly document: string;
  readonly epoch: string | undefined;
  readonly update: Uint8Array;
  /** State vector of what was saved; undefined when all was. */
  readonly since: Uint8Array | undefined;
  readonly at: number;
}

/** Hand it to `open…` as `{ doc: copy.doc, copy }`, then call `follow`. @throws what IndexedDB says */
export async function openLocalCopy(document: string, options: LocalCopyOptions = {}): Promise<LocalCopy> {
  const factory = options.indexedDB ?? (globalThis as { indexedDB?: IdbFactory }).indexedDB;
  if (factory === undefined) throw new Error('There is no IndexedDB here.');
  const database = await Database.open(factory, `formloom/${options.user ?? ''}`, (create) => {
    create('updates', { autoIncrement: true }).createIndex('document', 'document');
    create('copies');
    create('unsaved').createIndex('document', 'document');
    create('aside', { autoIncrement: true }).createIndex('document', 'document');
  });
  const doc = options.doc ?? new Y.Doc();
  const loaded = await database.write(STORES, async (store) => {
    const [updates, epoch, unsaved, sessions] = await Promise.all([
      done(store('updates').index('document').getAll(document)),
      done(store('copies').get(document)),
      done(store('unsaved').index('document').getAll(document)),
      done(store('unsaved').index('document').getAllKeys(document)),
    ]);
    return { updates, epoch, unsaved, sessions };
  });
  const updates = (loaded.updates as StoredUpdate[]).map(({ update }) => update);
  if (updates.length > 0) Y.applyUpdate(doc, Y.mergeUpdates(updates));
  return new LocalCopy(database, document, doc, {
    epoch: typeof loaded.epoch === 'string' ? loaded.epoch : undefined,
    unsavedSince: leastOf((loaded.unsaved as StoredUnsaved[]).map(({ since }) => since)),
    sessions: new Map(loaded.sessions.map((session, i) => [session, (loaded.unsaved as StoredUnsaved[])[i]?.edits])),
    updates: updates.length,
    onError: options.onError,
  });
}

export class LocalCopy {
  readonly epoch: string | undefined;
  readonly unsavedSince: Uint8Array | undefined;
  readonly #session = `${Date.now()}-${Math.random()}`;
  /** Pages before this one, whose unsaved edits are ours now, and how many each had written. */
  #inherited: ReadonlyMap<unknown, number | undefined>;
  #edits = 0;
  #updates: number;
  #writing: Promise<unknown> = Promise.resolve();
  #unfollow: (() => void) | undefined;
  #hasUnsaved = false;
  readonly #onError: ((error: unknown) => void) | undefined;

  /** Made by `openLocalCopy`. */
  constructor(
    private readonly database: Database,
    readonly document: string,
    readonly doc: Y.Doc,
    loaded: {
      readonly epoch: string | undefined;
      readonly unsavedSince: Uint8Array | undefined;
      readonly sessions: ReadonlyMap<unknown, number | undefined>;
      readonly updates: number;
      readonly onError: ((error: unknown) => void) | undefined;
    },
  ) {
    this.epoch = loaded.epoch;
    this.unsavedSince = loaded.unsavedSince;
    this.#inherited = loaded.sessions;
    this.#updates = loaded.updates;
    this.#onError = loaded.onError;
  }

  /** Keeps what happens from now on. A copy of another life is set aside; one of a deleted document is deleted. */
  follow(connection: Connection): void {
    const onUpdate = (update: Uint8Array): void => this.#append(update, connection.unsavedSince);
    const onSave = (): void => {
      if (!connection.hasUnsavedChanges) this.#markSaved();
    };
    const onHello = (epoch: string | null): void => {
      if (epoch !== null) this.#run(['copies'], async (store) => done(store('copies').put(epoch, this.document)));
    };
    const onState = (): void => {
      const { state } = connection;
      if (state.status !== 'closed' || (state.code !== STALE_COPY && state.code !== CLOSE.deleted)) return;
      this.#unfollow?.();
      if (state.code === STALE_COPY) this.#setAside(connection.unsavedSince);
      else this.#run(STORES, (store) => this.#clear(store));
    };
    // After the connection's own listener: by then it knows what is unsaved.
    this.doc.on('update', onUpdate);
    connection.on('save', onSave);
    connection.on('hello', onHello);
    connection.on('state', onState);
    this.#unfollow = () => {
      this.doc.off('update', onUpdate);
      connection.off('save', onSave);
      connection.off('hello', onHello);
      connection.off('state', onState);
    };
  }

  /** Resolves when everything until now is on the disk. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /** Copies of earlier lives of the document, oldest first. */
  async setAside(): Promise<readonly CopySetAside[]> {
    await this.#writing;
    const found = await this.database.write(['aside'], (store) =>
      done(store('aside').index('document').getAll(this.document)),
    );
    return (found as StoredAside[]).map(({ document, epoch, update, since, at }) => {
      return { document, epoch, update, unsaved: since && Y.diffUpdate(update, since), at };
    });
  }

  async discardSetAside(): Promise<void> {
    await this.database.write(['aside'], async (store) => {
      const keys = await done(store('aside').index('document').getAllKeys(this.document));
      await Promise.all(keys.map((key) => done(store('aside').delete(key))));
    });
  }

  /** Stops following, and deletes what was kept of the document. The document itself stays as it is. */
  async discard(): Promise<void> {
    this.#unfollow?.();
    this.#run(STORES, (store) => this.#clear(store));
    await this.discardSetAside();
    await this.#writing;
  }

  /** Stops following, and writes what is left. */
  async close(): Promise<void> {
    this.#unfollow?.();
    await this.#writing;
    this.database.close();
  }

  #append(update: Uint8Array, since: Uint8Array | undefined): void {
    const { document } = this;
    const isFolding = (this.#updates += 1) > FOLD_AFTER;
    if (isFolding) this.#updates = 1;
    if (since !== undefined) this.#hasUnsaved = true;
    const edits = (this.#edits += 1);
    this.#run(['updates', 'unsaved'], async (store) => {
      if (since !== undefined) store('unsaved').put({ document, since, edits } satisfies StoredUnsaved, this.#session);
      const written = done(store('updates').put({ document, update } satisfies StoredUpdate));
      if (!isFolding) return written;
      const [updates, keys] = await Promise.all([
        done(store('updates').index('document').getAll(document)),
        done(store('updates').index('document').getAllKeys(document)),
      ]);
      const whole = Y.mergeUpdates((updates as StoredUpdate[]).map((stored) => stored.update));
      for (const key of keys) store('updates').delete(key);
      return done(store('updates').put({ document, update: whole } satisfies StoredUpdate));
    });
  }

  #markSaved(): void {
    const sessions = [...this.#inherited.keys()];
    const inherited = this.#inherited;
    const isOwn = this.#hasUnsaved;
    this.#hasUnsaved = false;
    this.#inherited = new Map();
    if (sessions.length === 0 && !isOwn) return;
    this.#run(['unsaved'], async (store) => {
      const records = await Promise.all(sessions.map((session) => done(store('unsaved').get(session))));
      // A page that is still open, and has written more since, tells by itself when that is saved.
      const over = sessions.filter(
        (session, i) => (records[i] as StoredUnsaved | undefined)?.edits === inherited.get(session),
      );
      if (isOwn) over.push(this.#session);
      await Promise.all(over.map((session) => done(store('unsaved').delete(session))));
    });
  }

  /** Pages that hold the same copy set it aside one after the other: it stays one. */
  #setAside(unsavedSince: Uint8Array | undefined): void {
    const { document, epoch } = this;
    const own = Y.encodeStateAsUpdate(this.doc);
    this.#run(STORES, async (store) => {
      const [updates, unsaved, asides, keys] = await Promise.all([
        done(store('updates').index('document').getAll(document)) as Promise<StoredUpdate[]>,
        done(store('unsaved').index('document').getAll(document)) as Promise<StoredUnsaved[]>,
        done(store('aside').index('document').getAll(document)) as Promise<StoredAside[]>,
        done(store('aside').index('document').getAllKeys(document)),
      ]);
      const index = asides.findIndex((aside) => aside.epoch === epoch);
      const before = asides[index];
      const parts = [...(before === undefined ? [] : [before]), ...updates].map(({ update }) => update);
      const vectors = [unsavedSince, before?.since, ...unsaved.map(({ since }) => since)];
      const aside: StoredAside = {
        document,
        epoch,
        update: Y.mergeUpdates([...parts, own]),
        since: leastOf(vectors.filter((since) => since !== undefined)),
        at: Date.now(),
      };
      store('aside').put(aside, ...(before === undefined ? [] : [keys[index]]));
      await this.#clear(store);
    });
  }

  async #clear(store: Parameters<Parameters<Database['write']>[1]>[0]): Promise<void> {
    for (const name of ['updates', 'unsaved'] as const) {
      const keys = await done(store(name).index('document').getAllKeys(this.document));
      await Promise.all(keys.map((key) => done(store(name).delete(key))));
    }
    await done(store('copies').delete(this.document));
  }

  /** One write after the other. */
  #run<T>(stores: readonly string[], run: Parameters<typeof this.database.write<T>>[1]): void {
    const written = this.#writing.then(() => this.database.write(stores, run));
    this.#writing = this.#onError === undefined ? written : written.catch(this.#onError);
  }
}

/** What all of them know; undefined when there are none. */
function leastOf(vectors: readonly Uint8Array[]): Uint8Array | undefined {
  const [first, ...others] = vectors.map((vector) => Y.decodeStateVector(vector));
  if (first === undefined) return undefined;
  const least = new Map<number, number>();
  for (const [client, clock] of first) {
    const known = others.reduce((lowest, other) => Math.min(lowest, other.get(client) ?? 0), clock);
    if (known > 0) least.set(client, known);
  }
  return Y.encodeStateVector(least);
}
