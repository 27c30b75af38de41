/** A property of a field that writes can meet on: where it is stored, and what may stand there. */
import * as Y from 'yjs';
import { wasAlive, type AnyType } from '../form/guard/before.js';
import { asJson, asText, mapRoot, ROOTS } from '../form/shape.js';
import type { Json } from '../form/json-value.js';
import type { Entries } from './entry-index.js';

/** The part of a rule of the form's shape that counts here. */
export type PropertyRule =
  { readonly kind: 'text' } | { readonly kind: 'value'; accepts(value: unknown): boolean } | { readonly kind: 'map' };

export interface Property {
  readonly map: Y.Map<unknown>;
  readonly key: string;
  readonly field: string;
  /** Names below the field; the last one is `key`. */
  readonly path: readonly string[];
}

/** Where a field stands is settled by the projection, whoever moved it. */
const PLACES = new Set(['position', 'page', 'parent']);

/** @param path names from the root */
export const mayMeet = (path: readonly string[]): boolean =>
  path[0] === ROOTS.fields && path.length > 2 && !PLACES.has(path[path.length - 1] ?? '');

/** Of the entries of one property; undefined when the field, or what holds the property, is gone. */
export function propertyOf(doc: Y.Doc, entries: Entries): Property | undefined {
  const [first] = entries.values();
  const map = first === undefined ? undefined : holderOf(doc, first.field, first.path);
  if (first === undefined || map === undefined) return undefined;
  return { map, key: first.path[first.path.length - 1] ?? '', field: first.field, path: first.path };
}

/** The map in which a property is stored. */
function holderOf(doc: Y.Doc, field: string, path: readonly string[]): Y.Map<unknown> | undefined {
  let map: unknown = mapRoot(doc, ROOTS.fields)?.get(field);
  for (const name of path.slice(0, -1)) map = map instanceof Y.Map ? map.get(name) : undefined;
  return map instanceof Y.Map ? (map as Y.Map<unknown>) : undefined;
}

export const headOf = ({ map, key }: Pick<Property, 'map' | 'key'>): Y.Item | undefined => map._map.get(key);

/** What an item of this transaction, or one that it took away, says or said; undefined when nobody knows any more. */
export function valueOf(item: Y.Item, transaction: Y.Transaction): Json | undefined {
  const { content } = item;
  if (content instanceof Y.ContentType) {
    const type = content.type as AnyType;
    return item.deleted ? textBefore(type, transaction) : asText(type);
  }
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) {
    return asJson(content.arr[content.arr.length - 1]);
  }
  return content instanceof Y.ContentString ? content.str.toWellFormed() : undefined;
}

/** The text of a type that this transaction deleted. Blocks become lines. */
function textBefore(type: AnyType, transaction: Y.Transaction): string {
  let text = '';
  for (let item = type._start; item !== null; item = item.right) {
    const isNew = item.id.clock >= (transaction.beforeState.get(item.id.client) ?? 0);
    if (!isNew && !wasAlive(item, transaction)) continue;
    if (item.content instanceof Y.ContentString) text += item.content.str;
    else if (item.content instanceof Y.ContentType) {
      const inner = textBefore(item.content.type as AnyType, transaction);
      text += item.content.type instanceof Y.XmlElement ? `${inner}\n` : inner;
    }
  }
  return type instanceof Y.XmlFragment ? text.replace(/\n+$/, '').toWellFormed() : text.toWellFormed();
}
