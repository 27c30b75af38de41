/**
 * Keeps concurrent writes to a property, in the transaction that brought them: Yjs lets one of them stand and forgets what
 * the others said. Any client takes part by writing the property as always.
 *
 *   a write comes                   an entry for it; entries of what its author had seen go
 *   two or more entries are left    the server writes the standing value once more: whoever overwrites that item has
 *                                   seen them all, which an item of Yjs alone cannot tell
 *   the property is removed         entries of what its author had seen go
 *
 * Everything follows from the items, so that nodes that see the same writes in any order come to the same.
 */
import * as Y from 'yjs';
import { itemBefore, wasAlive, type AnyType } from '../form/guard/before.js';
import { isSameJson } from '../form/equality.js';
import type { Json } from '../form/json-value.js';
import { mapRoot, ROOTS } from '../form/shape.js';
import { seenBy, standingOf } from './causality.js';
import { keyOf, type Author, type Entry, type WriteEntry } from './entry.js';
import { EntryIndex } from './entry-index.js';
import { policyFor, policyIn, type Policy } from './policy.js';
import { headOf, propertyOf, valueOf, type Property, type PropertyRule } from './property.js';

/** A property that a transaction has touched. */
export interface Touched extends Property {
  readonly rule: PropertyRule;
  /** False when what the transaction brought was undone. */
  readonly stands: boolean;
}

export interface Recording {
  /** Who wrote; null when nobody knows. */
  readonly by: Author | null;
  /** Unix time in milliseconds. */
  readonly at: number;
  /** True when the writes are those of this replica, false when its own ones are corrections. */
  readonly isOwn: boolean;
}

/** Whether any property of this form asks for its writes to be kept. HOT PATH. */
export const keepsWrites = (doc: Y.Doc): boolean => {
  const policy = policyIn(mapRoot(doc, ROOTS.meta));
  if (policy === undefined) return false;
  if (policy.default !== 'last-writer-wins') return true;
  for (const id in policy.fields) if (Object.hasOwn(policy.fields, id)) return true;
  return false;
};

/** Inside the transaction. @returns whether it changed anything */
export function recordWrites(
  doc: Y.Doc,
  transaction: Y.Transaction,
  touched: readonly Touched[],
  recording: Recording,
): boolean {
  const policy = policyIn(mapRoot(doc, ROOTS.meta));
  const index = policy === undefined ? undefined : EntryIndex.of(doc);
  if (policy === undefined || index === undefined) return false;
  let hasChanged = false;
  for (const property of touched) {
    const name = policyFor(policy, property.field, property.path);
    if (name === 'last-writer-wins') continue;
    hasChanged = true;
    const ledger = new Ledger(doc, transaction, index, property, name);
    if (property.stands) ledger.record(property.rule, recording);
    ledger.settle(property.rule.kind === 'text', recording.isOwn);
  }
  return hasChanged;
}

/** True when nodes have brought together what neither had seen: `settleConflicts` has something to do. */
export function needsSettling(doc: Y.Doc): boolean {
  const policy = policyIn(mapRoot(doc, ROOTS.meta));
  const properties = EntryIndex.of(doc)?.properties() ?? [];
  return properties.some((entries) => {
    const property = propertyOf(doc, entries);
    if (property === undefined) return true;
    if (policy === undefined) return false;
    const name = policyFor(policy, property.field, property.path);
    if (name === 'last-writer-wins') return true;
    const { head, seenByHead, open } = standingOf(headOf(property), entries);
    if (open.length === 0 || head === undefined) return true;
    if (head.deleted) return true;
    if (head.content instanceof Y.ContentType) return false;
    if (!open.every((key) => seenByHead.has(key))) return true;
    const value = property.map.get(property.key);
    const values = open.flatMap((key) => valuesOf(entries.get(key)));
    if (name === 'merge' && open.length > 1) return !isSameJson(value, unionOf(values));
    return !values.some((candidate) => isSameJson(value, candidate));
  });
}

/** Inside a transaction of the server: what `recordWrites` does, for writes that came from another node. */
export function settleConflicts(doc: Y.Doc, transaction: Y.Transaction): void {
  const policy = policyIn(mapRoot(doc, ROOTS.meta));
  const index = EntryIndex.of(doc);
  for (const entries of index?.properties() ?? []) {
    const property = propertyOf(doc, entries);
    const name = property === undefined ? undefined : policyFor(policy ?? NO_POLICY, property.field, property.path);
    if (property === undefined || name === undefined || name === 'last-writer-wins') {
      for (const key of [...entries.keys()]) index?.delete(key);
    } else if (index !== undefined) {
      const isText = headOf(property)?.content instanceof Y.ContentType;
      new Ledger(doc, transaction, index, property, name).settle(isText, true);
    }
  }
}

const NO_POLICY = { default: 'last-writer-wins', fields: {} } as const;

/** The entries of one property, during one transaction. */
export class Ledger {
  constructor(
    private readonly doc: Y.Doc,
    private readonly transaction: Y.Transaction,
    private readonly index: EntryIndex,
    private readonly property: Property,
    private readonly policy: Policy,
  ) {}

