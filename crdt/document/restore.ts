/**
 * Turns what a document says into what another one says, by a forward transaction of few edits: what is the same keeps
 * its identity, so cursors and concurrent edits in it stand.
 */
import * as Y from 'yjs';
import { align, gapsOf } from './alignment.js';
import { jsonOf, runsOf } from './content.js';
import { copyOf, rootAs, rootsOf, type Root } from './roots.js';

/** Runs inside the caller's transaction, or in one of its own. A second call changes nothing. */
export function restoreContent(doc: Y.Doc, target: Y.Doc, origin?: unknown): void {
  // On copies: the edits need typed roots, and the document is used by others who may type them otherwise.
  const wanted = copyOf(target);
  const cleared = copyOf(doc);
  const before = Y.encodeStateVector(cleared);
  const updates: Uint8Array[] = [];
  const targets = rootsOf(wanted);
  cleared.on('update', (update: Uint8Array) => updates.push(update));
  cleared.transact(() => {
    for (const [name, root] of rootsOf(cleared)) if (targets.get(name)?.type !== root.type) empty(root);
  });
  // A root that was emptied may become another type: on a copy that has not given it one.
  const present = updates.length === 0 ? cleared : copyOf(cleared);
  if (present !== cleared) present.on('update', (update: Uint8Array) => updates.push(update));
  present.transact(() => {
    for (const [name, { type, value }] of targets) restoreShared(rootAs(present, name, type).value, value);
  });
  if (updates.length > 0) Y.applyUpdate(doc, Y.encodeStateAsUpdate(present, before), origin);
  for (const copy of new Set([wanted, cleared, present])) copy.destroy();
}

function empty({ type, value }: Root): void {
  if (type === 'map') value.clear();
  else value.delete(0, value.length);
}

function restoreShared(present: unknown, target: unknown): void {
  if (present instanceof Y.Text && target instanceof Y.Text) restoreText(present, target);
  else if (present instanceof Y.XmlElement && target instanceof Y.XmlElement) {
    restoreAttributes(present as Y.XmlElement, target as Y.XmlElement);
    restoreList(present as List, target as List);
  } else if (present instanceof Y.XmlFragment && target instanceof Y.XmlFragment) restoreList(present, target);
  else if (present instanceof Y.Map && target instanceof Y.Map)
    restoreMap(present as Y.Map<unknown>, target as Y.Map<unknown>);
  else if (present instanceof Y.Array && target instanceof Y.Array) {
    restoreList(present as List, target as List);
  }
}

function restoreMap(present: Y.Map<unknown>, target: Y.Map<unknown>): void {
  for (const key of [...present.keys()]) if (!target.has(key)) present.delete(key);
  for (const [key, wanted] of target.entries()) {
    const value = present.get(key);
    if (present.has(key) && isSame(value, wanted)) continue;
    if (isSameKind(value, wanted)) restoreShared(value, wanted);
    else present.set(key, copyValue(wanted));
  }
}

/** What arrays and XML nodes have in common. */
interface List {
  toArray(): unknown[];
  insert(index: number, items: unknown[]): void;
  delete(index: number, length: number): void;
}

function restoreList(present: List, target: List): void {
  const list: List = present;
  const before = list.toArray();
  const after: unknown[] = target.toArray();
  // From the end, so that the indices of earlier gaps stay what they are.
  for (const { fromA, toA, fromB, toB } of gapsOf(before.map(signature), after.map(signature)).reverse()) {
    const paired = Math.min(toA - fromA, toB - fromB);
    if (toA - fromA > paired) list.delete(fromA + paired, toA - fromA - paired);
    if (toB - fromB > paired) list.insert(fromA + paired, after.slice(fromB + paired, toB).map(copyValue));
    for (let i = paired - 1; i >= 0; i -= 1) {
      const value = before[fromA + i];
      const wanted = after[fromB + i];
      if (isSameKind(value, wanted)) restoreShared(value, wanted);
      else {
        list.delete(fromA + i, 1);
        list.insert(fromA + i, [copyValue(wanted)]);
      }
    }
  }
}

