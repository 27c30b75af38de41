/**
 * Keeps an answer sheet what it is: run inside the transaction, right after the updates of one writer, as `guard` of a
 * form. What the server alone writes is restored, and a sheet that was handed in is restored as a whole.
 */
import * as Y from 'yjs';
import { contentBefore, itemBefore, wasAlive } from '../form/guard/before.js';
import type { GuardWriter, Refusal } from '../form/guard/guard.js';
import { isOpenSheet, SHEET_ROOTS, SUBMISSION_STATUSES } from './answer-sheet.js';

const SERVER_WRITTEN: ReadonlySet<string> = new Set(['formId', 'version', 'status', 'isFinal']);

/** @returns what was undone, for its author; empty when everything stands. */
export function guardSheet(doc: Y.Doc, transaction: Y.Transaction, writer: GuardWriter): Refusal[] {
  if (transaction.changed.size === 0) return [];
  const meta = doc.getMap(SHEET_ROOTS.meta);
  const answers = doc.getMap(SHEET_ROOTS.answers);
  const entries = doc.getArray(SHEET_ROOTS.entries);
  const refusals: Refusal[] = [];
  const before = (key: string): unknown => {
    const item = itemBefore(meta, key, transaction);
    return item === undefined ? undefined : contentBefore(item, transaction);
  };
  const status = SUBMISSION_STATUSES.find((known) => known === before('status')) ?? 'in_progress';
  const isClosed = !isOpenSheet({ status, isFinal: before('isFinal') === true }) || !writer.canWrite;

  for (const key of changedKeys(transaction, meta)) {
    if (key === null || !(isClosed || SERVER_WRITTEN.has(key))) continue;
    if (restoreKey(meta, key, transaction))
      refusals.push({ target: 'form', property: key, code: 'forbidden', message: 'the server alone writes this' });
  }
  if (!isClosed) return refusals;

  // An answer may be a shared type: a change deep inside it counts for its field.
  const touched = new Set<string>();
  for (const [type, keys] of transaction.changed) {
    if ((type as unknown) === answers) for (const key of keys) touched.add(key ?? '');
    else touched.add(rootKeyOf(type as Y.AbstractType<unknown>, answers) ?? '');
  }
  touched.delete('');
  const closed = (field: string): void =>
    void refusals.push({
      target: `fields/${field}`,
      property: 'answer',
      code: 'forbidden',
      message: 'the answers were handed in',
    });
  for (const key of touched) if (restoreKey(answers, key, transaction)) closed(key);
  for (const field of restoreEntries(entries, transaction)) closed(field);
  return refusals;
}

function changedKeys(transaction: Y.Transaction, map: Y.Map<unknown>): (string | null)[] {
  return [...transaction.changed].flatMap(([type, keys]) => ((type as unknown) === map ? [...keys] : []));
}

/** True when there was something to restore. */
function restoreKey(map: Y.Map<unknown>, key: string, transaction: Y.Transaction): boolean {
  const before = itemBefore(map, key, transaction);
  if (before === undefined) {
    if (!map.has(key)) return false;
    map.delete(key);
    return true;
  }
  const content = contentBefore(before, transaction);
  if (content === undefined) map.delete(key);
  else map.set(key, content);
  return true;
}

/** @returns the fields of the entries that came or went. */
function restoreEntries(entries: Y.Array<unknown>, transaction: Y.Transaction): Set<string> {
  const fields = new Set<string>();
  const removed: unknown[] = [];
  let index = 0;
  for (let item = entries._start; item !== null; item = item.right) {
    const isOld = wasAlive(item, transaction);
    const isAlive = !item.deleted;
    if (isOld && isAlive) index += item.length;
    if (isOld === isAlive) continue;
    const values: unknown[] = item.content instanceof Y.ContentAny ? item.content.arr : [undefined];
    for (const value of values) fields.add(fieldOf(value));
    if (isOld) removed.push(...values);
    else item.delete(transaction);
  }
  if (removed.length > 0) entries.insert(index, removed);
  return fields;
}

const fieldOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'field' in value && typeof value.field === 'string'
    ? value.field
    : 'unknown';

function rootKeyOf(type: Y.AbstractType<unknown>, root: Y.Map<unknown>): string | undefined {
  let at: Y.AbstractType<unknown> | null = type;
  let key: string | null = null;
  while (at !== null) {
    if ((at as unknown) === root) return key ?? undefined;
    key = at._item?.parentSub ?? key;
    at = (at._item?.parent ?? null) as Y.AbstractType<unknown> | null;
  }
  return undefined;
}
