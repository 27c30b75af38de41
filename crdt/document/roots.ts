/**
 * The roots of any Yjs document. A document that was loaded from updates does not know what its roots are: that is told
 * from what they hold.
 *
 *   entries by key                     map
 *   characters, formats, embeds        text
 *   XML nodes                          xml
 *   anything else in sequence          array
 *   nothing                            left out: it could be any of them
 */
import * as Y from 'yjs';

export type Root =
  | { readonly type: 'map'; readonly value: Y.Map<unknown> }
  | { readonly type: 'array'; readonly value: Y.Array<unknown> }
  | { readonly type: 'text'; readonly value: Y.Text }
  | { readonly type: 'xml'; readonly value: Y.XmlFragment };
export type RootType = Root['type'];

/**
 * A copy whose roots may be given types: on a document that others use, a type once given can't be taken back.
 * Whoever asks destroys it.
 */
export function copyOf(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  return copy;
}

/** Ordered by name. Gives the roots of `doc` their types. */
export function rootsOf(doc: Y.Doc): Map<string, Root> {
  const roots = new Map<string, Root>();
  for (const name of [...doc.share.keys()].sort()) {
    const type = typeOf(doc.share.get(name));
    if (type !== undefined) roots.set(name, rootAs(doc, name, type));
  }
  return roots;
}

export function rootAs(doc: Y.Doc, name: string, type: RootType): Root {
  switch (type) {
    case 'map':
      return { type, value: doc.getMap<unknown>(name) };
    case 'array':
      return { type, value: doc.getArray<unknown>(name) };
    case 'text':
      return { type, value: doc.getText(name) };
    case 'xml':
      return { type, value: doc.getXmlFragment(name) };
  }
}

function typeOf(root: Pick<Y.AbstractType<never>, '_map' | '_start'> | undefined): RootType | undefined {
  if (root === undefined) return undefined;
  for (const item of root._map.values()) if (!item.deleted) return 'map';
  for (let item = root._start; item !== null; item = item.right) {
    if (item.deleted) continue;
    const { content } = item;
    if (content instanceof Y.ContentString || content instanceof Y.ContentFormat || content instanceof Y.ContentEmbed)
      return 'text';
    if (content instanceof Y.ContentType && isXml(content.type)) return 'xml';
    return 'array';
  }
  return undefined;
}

function isXml(type: unknown): boolean {
  return type instanceof Y.XmlElement || type instanceof Y.XmlText || type instanceof Y.XmlHook;
}
