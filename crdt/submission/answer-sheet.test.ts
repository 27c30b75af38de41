import t from 'tap';
import fc from 'fast-check';
import * as Y from 'yjs';
import type { Json } from '../form/form-json.js';
import { readAnswers, readSheetMeta, seedSheet, writeAnswers, writePage, writeStatus } from './answer-sheet.js';
import { guardSheet } from './sheet-guard.js';

const sheet = (answers: Record<string, Json> = {}): Y.Doc => {
  const doc = new Y.Doc();
  doc.transact(() => seedSheet(doc, { formId: 'form', version: 3 }, answers));
  return doc;
};
const copy = (doc: Y.Doc): Y.Doc => {
  const other = new Y.Doc();
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
  return other;
};
const exchange = (a: Y.Doc, b: Y.Doc): void => {
  Y.applyUpdate(a, Y.encodeStateAsUpdate(b));
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a));
};

void t.test('answers are read as they were last written, by any means', async (t) => {
  const doc = sheet({ a: 'x', b: 2 });
  t.same(readAnswers(doc), { a: 'x', b: 2 });
  writeAnswers(doc, { a: null, c: [{ d: true }] });
  t.same(readAnswers(doc), { b: 2, c: [{ d: true }] });
  doc.getMap('answers').set('b', 5);
  t.same(readAnswers(doc)['b'], 5, 'a client that knows nothing but Yjs writes the map');
  writeAnswers(doc, { b: 6 });
  t.same(readAnswers(doc)['b'], 6, 'and is overwritten later');
  doc.getMap('answers').set('b', null);
  t.notOk('b' in readAnswers(doc), 'null takes an answer away');
  doc.getMap('answers').set('long', new Y.Text('together'));
  t.equal(readAnswers(doc)['long'], 'together', 'a long text may be shared');
  writePage(doc, 'p2');
  writeStatus(doc, 'submitted');
  t.same(readSheetMeta(doc), { formId: 'form', version: 3, status: 'submitted', isFinal: false, page: 'p2' });
});

void t.test('what is as it was is not written again', async (t) => {
  const doc = sheet({ a: { row: 'x', other: 'y' } });
  const before = Y.encodeStateVector(doc);
  writeAnswers(doc, { a: { other: 'y', row: 'x' }, b: null });
  t.same(Y.encodeStateVector(doc), before);
});

void t.test('row 23: 100,000 edits of 10 answers leave a sheet of a kilobyte', async (t) => {
  const doc = sheet();
  for (let i = 0; i < 100_000; i += 1) {
    doc.transact(() => writeAnswers(doc, { [`field${i % 10}`]: `answer ${i}` }));
  }
  const bytes = Y.encodeStateAsUpdate(doc).length;
  t.comment(`${bytes} bytes`);
  t.ok(bytes < 1_024, `${bytes} bytes`);
  t.equal(readAnswers(doc)['field9'], 'answer 99999');
});

void t.test('two who fill a sheet apart agree when they meet, and keep what each answered alone', async () => {
  const changes = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.oneof(fc.constant(null), fc.nat(9)), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(changes, changes), { maxLength: 6 }), (rounds) => {
      const [one, two] = [sheet({ a: 1 }), new Y.Doc()];
      exchange(one, two);
      for (const [mine, yours] of rounds) {
        writeAnswers(one, mine);
        writeAnswers(two, yours);
        const alone = Object.entries(mine).filter(([field]) => !(field in yours));
        exchange(one, two);
        const [first, second] = [readAnswers(one), readAnswers(two)];
        if (JSON.stringify(first) !== JSON.stringify(second)) return false;
        if (!alone.every(([field, value]) => (first[field] ?? null) === value)) return false;
      }
      return true;
    }),
  );
});

void t.test('a sheet of any content is read without an error', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.anything()), { maxLength: 5 }), (members) => {
      const doc = new Y.Doc();
      for (const [key, value] of members) {
        try {
          doc.getMap('answers').set(key, value);
          doc.getArray('entries').push([value, { field: key, value }]);
          doc.getMap('meta').set(key, value);
        } catch {
          // Yjs itself refuses some values, such as functions.
        }
      }
      const read = readAnswers(copy(doc));
      readSheetMeta(doc);
      return typeof JSON.stringify(read) === 'string';
    }),
  );
});

void t.test('what the server alone writes is restored, and all of a sheet that was handed in', async (t) => {
  const doc = sheet({ a: 'mine', b: 'too' });
  doc.getMap('answers').set('c', 'in the map');
  doc.getMap('answers').set('long', new Y.Text('shared'));
  const undo = (edit: (author: Y.Doc) => void): string[] => {
    const author = copy(doc);
    const before = Y.encodeStateVector(author);
    author.transact(() => edit(author));
    return doc.transact((transaction) => {
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(author, before));
      return guardSheet(doc, transaction, { canWrite: true }).map(({ property, target }) => `${target} ${property}`);
    });
  };
  t.same(
    undo((author) => {
      author.getMap('meta').set('status', 'submitted');
      author.getMap('meta').delete('version');
      writeAnswers(author, { a: 'changed' });
      writePage(author, 'p2');
    }).sort(),
    ['form status', 'form version'],
  );
  t.same(readSheetMeta(doc), { formId: 'form', version: 3, status: 'in_progress', isFinal: false, page: 'p2' });
  t.equal(readAnswers(doc)['a'], 'changed', 'answers stand as long as the sheet is open');

  writeStatus(doc, 'submitted');
  const handedIn = readAnswers(doc);
  for (const edit of [
    (author: Y.Doc): void => writeAnswers(author, { a: 'late', b: null, e: 'new' }),
    (author: Y.Doc): void => void author.getMap('answers').set('c', 'late'),
    (author: Y.Doc): void => author.getMap('answers').delete('long'),
    (author: Y.Doc): void => (author.getMap('answers').get('long') as Y.Text).insert(0, 'late '),
    (author: Y.Doc): void => author.getArray('entries').delete(0, author.getArray('entries').length),
    (author: Y.Doc): void => author.getArray('entries').push([new Y.Text('no entry')]),
    (author: Y.Doc): void => void author.getMap('meta').set('status', 'in_progress'),
    (author: Y.Doc): void => writePage(author, 'p9'),
  ]) {
    t.ok(undo(edit).length > 0, 'the author is told');
    t.same(readAnswers(doc), handedIn);
    t.match(readSheetMeta(doc), { status: 'submitted', page: 'p2' });
  }
  t.same(
    undo(() => undefined),
    [],
  );
  t.same(readAnswers(copy(doc)), handedIn, 'on other replicas as well');
});
