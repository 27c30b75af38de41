import fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { readRanges } from './update-ranges.js';

/** Clocks by client, as Yjs itself reads them. */
function clocksByYjs(update: Uint8Array): string[] {
  const clocks: string[] = [];
  for (const struct of Y.decodeUpdate(update).structs) {
    if (struct instanceof Y.Skip) continue;
    for (let i = 0; i < struct.length; i++) clocks.push(`${struct.id.client}:${struct.id.clock + i}`);
  }
  return clocks.sort();
}

function clocksByRanges(update: Uint8Array): string[] {
  const framed = Buffer.concat([Buffer.from([9, 9, 9]), update, Buffer.from([7])]);
  const clocks: string[] = [];
  readRanges(framed, 3, 3 + update.length, {
    range: (client, from, to) => {
      for (let clock = from; clock < to; clock++) clocks.push(`${client}:${clock}`);
    },
  });
  return clocks.sort();
}

const edit = fc.record({
  author: fc.nat(2),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  text: fc.string({ unit: 'grapheme', maxLength: 6 }),
  deletes: fc.nat(3),
  kind: fc.constantFrom('text', 'map', 'array'),
});

t.test('it reads the clocks of any update that Yjs makes', async (t) => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 25 }), (edits) => {
      const docs = [1, 300, 70_000].map((clientID) => {
        const doc = new Y.Doc();
        doc.clientID = clientID;
        return doc;
      });
      const updates: Uint8Array[] = [];
      for (const { author, at, text, deletes, kind } of edits) {
        const doc = docs[author] ?? new Y.Doc();
        for (const other of docs) if (other !== doc) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other));
        doc.once('update', (update: Uint8Array) => updates.push(update));
        doc.transact(() => {
          if (kind === 'map') doc.getMap('map').set(text, { text, deletes });
          if (kind === 'array') doc.getArray('array').push([text, deletes]);
          if (kind !== 'text') return;
          const target = doc.getText('text');
          const index = Math.floor(at * target.length);
          target.insert(index, text);
          target.delete(index, Math.min(deletes, target.length - index));
        });
      }
      updates.push(...docs.map((doc) => Y.encodeStateAsUpdate(doc)));
      // A merge of updates that do not touch leaves skips.
      if (updates.length > 2) updates.push(Y.mergeUpdates(updates.filter((_, i) => i % 2 === 0)));
      for (const update of updates) t.strictSame(clocksByRanges(update), clocksByYjs(update));
    }),
    { numRuns: 60 },
  );
});

t.test('an update that ends too early is refused', async (t) => {
  const doc = new Y.Doc();
  doc.getText('text').insert(0, 'words');
  const update = Y.encodeStateAsUpdate(doc);
  t.throws(() => clocksByRanges(update.subarray(0, 6)), RangeError);
});
