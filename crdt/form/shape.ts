/**
 * A form as a Yjs document.
 *
 *   meta    Y.Map  schemaVersion, languages, title, description, settings
 *   pages   Y.Map  id → Y.Map: position, title, description, visibleIf, jumps
 *   fields  Y.Map  id → Y.Map: position, page or parent, type, title, description, placeholder, required, options, rows,
 *                  validation, properties, visibleIf, requiredIf, enabledIf, calculate, defaultValue, repeat
 *
 *   title, description, placeholder, label   Y.Map  language → Y.Text (or Y.XmlFragment of a rich-text editor, or a string)
 *   options, rows                            Y.Map  id → Y.Map: position, label, value
 *   settings, validation, properties         Y.Map  one entry per key, so that different keys never collide
 *   everything else                          plain JSON, last writer wins
 *
 * Items are looked up by id and ordered by `position`: a move changes `position` and `page` or `parent`, and never deletes.
 * Containers are made with the item that holds them, so that two people who translate at once share them; only a text
 * that two people create in the same language at the same moment has one winner.
 */
import * as Y from 'yjs';
import type { FieldType } from './form-json.js';

export { isFieldType, isId, isJumps, isLanguage, isRepeat, isValidationEntry } from './form-values.js';
export { asJson, isKey } from './json-value.js';

export const SCHEMA_VERSION = 1;
export const ROOTS = { meta: 'meta', pages: 'pages', fields: 'fields' } as const;

/** A root to read from; undefined when somebody here has made something else of it, where `getMap` would throw. */
export function mapRoot(doc: Y.Doc, name: string): Y.Map<unknown> | undefined {
  const known = doc.share.get(name);
  if (known !== undefined && known.constructor !== Y.AbstractType && !(known instanceof Y.Map)) return undefined;
  return doc.getMap(name);
}

/** Roots to write to. */
export const metaOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap(ROOTS.meta);
export const pagesOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap(ROOTS.pages);
export const fieldsOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap(ROOTS.fields);

/** Field types whose JSON always has `options`. */
export const CHOICE_TYPES: ReadonlySet<FieldType> = new Set(['choice', 'choices', 'dropdown', 'ranking', 'matrix']);
/** Members of a field that are plain JSON. */
export const JSON_MEMBERS = ['visibleIf', 'requiredIf', 'enabledIf', 'calculate', 'defaultValue'] as const;

const MAX_TEXT_DEPTH = 32;

/** A text value of any tolerated kind as plain text; undefined when it is none. */
export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.toWellFormed();
  if (value instanceof Y.XmlText || value instanceof Y.Text) return plainText(value);
  if (value instanceof Y.XmlFragment) return fragmentText(value, 0).replace(/\n+$/, '');
  return undefined;
}

function plainText(text: Y.Text): string {
  return (text.toDelta() as { insert: unknown }[])
    .map((part) => (typeof part.insert === 'string' ? part.insert : ''))
    .join('')
    .toWellFormed();
}

/** Blocks of a rich text become lines. */
function fragmentText(fragment: Y.XmlFragment, depth: number): string {
  if (depth > MAX_TEXT_DEPTH) return '';
  let text = '';
  for (const child of fragment.toArray()) {
    if (child instanceof Y.XmlText) text += plainText(child);
    else if (child instanceof Y.XmlElement) {
      const inner = fragmentText(child, depth + 1);
      text += child.nodeName === 'hardBreak' ? '\n' : inner.endsWith('\n') ? inner : `${inner}\n`;
    }
  }
  return text;
}
