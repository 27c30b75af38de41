/**
 * The smallest edits that turn one text into another, so that what did not change keeps its identity: cursors, comments
 * anchored in it and concurrent edits stay where they are.
 */
import type * as Y from 'yjs';

export interface TextEdit {
  /** In the text as it is when this edit is applied, in UTF-16 units. */
  readonly index: number;
  readonly deleted: number;
  readonly inserted: string;
}

/** Words times words above which the middle is replaced as a whole. */
const MAX_TABLE = 250_000;

/** In the order in which they are to be applied: from the end, so that earlier indexes hold. */
function textEdits(before: string, after: string): TextEdit[] {
  if (before === after) return [];
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start += 1;
  if (isInsidePair(before, start) || isInsidePair(after, start)) start -= 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  if (isInsidePair(before, before.length - end) || isInsidePair(after, after.length - end)) end -= 1;
  const old = before.slice(start, before.length - end);
  const fresh = after.slice(start, after.length - end);
  return wordEdits(old, fresh).map((edit) => ({ ...edit, index: edit.index + start }));
}

export function applyTextEdits(text: Y.Text, after: string): number {
  const { plain, embeds } = read(text);
  const edits = textEdits(plain, after);
  /** Where the character stands in the Yjs text, where an embed (an image, a mention) counts as one. */
  const placeOf = (index: number): number => index + embeds.filter((embed) => embed <= index).length;
  for (const { index, deleted, inserted } of edits) {
    const start = placeOf(index);
    if (deleted > 0) text.delete(start, placeOf(index + deleted - 1) + 1 - start);
    if (inserted !== '') text.insert(start, inserted);
  }
  return edits.length;
}

/** @returns `embeds`: for each, how many characters stand before it */
function read(text: Y.Text): { plain: string; embeds: number[] } {
  let plain = '';
  const embeds: number[] = [];
  for (const { insert } of text.toDelta() as { insert: unknown }[]) {
    if (typeof insert === 'string') plain += insert;
    else embeds.push(plain.length);
  }
  return { plain, embeds };
}

function isInsidePair(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  const before = text.charCodeAt(index - 1);
  return code >= 0xdc00 && code <= 0xdfff && before >= 0xd800 && before <= 0xdbff;
}

/** Longest common subsequence of words and spaces. */
function wordEdits(before: string, after: string): TextEdit[] {
  const a = before.match(/\s+|[^\s]+/g) ?? [];
  const b = after.match(/\s+|[^\s]+/g) ?? [];
  if (a.length === 0 || b.length === 0 || a.length * b.length > MAX_TABLE) {
    return [{ index: 0, deleted: before.length, inserted: after }];
  }
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i * width + j] =
        a[i] === b[j]
          ? (table[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(table[(i + 1) * width + j] ?? 0, table[i * width + j + 1] ?? 0);
    }
  }
  const edits: { index: number; deleted: number; inserted: string }[] = [];
  let index = 0;
  let open: { index: number; deleted: number; inserted: string } | undefined;
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const old = a[i];
    const fresh = b[j];
    if (old !== undefined && old === fresh) {
      index += old.length;
      open = undefined;
      i += 1;
      j += 1;
      continue;
    }
    if (open === undefined) {
      open = { index, deleted: 0, inserted: '' };
      edits.push(open);
    }
    const isInsertion =
      old === undefined ||
      (fresh !== undefined && (table[i * width + j + 1] ?? 0) >= (table[(i + 1) * width + j] ?? 0));
    if (isInsertion) {
      open.inserted += fresh ?? '';
      j += 1;
    } else {
      open.deleted += old.length;
      index += old.length;
      i += 1;
    }
  }
  return edits.reverse();
}
