/** Texts of a form as they stand in its document, and the edit that somebody made in an input. */
import * as Y from 'yjs';
import type { TextProperty } from '../../../client/index.js';

/** Undefined when nobody has written it yet. Reading makes nothing. */
export function findText(doc: Y.Doc, target: string, property: TextProperty, language: string): Y.Text | undefined {
  const text = findValue(doc, target, property, language);
  return text instanceof Y.Text ? text : undefined;
}

/** Whatever stands there: a Y.Text, a Y.XmlFragment, a plain string. */
export function findValue(doc: Y.Doc, target: string, property: TextProperty, language: string): unknown {
  const [area = '', id = '', list = '', itemId = ''] = target.split('/');
  const member = (map: unknown, key: string): unknown =>
    map instanceof Y.Map ? (map as Y.Map<unknown>).get(key) : undefined;
  let holder: unknown = doc.getMap(area === 'form' ? 'meta' : area);
  for (const key of [id, list, itemId]) if (key !== '') holder = member(holder, key);
  return member(member(holder, property), language);
}

export interface Edit {
  readonly index: number;
  readonly deleted: number;
  readonly inserted: string;
}

/**
 * The one edit between two values of an input.
 * @param caret where it stands after the edit: of `aa` → `aaa` it alone tells which `a` is new
 */
export function editBetween(before: string, after: string, caret: number = after.length): Edit {
  let end = 0;
  const mostEnd = Math.min(before.length, after.length, after.length - Math.min(caret, after.length));
  while (end < mostEnd && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const most = Math.min(before.length, after.length) - end;
  let start = 0;
  while (start < most && before[start] === after[start]) start += 1;
  return { index: start, deleted: before.length - end - start, inserted: after.slice(start, after.length - end) };
}

/** Where a caret stands after somebody else's edit. */
export function moved(caret: number, { index, deleted, inserted }: Edit): number {
  if (caret <= index) return caret;
  return Math.max(index, caret - deleted) + inserted.length;
}
