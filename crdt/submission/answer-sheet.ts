/**
 * An answer sheet as a Yjs document, `form/<formId>/submission/<submissionId>`.
 *
 *   entries   Y.Array  of {field, value}; the last entry of a field counts
 *   answers   Y.Map    field id → JSON value; counts before `entries`, null is no answer
 *   meta      Y.Map    formId, version, status, isFinal (all of the server), page (of who fills it)
 *
 * `entries` is what our own code writes: new entries go to the end and those they replace are deleted. Yjs folds
 * deleted neighbours of one sequence into one, so a sheet stays as small as its answers: 100,000 edits of 10 fields leave
 * 470 bytes. In a map each overwritten value leaves about 10 bytes for ever, 980 kB for the same edits. `answers` is
 * there for clients that know nothing but Yjs: `doc.getMap('answers').set(fieldId, value)`.
 *
 * A value is what `FieldJson` asks for: text, number or boolean; a list for several choices, rankings and files
 * (`{id, name, type, bytes}`); an object by row for a matrix; a list of objects by child id for a group that repeats.
 * Fields of any other group stand beside the others, as in the JSON Schema that a form exports to.
 */
import * as Y from 'yjs';
import { isSameJson } from '../form/equality.js';
import type { Json } from '../form/form-json.js';
import { asJson } from '../form/json-value.js';
import { asText, isId } from '../form/shape.js';

export const SUBMISSION_STATUSES = [
  'in_progress',
  'submitted',
  'processing',
  'completed',
  'rejected',
  'abandoned',
] as const;
export type SubmissionStatus = (typeof SUBMISSION_STATUSES)[number];

/** By field id, ordered by id. */
export type AnswerValues = Readonly<Record<string, Json>>;

/** What a sheet says of itself; the server's record is what counts. */
export interface SheetMeta {
  readonly formId: string | undefined;
  readonly version: number | undefined;
  readonly status: SubmissionStatus;
  /** Abandoned for good: nobody takes it up again. */
  readonly isFinal: boolean;
  /** The page that was last looked at. */
  readonly page: string | undefined;
}

export const SHEET_ROOTS = { entries: 'entries', answers: 'answers', meta: 'meta' } as const;
const MAX_DEPTH = 32;
const STATUSES: ReadonlySet<unknown> = new Set(SUBMISSION_STATUSES);
const isStatus = (value: unknown): value is SubmissionStatus => STATUSES.has(value);

