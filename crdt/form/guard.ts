/**
 * Keeps a form a form. Runs inside a transaction, right after the updates of one writer: what they put where it cannot
 * stand, or where this writer has no right, is undone in the same transaction, so no peer ever sees it. Nothing of the
 * writer's stream is dropped: a gap in it would block all that the writer sends later.
 *
 * Only what the transaction changed is looked at.
 */
import * as Y from 'yjs';
import { childrenBefore, contentBefore, deltaBefore, itemBefore, type AnyType } from './before.js';
import { fits, ROOT_RULES, type Rule } from './rules.js';

export interface GuardWriter {
  readonly canWrite: boolean;
  /** Targets that the writer is limited to: `form`, `pages/<id>`, `fields/<id>` and what lies below. */
  readonly paths?: readonly string[];
  /** Languages whose texts the writer is limited to. */
  readonly languages?: readonly string[];
}

export interface Refusal {
  /** As in operations: `form`, `pages/<id>`, `fields/<id>`, `fields/<id>/options/<id>`. */
  readonly target: string;
  readonly property: string;
  readonly code: 'invalid_shape' | 'forbidden';
  readonly message: string;
}

/** Where a shared type stands: names from the root, and the rule for it. */
interface Place {
  readonly path: readonly string[];
  readonly rule: Rule;
  readonly type: AnyType;
}

/** @returns what was undone, for its author; empty when everything stands. */
export function guard(doc: Y.Doc, transaction: Y.Transaction, writer: GuardWriter): Refusal[] {
  if (transaction.changed.size === 0) return [];
  // Types that nobody has asked for yet have no kind; the rules are about maps.
  for (const root of Object.keys(ROOT_RULES)) doc.getMap(root);
  return new Guard(doc, transaction, writer).run();
}

class Guard {
  readonly #refusals: Refusal[] = [];
  readonly #reverted = new Set<AnyType>();
  readonly #isLimited: boolean;

  constructor(
    private readonly doc: Y.Doc,
    private readonly transaction: Y.Transaction,
    private readonly writer: GuardWriter,
  ) {
    this.#isLimited = !writer.canWrite || writer.paths !== undefined || writer.languages !== undefined;
  }

  run(): Refusal[] {
    // A copy: what is undone below changes types too.
    const changed = [...this.transaction.changed].map(([type, keys]) => [type, [...keys]] as const);
    for (const [type, keys] of changed) {
      if (type._item?.deleted === true) continue;
      const place = locate(this.doc, type as AnyType);
      if (place === undefined) continue;
      if (place.rule.kind === 'map') {
        for (const key of keys) this.#checkKey(place, key);
      } else {
        this.#checkText(place);
      }
    }
    // Applying an update marks the transaction as foreign. With writes of our own in it, Yjs would then take our client id
    // for one that somebody else uses too, and choose another: one more entry in the state vector for each correction.
    if (this.#refusals.length > 0) this.transaction.local = true;
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
    if (this.#mayChange(path) || this.#reverted.has(type)) return;
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
    this.#refuse(path, 'forbidden', 'no right to change this text');
  }

  #mayChange(path: readonly string[]): boolean {
    if (!this.#isLimited) return true;
    if (!this.writer.canWrite) return false;
    const { paths, languages } = this.writer;
    if (languages !== undefined && !isTextIn(path, languages)) return false;
    if (paths === undefined) return true;
    const own = [...targetOf(path).split('/'), ...propertyOf(path).split('.')].join('/');
    return paths.some((allowed) => own === allowed || own.startsWith(`${allowed.replace(/\/$/, '')}/`));
  }

  #refuse(path: readonly string[], code: Refusal['code'], message: string): void {
    this.#refusals.push({ target: targetOf(path), property: propertyOf(path), code, message });
  }
}

/** The place of a type, or of the text that it is part of; undefined outside the form. */
function locate(doc: Y.Doc, type: AnyType): Place | undefined {
  const steps: { key: string | null; type: AnyType }[] = [];
  let current = type;
  for (let item = current._item; item !== null; item = current._item) {
    steps.unshift({ key: item.parentSub, type: current });
    current = item.parent as AnyType;
  }
  const name = rootName(doc, current);
  let rule = name === undefined ? undefined : ROOT_RULES[name];
  if (name === undefined || rule === undefined) return undefined;
  const path = [name];
  let place: Place = { path: [...path], rule, type: doc.getMap(name) as AnyType };
  for (const step of steps) {
    // Below a text is rich text: it belongs to the text.
    if (rule.kind !== 'map') return place;
    if (step.key === null) return undefined;
    const child = rule.child(step.key);
    if (child === undefined) return undefined;
    path.push(step.key);
    rule = child;
    place = { path: [...path], rule, type: step.type };
  }
  return place;
}

/**
 * Yjs reports a root that nobody had asked for before this transaction by the object that stood for it until then; its
 * map of entries is the one that the root has now.
 */
function rootName(doc: Y.Doc, type: AnyType): string | undefined {
  for (const name of Object.keys(ROOT_RULES)) if (doc.share.get(name)?._map === type._map) return name;
  return undefined;
}

const TEXT_MEMBERS = new Set(['title', 'description', 'placeholder', 'label']);

function isTextIn(path: readonly string[], languages: readonly string[]): boolean {
  const language = path[path.length - 1] ?? '';
  const member = path[path.length - 2] ?? '';
  return path.length >= 3 && TEXT_MEMBERS.has(member) && languages.includes(language);
}

function targetOf([root = '', id, list, optionId]: readonly string[]): string {
  if (root === 'meta' || id === undefined) return 'form';
  const isOption = (list === 'options' || list === 'rows') && optionId !== undefined;
  return isOption ? `${root}/${id}/${list}/${optionId}` : `${root}/${id}`;
}

function propertyOf(path: readonly string[]): string {
  const depth = path[0] === 'meta' ? 1 : targetOf(path).split('/').length;
  return path.slice(depth).join('.');
}