  record(rule: PropertyRule, { by, at, isOwn }: Recording): void {
    const { map, key } = this.property;
    const head = headOf(this.property);
    let hasNew = false;
    for (let item = head ?? null; item !== null; item = item.left) {
      if (!this.#isNew(item) || (!isOwn && item.id.client === this.doc.clientID)) continue;
      const value = valueOf(item, this.transaction);
      if (value === undefined || !this.#isKept(rule, value)) continue;
      this.#write(item, { value, by, at });
      hasNew = true;
    }
    if (hasNew) this.#keepEarlier(rule);
    if (head === undefined || map.has(key) || !(this.#isNew(head) || wasAlive(head, this.transaction))) return;
    const entries = this.#entries();
    for (const seen of seenBy(head, head.id.clock + head.length - 1, entries)) this.index.delete(seen);
  }

  /** What stood here before, when the writes that came had not seen it: nobody may have kept it. */
  #keepEarlier(rule: PropertyRule): void {
    const earlier = itemBefore(this.property.map as AnyType, this.property.key, this.transaction);
    if (earlier === undefined) return;
    const key = keyOf(earlier.id);
    const entry = this.#entries().get(key);
    // Only a text can say something else by now than when it was written.
    if (entry !== undefined && (entry.kind === 'mark' || !(earlier.content instanceof Y.ContentType))) return;
    const value = valueOf(earlier, this.transaction);
    if (value === undefined || !this.#isKept(rule, value)) return;
    this.#write(earlier, { value, by: entry?.by ?? null, at: entry?.at ?? null });
  }

  /** Entries that somebody has seen go; what stands shows to whoever overwrites it that the others are there. */
  settle(isText: boolean, isOwn: boolean): void {
    const { map, key } = this.property;
    const entries = this.#entries();
    if (entries.size === 0) return;
    const last = headOf(this.property);
    // What the guard has set again decides nothing.
    const isCorrection = !isOwn && last?.id.client === this.doc.clientID && this.#isNew(last);
    if (isCorrection && !entries.has(keyOf(last.id))) this.#mark(last, []);
    const { head, seenByHead, open } = standingOf(last, entries);
    const isOpen = new Set(open);
    for (const [name, entry] of [...entries]) {
      const isNeeded = entry.kind === 'mark' ? entry.over.some((over) => isOpen.has(over)) : isOpen.has(name);
      if (!isNeeded) this.index.delete(name);
    }
    if (head === undefined || open.length === 0) return;
    const values = open.flatMap((name) => valuesOf(entries.get(name)));
    const isSeen = open.every((name) => seenByHead.has(name));
    if (head.deleted) {
      // Removed by somebody who had not seen this.
      const value = values[values.length - 1];
      this.#restate(isText ? new Y.Text(typeof value === 'string' ? value : '') : value, open);
    } else if (this.policy === 'merge' && open.length > 1) {
      const merged = unionOf(values);
      if (!isSeen || !isSameJson(map.get(key), merged)) this.#restate(merged, open);
    } else if (!(head.content instanceof Y.ContentType) && !values.some((value) => isSameJson(value, map.get(key)))) {
      // A mark said what its author has overwritten meanwhile.
      this.#restate(values[values.length - 1], open);
    } else if (isCorrection) {
      this.#mark(head, open);
    } else if (!isSeen && !(head.content instanceof Y.ContentType)) {
      // A text that people type in is not made anew under their hands.
      this.#restate(map.get(key), open);
    }
  }

  /** @param over keys of entries that the author has seen, whatever the items say */
  decide(item: Y.Item, value: Json, by: Author, at: number, over: readonly string[]): void {
    this.#write(item, { value, by, at, over: over.filter((key) => key !== keyOf(item.id)) });
  }

  #restate(value: unknown, open: readonly string[]): void {
    this.property.map.set(this.property.key, value);
    const head = headOf(this.property);
    if (head !== undefined) this.#mark(head, open);
  }

  #mark(head: Y.Item, open: readonly string[]): void {
    const { field, path } = this.property;
    this.index.set(keyOf(head.id), { kind: 'mark', field, path: [...path], over: [...open] });
  }

  #write(item: Y.Item, entry: Pick<WriteEntry, 'value' | 'by' | 'at' | 'over'>): void {
    const { field, path } = this.property;
    this.index.set(keyOf(item.id), { kind: 'write', field, path: [...path], ...entry });
  }

  #entries(): ReadonlyMap<string, Entry> {
    return this.index.of(this.property.field, this.property.path);
  }

  #isNew({ id }: Y.Item): boolean {
    return id.clock >= (this.transaction.beforeState.get(id.client) ?? 0);
  }

  #isKept(rule: PropertyRule, value: Json): boolean {
    if (rule.kind === 'map') return false;
    if (this.policy === 'merge') return rule.kind === 'value' && isList(value) && rule.accepts(value);
    return rule.kind === 'text' ? typeof value === 'string' : rule.accepts(value);
  }
}

const isList = (value: Json): value is Json[] =>
  Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null);

const valuesOf = (entry: Entry | undefined): Json[] => (entry?.kind === 'write' ? [entry.value] : []);

const unionOf = (values: readonly Json[]): Json[] => [
  ...new Set(values.flatMap((value) => (isList(value) ? value : []))),
];
