/** The part of IndexedDB that is used, with promises. */

export interface IdbRequest<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}
export interface IdbStore {
  get(key: unknown): IdbRequest<unknown>;
  getAll(): IdbRequest<unknown[]>;
  put(value: unknown, key?: unknown): IdbRequest<unknown>;
  delete(key: unknown): IdbRequest<unknown>;
  createIndex(name: string, keyPath: string): unknown;
  index(name: string): { getAll(key: unknown): IdbRequest<unknown[]>; getAllKeys(key: unknown): IdbRequest<unknown[]> };
}
/** Stores of a transaction by their names. */
export type Stores = (name: string) => IdbStore;
interface IdbTransaction {
  readonly error: unknown;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
  objectStore(name: string): IdbStore;
}
interface IdbDatabase {
  createObjectStore(name: string, options?: { autoIncrement: boolean }): IdbStore;
  transaction(stores: readonly string[], mode: 'readwrite'): IdbTransaction;
  close(): void;
  onversionchange: (() => void) | null;
}
/** `indexedDB` of a browser. */
export interface IdbFactory {
  open(name: string, version: number): unknown;
}

/** The result of one request, inside a transaction: nothing but other requests may be waited for. */
export function done<T>(request: IdbRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(asError(request.error));
  });
}

export class Database {
  private constructor(private readonly database: IdbDatabase) {}

  /** @param upgrade makes the stores, when there is no such database yet. @throws what IndexedDB says */
  static async open(
    factory: IdbFactory,
    name: string,
    upgrade: (create: IdbDatabase['createObjectStore']) => void,
  ): Promise<Database> {
    const request = factory.open(name, 1) as IdbRequest<IdbDatabase> & { onupgradeneeded: (() => void) | null };
    request.onupgradeneeded = () => upgrade((store, options) => request.result.createObjectStore(store, options));
    const database = await done(request);
    // Another tab deletes or upgrades it: holding on would block that tab for ever.
    database.onversionchange = () => database.close();
    return new Database(database);
  }

  /** All or nothing: resolves when it is durable. @throws what IndexedDB says, such as a QuotaExceededError */
  write<T>(stores: readonly string[], run: (store: Stores) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(stores, 'readwrite');
      const result = run((name) => transaction.objectStore(name));
      result.catch(reject);
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = () => reject(asError(transaction.error));
    });
  }

  close(): void {
    this.database.close();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(`IndexedDB: ${String(error)}`);
}