/** Never throws. Keys that are no field id and values that JSON cannot say are left out. */
export function readAnswers(doc: Y.Doc): AnswerValues {
  const found = new Map<string, Json>();
  for (const { field, value } of entriesOf(doc)) found.set(field, value);
  const map = mapRoot(doc, SHEET_ROOTS.answers);
  for (const key of map?.keys() ?? []) {
    const value = isId(key) ? valueOf(map?.get(key), 0) : undefined;
    if (value !== undefined) found.set(key, value);
  }
  const given = [...found].filter(([, value]) => value !== null);
  return Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Never throws. A status that is none is `in_progress`. */
export function readSheetMeta(doc: Y.Doc): SheetMeta {
  const root = mapRoot(doc, SHEET_ROOTS.meta);
  const idAt = (key: string): string | undefined => {
    const id = root?.get(key);
    return typeof id === 'string' && isId(id) ? id : undefined;
  };
  const version = root?.get('version');
  const status = root?.get('status');
  return {
    formId: idAt('formId'),
    version: typeof version === 'number' && Number.isSafeInteger(version) && version >= 0 ? version : undefined,
    status: isStatus(status) ? status : 'in_progress',
    isFinal: root?.get('isFinal') === true,
    page: idAt('page'),
  };
}

/** A new sheet; inside a transaction of the caller. */
export function seedSheet(doc: Y.Doc, pinned: { formId: string; version: number }, answers: AnswerValues): void {
  const meta = doc.getMap(SHEET_ROOTS.meta);
  meta.set('formId', pinned.formId);
  meta.set('version', pinned.version);
  meta.set('status', 'in_progress' satisfies SubmissionStatus);
  writeAnswers(doc, answers);
}

/** `null` takes an answer away. What is as it was is not written again. Inside a transaction of the caller. */
export function writeAnswers(doc: Y.Doc, changes: Readonly<Record<string, Json>>): void {
  const before = readAnswers(doc);
  const changed = Object.entries(changes).filter(([field, value]) => !isSameJson(before[field] ?? null, value));
  if (changed.length === 0) return;
  const fields = new Set(changed.map(([field]) => field));
  const entries = doc.getArray<unknown>(SHEET_ROOTS.entries);
  const replaced = entries
    .toArray()
    .flatMap((entry, index) => (fields.has(entryOf(entry)?.field ?? '') ? [index] : []));
  entries.push(changed.filter(([, value]) => value !== null).map(([field, value]) => ({ field, value })));
  for (const index of replaced.reverse()) entries.delete(index);
  const map = mapRoot(doc, SHEET_ROOTS.answers);
  for (const field of fields) if (map?.has(field) === true) map.delete(field);
}

/** Whether answers may still be written: it is being filled, or was left and may be taken up again. */
export const isOpenSheet = ({ status, isFinal }: Pick<SheetMeta, 'status' | 'isFinal'>): boolean =>
  status === 'in_progress' || (status === 'abandoned' && !isFinal);

/** The version that the sheet is pinned to from now on. Inside a transaction of the caller. */
export function writeVersion(doc: Y.Doc, version: number): void {
  const meta = doc.getMap(SHEET_ROOTS.meta);
  if (meta.get('version') !== version) meta.set('version', version);
}

export function writePage(doc: Y.Doc, page: string): void {
  const meta = doc.getMap(SHEET_ROOTS.meta);
  if (meta.get('page') !== page) meta.set('page', page);
}

/** @param isFinal nobody takes it up again, although it was abandoned */
export function writeStatus(doc: Y.Doc, status: SubmissionStatus, isFinal = false): void {
  const meta = doc.getMap(SHEET_ROOTS.meta);
  if (meta.get('status') !== status) meta.set('status', status);
  if (isFinal) meta.set('isFinal', true);
  else if (meta.has('isFinal')) meta.delete('isFinal');
}

function entriesOf(doc: Y.Doc): { field: string; value: Json }[] {
  const known = doc.share.get(SHEET_ROOTS.entries);
  if (known !== undefined && known.constructor !== Y.AbstractType && !(known instanceof Y.Array)) return [];
  const entries = doc.getArray<unknown>(SHEET_ROOTS.entries).toArray();
  return entries.map(entryOf).filter((entry) => entry !== undefined);
}

function entryOf(entry: unknown): { field: string; value: Json } | undefined {
  if (typeof entry !== 'object' || entry === null || !('field' in entry) || !('value' in entry)) return undefined;
  const { field } = entry;
  const value = asJson(entry.value);
  return typeof field === 'string' && isId(field) && value !== undefined ? { field, value } : undefined;
}

/** Undefined when somebody here has made something else of the root. */
function mapRoot(doc: Y.Doc, name: string): Y.Map<unknown> | undefined {
  const known = doc.share.get(name);
  if (known !== undefined && known.constructor !== Y.AbstractType && !(known instanceof Y.Map)) return undefined;
  return doc.getMap(name);
}

/** Shared types are read too: two people may write one long text together. */
function valueOf(value: unknown, depth: number): Json | undefined {
  if (!(value instanceof Y.AbstractType)) return asJson(value, depth);
  if (depth >= MAX_DEPTH) return undefined;
  const text = asText(value);
  if (text !== undefined) return text;
  if (value instanceof Y.Array) {
    const items = value.toArray().map((item) => valueOf(item, depth + 1));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (!(value instanceof Y.Map)) return undefined;
  const members: Record<string, Json> = {};
  for (const key of [...value.keys()].sort()) {
    const member = isId(key) ? valueOf(value.get(key), depth + 1) : undefined;
    if (member === undefined) return undefined;
    members[key] = member;
  }
  return members;
}
