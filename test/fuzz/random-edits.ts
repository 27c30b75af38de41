/** Edits of any kind that Yjs knows, as an editor might make them. */
import * as Y from 'yjs';
import type { RandomSource } from './random-source.js';

const KEYS = ['title', 'label', 'order', '__proto__', 'constructor', ''];

/** One transaction. */
export function editAtRandom(doc: Y.Doc, random: RandomSource): void {
  doc.transact(() => {
    for (let count = 1 + random.below(3); count > 0; count -= 1) editOnce(doc, random);
  });
}

function editOnce(doc: Y.Doc, random: RandomSource): void {
  const text = doc.getText('text');
  const list = doc.getArray('list');
  const map = doc.getMap('map');
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      text.insert(random.below(text.length + 1), random.pick(['a', 'Zeile\n', '😀', 'é', ' ', 'word '.repeat(20)]));
      break;
    case 3:
      if (text.length > 0) deleteSome(text, random);
      break;
    case 4:
      if (text.length > 0) text.format(random.below(text.length), 1, { bold: random.chance(50) ? true : null });
      break;
    case 5:
      list.insert(random.below(list.length + 1), [valueAtRandom(random)]);
      break;
    case 6:
      if (list.length > 0) deleteSome(list, random);
      break;
    case 7:
      map.set(random.pick(KEYS), valueAtRandom(random));
      break;
    case 8:
      map.delete(random.pick(KEYS));
      break;
  }
}

function deleteSome(type: Y.Text | Y.Array<unknown>, random: RandomSource): void {
  const at = random.below(type.length);
  type.delete(at, Math.min(type.length - at, 1 + random.below(5)));
}

function valueAtRandom(random: RandomSource): unknown {
  switch (random.below(8)) {
    case 0:
      return random.next();
    case 1:
      return null;
    case 2:
      return { nested: [random.below(10), { deeper: true }] };
    case 3:
      return random.bytes(random.below(40));
    case 4:
      return new Y.Map([['inner', random.below(100)]]);
    case 5:
      return new Y.Array();
    case 6:
      return new Y.Text('inner text');
    default:
      return `value ${random.below(1_000)}`;
  }
}
