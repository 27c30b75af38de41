/**
 * Keeps a form a form. Runs inside a transaction, right after the updates of one writer: what they put where it cannot
 * stand, or where this writer has no right, is undone in the same transaction, so no peer ever sees it. Nothing of the
 * writer's stream is dropped: a gap in it would block all that the writer sends later.
 *
 * Only what the transaction changed is looked at.
 */
import * as Y from 'yjs';
import { childrenBefore, contentBefore, deltaBefore, itemBefore, type AnyType } from './before.js';
import { lockOn, LOCKS_ROOT, type FieldLock } from '../../conflicts/locks.js';
import { CONFLICTS_ROOT, type Author } from '../../conflicts/entry.js';
import { mayMeet } from '../../conflicts/property.js';
import { keepsWrites, recordWrites, type Touched } from '../../conflicts/record.js';
import { isInScope, locate, propertyOf, targetOf, type EditScope, type Place } from '../operations/place.js';
import { fits, ROOT_NAMES, type Rule } from '../rules.js';
import { isVersionNewer, newerVersion } from '../schema-gate.js';
import { ROOTS } from '../shape.js';

export interface GuardWriter extends EditScope {
  readonly canWrite: boolean;
  /** For locks, and as the author of writes that are kept. */
  readonly principal?: Author;
  /** May say what becomes of concurrent writes. */
  readonly isOwner?: boolean;
  /** Unix time in milliseconds, by the clock of the server. */
  readonly at?: number;
}

export interface Refusal {
  /** As in operations: `form`, `pages/<id>`, `fields/<id>`, `fields/<id>/options/<id>`. */
  readonly target: string;
  readonly property: string;
  readonly code: 'invalid_shape' | 'forbidden' | 'locked';
  readonly message: string;
}

/** @returns what was undone, for its author; empty when everything stands. */
export function guard(doc: Y.Doc, transaction: Y.Transaction, writer: GuardWriter): Refusal[] {
  if (transaction.changed.size === 0) return [];
  // Types that nobody has asked for yet have no kind; the rules are about maps.
  for (const root of ROOT_NAMES) doc.getMap(root);
  // A version that this very writer has set counts for nothing.
  const isNewer = newerVersion(doc) !== undefined && isVersionNewer(valueBefore(doc, transaction));
  return isNewer ? [] : new Guard(doc, transaction, writer).run();
}

function valueBefore(doc: Y.Doc, transaction: Y.Transaction): unknown {
  const item = itemBefore(doc.getMap(ROOTS.meta) as AnyType, 'schemaVersion', transaction);
  return item === undefined ? undefined : contentBefore(item, transaction);
}

/**
 * For changes that the server makes for somebody, already checked: keeps the writes whose property asks for it. Inside
 * the transaction that made them.
 */
export function recordChanges(doc: Y.Doc, transaction: Y.Transaction, by: Author, at: number): void {
  if (!keepsWrites(doc)) return;
  const touched: Touched[] = [];
  for (const [type, keys] of transaction.changed) {
    const place = type._item?.deleted === true ? undefined : locate(doc, type as AnyType);
    if (place === undefined) continue;
    for (const key of keys) if (key !== null) touched.push(...touchedAt(place, key, true));
  }
  recordWrites(doc, transaction, touched, { by, at, isOwn: true });
}

function touchedAt({ path, rule, type }: Place, key: string, stands: boolean): Touched[] {
  const [, field = '', ...rest] = path;
  const child = rule.kind === 'map' ? rule.child(key) : undefined;
  if (child === undefined || child.kind === 'map' || !(type instanceof Y.Map) || !mayMeet([...path, key])) return [];
  return [{ map: type as Y.Map<unknown>, key, field, path: [...rest, key], rule: child, stands }];
}

class Guard {
  readonly #refusals: Refusal[] = [];
  readonly #reverted = new Set<AnyType>();
  readonly #isLimited: boolean;
  readonly #keepsWrites: boolean;
  readonly #touched: Touched[] = [];
  /** Undefined when no field has one, as in most forms. */
  readonly #locks: Y.Map<unknown> | undefined;

  constructor(
    private readonly doc: Y.Doc,
    private readonly transaction: Y.Transaction,
    private readonly writer: GuardWriter,
  ) {
    this.#isLimited = !writer.canWrite || writer.paths !== undefined || writer.languages !== undefined;
    this.#keepsWrites = keepsWrites(doc);
    const locks = doc.getMap(LOCKS_ROOT);
    this.#locks = locks._map.size === 0 ? undefined : locks;
  }

