/**
 * A document kept in the browser, so that it opens without a network and unsaved edits outlive the page.
 *
 *   updates   {document, update}                      appended; folded into one when there are many
 *   copies    document → epoch                        the life of the document that the copy belongs to
 *   unsaved   session → {document, since, edits}      what a page had written that the server had not confirmed
 *   aside     {document, epoch, update, since, at}    copies of an earlier life: never merged, kept until discarded
 *
 * Several pages may hold the same document: they append to one copy, and each remembers what it has not saved. A page that
 * is of an earlier life than the copy adds to what was set aside, and leaves the copy alone.
 */
import * as Y from 'yjs';
import type { Connection } from '../connection/connection.js';
import { STALE_COPY } from '../connection/state.js';
import { CLOSE } from '../connection/close-codes.js';
import { Database, done, type IdbFactory, type Stores } from './indexed-db.js';
import { addToAside, leastOf, type CopySetAside, type StoredAside } from './set-aside.js';

export type { CopySetAside } from './set-aside.js';

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
  #updates: number;
  #edits = 0;
  /** A write has failed: the copy lacks something. */
  #isBehind = false;
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
    const onUpdate = (update: Uint8Array): void => this.#append(update, connection);
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
      if (state.code === STALE_COPY) this.#setAside(connection);
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

  #append(update: Uint8Array, connection: Connection): void {
    const { document } = this;
    const isFolding = (this.#updates += 1) > FOLD_AFTER;
    if (isFolding) this.#updates = 1;
    const since = connection.unsavedSince;
    if (since !== undefined) this.#hasUnsaved = true;
    const edits = (this.#edits += 1);
    const { epoch } = connection;
    const write = async (store: Stores): Promise<void> => {
      const isBehind = this.#isBehind;
      const stored = await done(store('copies').get(document));
      if (isBehind && stored === undefined && epoch !== undefined) store('copies').put(epoch, document);
      else if (epoch !== undefined && stored !== epoch) {
        // Another page has set it aside, or discarded it, and perhaps begun anew.
        const update = Y.encodeStateAsUpdate(this.doc);
        await addToAside(store, { document, epoch, update, since }, stored !== undefined);
        return;
      }
      if (since !== undefined) store('unsaved').put({ document, since, edits } satisfies StoredUnsaved, this.#session);
      // Later edits build on what a failed write would have kept.
      const kept = isBehind ? Y.encodeStateAsUpdate(this.doc) : update;
      await done(store('updates').put({ document, update: kept } satisfies StoredUpdate));
      if (!isFolding) return;
      const [updates, keys] = await Promise.all([
        done(store('updates').index('document').getAll(document)),
        done(store('updates').index('document').getAllKeys(document)),
      ]);
      const whole = Y.mergeUpdates((updates as StoredUpdate[]).map((each) => each.update));
      for (const key of keys) store('updates').delete(key);
      await done(store('updates').put({ document, update: whole } satisfies StoredUpdate));
    };
    this.#run(STORES, write, () => (this.#isBehind = false));
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
  #setAside(connection: Connection): void {
    const { document } = this;
    const { epoch, unsavedSince } = connection;
    const own = Y.encodeStateAsUpdate(this.doc);
    this.#run(STORES, async (store) => {
      const stored = await done(store('copies').get(document));
      if (stored !== undefined && stored !== epoch) {
        // Another page was first, and has begun the copy of the new life.
        await addToAside(store, { document, epoch, update: own, since: unsavedSince });
        for (const key of [this.#session, ...this.#inherited.keys()]) store('unsaved').delete(key);
        return;
      }
      const [updates, unsaved] = await Promise.all([
        done(store('updates').index('document').getAll(document)) as Promise<StoredUpdate[]>,
        done(store('unsaved').index('document').getAll(document)) as Promise<StoredUnsaved[]>,
      ]);
      const vectors = [unsavedSince, ...unsaved.map(({ since }) => since)];
      await addToAside(store, {
        document,
        epoch,
        update: Y.mergeUpdates([...updates.map(({ update }) => update), own]),
        since: leastOf(vectors.filter((since) => since !== undefined)),
      });
      await this.#clear(store);
    });
  }

  async #clear(store: Stores): Promise<void> {
    for (const name of ['updates', 'unsaved'] as const) {
      const keys = await done(store(name).index('document').getAllKeys(this.document));
      await Promise.all(keys.map((key) => done(store(name).delete(key))));
    }
    await done(store('copies').delete(this.document));
  }

  /** One write after the other; one that fails does not keep the next from being tried. */
  #run<T>(stores: readonly string[], run: (store: Stores) => Promise<T>, whenWritten?: () => void): void {
    this.#writing = this.#writing
      .then(() => this.database.write(stores, run))
      .then(whenWritten, (error: unknown) => {
        this.#isBehind = true;
        if (this.#onError === undefined) void Promise.reject(error instanceof Error ? error : new Error(String(error)));
        else this.#onError(error);
      });
  }
}