function restoreAttributes(present: Y.XmlElement, target: Y.XmlElement): void {
  const before: Record<string, unknown> = present.getAttributes();
  const after: Record<string, unknown> = target.getAttributes();
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) present.removeAttribute(name);
  for (const [name, value] of Object.entries(after)) {
    if (!isSame(before[name], value)) present.setAttribute(name, copyValue(value) as string);
  }
}

/** A character (by code point: half of a surrogate pair would be lost) or an embed, with its formats. */
interface Unit {
  readonly insert: unknown;
  readonly key: string;
  readonly length: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface DeltaStep {
  retain?: number;
  delete?: number;
  insert?: unknown;
  attributes?: Record<string, unknown>;
}

function restoreText(present: Y.Text, target: Y.Text): void {
  const before = unitsOf(present);
  const after = unitsOf(target);
  const steps: DeltaStep[] = [];
  let at = 0;
  let to = 0;
  const skipTo = (i: number, j: number): void => {
    for (; at < i; at += 1) push(steps, { delete: before[at]?.length ?? 0 });
    for (; to < j; to += 1) {
      const unit = after[to];
      if (unit !== undefined) push(steps, { insert: copyValue(unit.insert), attributes: { ...unit.attributes } });
    }
  };
  for (const [i, j] of align(
    before.map(({ key }) => key),
    after.map(({ key }) => key),
  )) {
    skipTo(i, j);
    const formats = formatChange(before[i]?.attributes ?? {}, after[j]?.attributes ?? {});
    push(steps, { retain: before[i]?.length ?? 0, ...(formats === undefined ? {} : { attributes: formats }) });
    at = i + 1;
    to = j + 1;
  }
  skipTo(before.length, after.length);
  if (steps.some((step) => step.retain === undefined || step.attributes !== undefined))
    present.applyDelta(steps, { sanitize: false });
}

function unitsOf(text: Y.Text): Unit[] {
  return runsOf(text).flatMap(({ insert, attributes = {} }): Unit[] =>
    typeof insert === 'string'
      ? Array.from(insert, (character) => ({
          insert: character,
          key: `c${character}`,
          length: character.length,
          attributes,
        }))
      : [{ insert, key: `e${signature(insert)}`, length: 1, attributes }],
  );
}

function formatChange(before: Unit['attributes'], after: Unit['attributes']): Record<string, unknown> | undefined {
  const change: Record<string, unknown> = {};
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) change[name] = null;
  for (const [name, value] of Object.entries(after)) if (!isSame(before[name], value)) change[name] = value;
  return Object.keys(change).length === 0 ? undefined : change;
}

/** Joins steps of the same kind and formats. */
function push(steps: DeltaStep[], step: DeltaStep): void {
  const last = steps[steps.length - 1];
  const isAlike = last !== undefined && JSON.stringify(last.attributes) === JSON.stringify(step.attributes);
  if (isAlike && last.retain !== undefined && step.retain !== undefined) last.retain += step.retain;
  else if (last?.delete !== undefined && step.delete !== undefined) last.delete += step.delete;
  else if (isAlike && typeof last.insert === 'string' && typeof step.insert === 'string') last.insert += step.insert;
  else steps.push(step);
}

function isSameKind(a: unknown, b: unknown): boolean {
  if (!(a instanceof Y.AbstractType) || !(b instanceof Y.AbstractType) || a.constructor !== b.constructor) return false;
  return !(a instanceof Y.XmlElement && b instanceof Y.XmlElement) || a.nodeName === b.nodeName;
}

function isSame(a: unknown, b: unknown): boolean {
  return kindOf(a) === kindOf(b) && signature(a) === signature(b);
}

function kindOf(value: unknown): string {
  return value instanceof Y.AbstractType ? value.constructor.name : value === undefined ? 'undefined' : 'value';
}

function signature(value: unknown): string {
  return `${kindOf(value)}:${JSON.stringify(sorted(jsonOf(value)))}`;
}

/** The order of keys in a map says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((key) => [key, sorted(record[key])]),
  );
}

function copyValue(value: unknown): unknown {
  if (value instanceof Y.AbstractType) return value.clone();
  return value instanceof Y.Doc ? new Y.Doc({ guid: value.guid }) : value;
}