  run(): Refusal[] {
    // A copy: what is undone below changes types too.
    const changed = [...this.transaction.changed].map(([type, keys]) => [type, [...keys]] as const);
    // Locks come first: what follows is judged by them as they were.
    const locks = this.#locks?._map;
    if (changed.some(([type]) => type._map === locks)) {
      changed.sort(([a], [b]) => Number(b._map === locks) - Number(a._map === locks));
    }
    for (const [type, keys] of changed) {
      if (type._item?.deleted === true) continue;
      const place = locate(this.doc, type as AnyType);
      if (place === undefined) continue;
      if (place.rule.kind === 'map') {
        for (const key of keys) {
          const undone = this.#refusals.length;
          this.#checkKey(place, key);
          if (this.#keepsWrites && key !== null) {
            this.#touched.push(
              ...touchedAt(place, key, this.#refusals.length === undone && this.#mayWrite(place, key)),
            );
          }
        }
      } else {
        this.#checkText(place);
      }
    }
    const { principal = null, at = 0 } = this.writer;
    const isRecorded =
      this.#touched.length > 0 &&
      recordWrites(this.doc, this.transaction, this.#touched, { by: principal, at, isOwn: false });
    // Applying an update marks the transaction as foreign. With writes of our own in it, Yjs would then take our client id
    // for one that somebody else uses too, and choose another: one more entry in the state vector for each correction.
    if (this.#refusals.length > 0 || isRecorded) this.transaction.local = true;
    return this.#refusals;
  }

  #checkKey(place: Place, key: string | null): void {
    const map = place.type;
    if (key === null) {
      this.#removeListItems(place);
      return;
    }
    if (place.rule.kind !== 'map' || !(map instanceof Y.Map)) return;
    const path = [...place.path, key];
    const rule = place.rule.child(key);
    const isSet = map.has(key);
    if (rule === undefined) {
      if (isSet) this.#undo(map, key, path, 'invalid_shape', 'this key is not part of a form');
    } else if (isSet && !fits(rule, map.get(key))) {
      this.#undo(map, key, path, 'invalid_shape', 'this value is not allowed here');
    } else if (!isSet && place.rule.required.includes(key)) {
      this.#undo(map, key, path, 'invalid_shape', 'this cannot be left out');
    } else if (!this.#mayChange(path)) {
      this.#undo(map, key, path, 'forbidden', 'no right to change this');
    } else if (this.#lockOn(path) !== undefined) {
      this.#undo(map, key, path, 'locked', this.#lockReason(path));
    } else if (isSet) {
      this.#checkNew(map.get(key), rule, path);
    }
  }

  /** A whole new map came at once; Yjs does not report what is inside it. */
  #checkNew(given: unknown, rule: Rule, path: readonly string[]): void {
    if (rule.kind !== 'map' || !(given instanceof Y.Map)) return;
    const place: Place = { path, rule, type: given as AnyType };
    if (given._start !== null) this.#removeListItems(place);
    for (const key of [...given.keys()]) {
      const child = rule.child(key);
      const value: unknown = given.get(key);
      const childPath = [...path, key];
      if (child === undefined || !fits(child, value)) {
        given.delete(key);
        this.#refuse(childPath, 'invalid_shape', 'this is not allowed here');
      } else {
        this.#checkNew(value, child, childPath);
      }
    }
  }

  #removeListItems({ path, type }: Place): void {
    let hasAny = false;
    for (let item = type._start; item !== null; item = item.right) {
      if (item.deleted) continue;
      item.delete(this.transaction);
      hasAny = true;
    }
    if (hasAny) this.#refuse(path, 'invalid_shape', 'a map holds no list items');
  }

  #undo(map: Y.Map<unknown>, key: string, path: readonly string[], code: Refusal['code'], message: string): void {
    const before = itemBefore(map, key, this.transaction);
    // A write that lost against what stands has changed nothing: a copy would only cost cursors their place.
    if (before !== undefined && !before.deleted && before === map._map.get(key)) return;
    const content = before === undefined ? undefined : contentBefore(before, this.transaction);
    if (content === undefined) map.delete(key);
    else map.set(key, content);
    this.#refuse(path, code, message);
  }

  #checkText({ path, type }: Place): void {
    const isAllowed = this.#mayChange(path);
    if ((isAllowed && this.#lockOn(path) === undefined) || this.#reverted.has(type)) return;
    this.#reverted.add(type);
    if (type instanceof Y.Text) {
      const delta = deltaBefore(type, this.transaction);
      type.delete(0, type.length);
      type.applyDelta(delta);
    } else if (type instanceof Y.XmlFragment) {
      const children = childrenBefore(type, this.transaction);
      type.delete(0, type.length);
      type.insert(0, children);
    }
    if (isAllowed) this.#refuse(path, 'locked', this.#lockReason(path));
    else this.#refuse(path, 'forbidden', 'no right to change this text');
  }

  /** Also for a write that lost, of which nothing had to be undone. */
  #mayWrite(place: Place, key: string): boolean {
    const path = [...place.path, key];
    return this.#mayChange(path) && this.#lockOn(path) === undefined;
  }

  /** The lock of somebody else that covers this. */
  #lockOn([root, fieldId]: readonly string[]): FieldLock | undefined {
    if (this.#locks === undefined || root !== 'fields' || fieldId === undefined) return undefined;
    const lock = lockOn(this.#locks, fieldId, this.writer.at ?? 0);
    return lock?.holder.id === this.writer.principal?.id ? undefined : lock;
  }

  #lockReason(path: readonly string[]): string {
    const lock = this.#lockOn(path);
    if (lock === undefined) return 'the field is locked';
    return `the field is locked by ${lock.holder.name ?? lock.holder.id} until ${new Date(lock.until).toISOString()}`;
  }

  #mayChange(path: readonly string[]): boolean {
    const [root, member] = path;
    // Written by the server alone.
    if (root === LOCKS_ROOT || root === CONFLICTS_ROOT) return false;
    if (member === 'policy' && root === 'meta' && this.writer.isOwner !== true) return false;
    if (!this.#isLimited) return true;
    if (!this.writer.canWrite) return false;
    return isInScope(targetOf(path), propertyOf(path), this.writer);
  }

  #refuse(path: readonly string[], code: Refusal['code'], message: string): void {
    this.#refusals.push({ target: targetOf(path), property: propertyOf(path), code, message });
  }
}
