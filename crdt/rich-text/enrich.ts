/**
 * A text becomes a rich one the first time that somebody puts the caret into it with a rich-text editor. Two people may
 * do that at once, even offline: each would make a fragment, and one of the two would be lost with all that was written
 * in it. So whoever turns the same text into a rich one makes the very same Yjs items: their client id is a digest of
 * what they are made from and of what they hold, and Yjs takes equal items for one.
 */
import * as Y from 'yjs';
import { asText } from '../form/shape.js';
import { elementOf, nodesOf } from './fragment.js';

/** Of the transaction that makes a text rich; undo managers should not track it. */
const ENRICH_ORIGIN = Symbol('a text becomes rich');

/**
 * @param texts language → text, as the form holds them; in a document
 * @returns the rich text, made when there is none
 */
export function enrichText(texts: Y.Map<unknown>, language: string): Y.XmlFragment {
  const present: unknown = texts.get(language);
  if (present instanceof Y.XmlFragment) return present;
  const { doc } = texts;
  if (doc === null) throw new Error('The text is not in a document.');
  const nodes = nodesOf(asText(present) ?? '').filter((_, index, all) => all.length > 1 || isFilled(all[index]));
  const fragment = new Y.XmlFragment();
  const own = doc.clientID;
  try {
    doc.transact(() => {
      doc.clientID = digest([idOf(texts._item), language, idOf(texts._map.get(language)), JSON.stringify(nodes)]);
      texts.set(language, fragment);
      fragment.insert(0, nodes.map(elementOf));
      doc.clientID = own;
    }, ENRICH_ORIGIN);
  } finally {
    doc.clientID = own;
  }
  return fragment;
}

const isFilled = (node: ReturnType<typeof nodesOf>[number] | undefined): boolean =>
  node !== undefined && 'children' in node && node.children.length > 0;

const idOf = (item: Y.Item | null | undefined): string =>
  item === null || item === undefined ? '' : `${item.id.client}-${item.id.clock}`;

/** FNV-1a; client ids of Yjs have 32 bits. */
function digest(parts: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(parts.join('\n'))) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
