/** The entries of a document by property, kept as they change: reading them all for each edit would cost more each time. */
import * as Y from 'yjs';
import { mapRoot } from '../form/shape.js';
import { CONFLICTS_ROOT, isEntry, isEntryKey, type Entry } from './entry.js';

export type Entries = ReadonlyMap<string, Entry>;

const NONE: Entries = new Map();
const known = new WeakMap<Y.Doc, EntryIndex>();

/** JSON, because a name below a field may hold any character. */
const propertyKey = (field: string, path: readonly string[]): string => JSON.stringify([field, ...path]);

export class EntryIndex {
  readonly #byProperty = new Map<string, Map<string, Entry>>();
  readonly #byKey = new Map<string, Entry>();

  static of(doc: Y.Doc): EntryIndex | undefined {
    const root = mapRoot(doc, CONFLICTS_ROOT);
    if (root === undefined) return undefined;
    let index = known.get(doc);
    if (index === undefined) known.set(doc, (index = new EntryIndex(root)));
    return index;
  }

  private constructor(private readonly root: Y.Map<unknown>) {
    for (const key of root.keys()) this.#read(key);
    root.observe(({ keysChanged }) => {
      for (const key of keysChanged) if (typeof key === 'string') this.#read(key);
    });
  }

  #read(key: string): void {
    const stored = isEntryKey(key) ? this.root.get(key) : undefined;
    const entry = isEntry(stored) ? stored : undefined;
    if (this.#byKey.get(key) !== entry) this.#keep(key, entry);
  }

  #keep(key: string, entry: Entry | undefined): void {
    const before = this.#byKey.get(key);
    if (before !== undefined) {
      const place = propertyKey(before.field, before.path);
      const siblings = this.#byProperty.get(place);
      siblings?.delete(key);
      if (siblings?.size === 0) this.#byProperty.delete(place);
      this.#byKey.delete(key);
    }
    if (entry === undefined) return;
    this.#byKey.set(key, entry);
    const place = propertyKey(entry.field, entry.path);
    const siblings = this.#byProperty.get(place);
    if (siblings === undefined) this.#byProperty.set(place, new Map([[key, entry]]));
    else siblings.set(key, entry);
  }

  /** Of one property, by key. */
  of(field: string, path: readonly string[]): Entries {
    return this.#byProperty.get(propertyKey(field, path)) ?? NONE;
  }

  /** Of each property that has any. */
  properties(): Entries[] {
    return [...this.#byProperty.values()];
  }

  /** Inside a transaction. */
  set(key: string, entry: Entry): void {
    this.root.set(key, entry);
    this.#keep(key, entry);
  }

  /** Inside a transaction. */
  delete(key: string): void {
    if (this.root.has(key)) this.root.delete(key);
    this.#keep(key, undefined);
  }
}
