/** The shared text of a title, description, placeholder or label, found by its target. */
import * as Y from 'yjs';
import { enrichText } from '../../crdt/rich-text/enrich.js';
import { fieldsOf, metaOf, pagesOf } from '../../crdt/form/shape.js';
import type { TextProperty } from '../../crdt/form/operations/target.js';

/** Inside a transaction of the caller: the text is made when there is none. @throws RangeError, TypeError */
export function textAt(doc: Y.Doc, target: string, property: TextProperty, language: string): Y.Text {
  const texts = textsAt(doc, target, property);
  const found = texts.get(language);
  if (found instanceof Y.Text) return found;
  if (found instanceof Y.AbstractType) throw new TypeError(`The ${property} of "${target}" is a rich text.`);
  const text = new Y.Text(typeof found === 'string' ? found : '');
  texts.set(language, text);
  return text;
}

/** The same as a rich text; one that is plain becomes rich. @throws RangeError */
export function richTextAt(doc: Y.Doc, target: string, property: TextProperty, language: string): Y.XmlFragment {
  return enrichText(textsAt(doc, target, property), language);
}

function textsAt(doc: Y.Doc, target: string, property: TextProperty): Y.Map<unknown> {
  const holder = holderOf(doc, target);
  if (holder === undefined) throw new RangeError(`There is no "${target}" in the form.`);
  const languages = holder.get(property);
  if (languages instanceof Y.Map) return languages as Y.Map<unknown>;
  const texts = new Y.Map<unknown>();
  holder.set(property, texts);
  return texts;
}

function holderOf(doc: Y.Doc, target: string): Y.Map<unknown> | undefined {
  const [area, id = '', list = '', itemId = ''] = target.split('/');
  if (area === 'form' && id === '') return metaOf(doc);
  if (area !== 'pages' && area !== 'fields') return undefined;
  const item = mapIn(area === 'pages' ? pagesOf(doc) : fieldsOf(doc), id);
  if (item === undefined || list === '') return item;
  if (area !== 'fields' || (list !== 'options' && list !== 'rows')) return undefined;
  const items = mapIn(item, list);
  return items === undefined ? undefined : mapIn(items, itemId);
}

function mapIn(map: Y.Map<unknown>, key: string): Y.Map<unknown> | undefined {
  const value = map.get(key);
  return value instanceof Y.Map ? (value as Y.Map<unknown>) : undefined;
}
