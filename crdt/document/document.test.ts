import assert from 'node:assert/strict';
import t from 'tap';
import fc from 'fast-check';
import * as Y from 'yjs';
import { contentOf, diffContent, restoreContent } from './index.js';

/** One random edit of a document with roots of every type. */
type Edit = (doc: Y.Doc) => void;

const small = fc.nat({ max: 50 });
const word = fc.constantFrom('a', 'bb', 'žluť', 'zé', 'x\ny');
const json = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  word,
  fc.constant([1, { a: 2 }]),
  fc.constant(new Uint8Array([1, 2])),
);
const key = fc.constantFrom('k', 'l', 'm');

const shared = fc.constantFrom<(value: string) => Y.AbstractType<unknown>>(
  (value) => new Y.Text(value) as Y.AbstractType<unknown>,
  (value) => new Y.Map([['v', value]]) as Y.AbstractType<unknown>,
  (value) => Y.Array.from([value, 1]) as Y.AbstractType<unknown>,
);
const bounded = (index: number, length: number): number => (length === 0 ? 0 : index % (length + 1));

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(key, json).map(
    ([k, v]): Edit =>
      (doc) =>
        doc.getMap('map').set(k, v),
  ),
  fc.tuple(key, shared, word).map(
    ([k, make, v]): Edit =>
      (doc) =>
        doc.getMap('map').set(k, make(v)),
  ),
  key.map(
    (k): Edit =>
      (doc) =>
        doc.getMap('map').delete(k),
  ),
  fc.tuple(key, word, small).map(([k, v, i]): Edit => (doc) => {
    const nested = doc.getMap('map').get(k);
    if (nested instanceof Y.Text) nested.insert(bounded(i, nested.length), v);
    if (nested instanceof Y.Map) nested.set(v, i);
    if (nested instanceof Y.Array) nested.insert(bounded(i, nested.length), [v]);
  }),
  fc.tuple(small, json).map(
    ([i, v]): Edit =>
      (doc) =>
        doc.getArray('array').insert(bounded(i, doc.getArray('array').length), [v]),
  ),
  fc.tuple(small, shared, word).map(
    ([i, make, v]): Edit =>
      (doc) =>
        doc.getArray('array').insert(bounded(i, doc.getArray('array').length), [make(v)]),
  ),
  small.map((i): Edit => (doc) => {
    const array = doc.getArray('array');
    if (array.length > 0) array.delete(i % array.length, 1);
  }),
  fc.tuple(small, word, fc.boolean()).map(([i, v, isBold]): Edit => (doc) => {
    const text = doc.getText('text');
    text.insert(bounded(i, text.length), v, isBold ? { bold: true } : {});
  }),
  fc.tuple(small, small, fc.boolean()).map(([i, n, isOn]): Edit => (doc) => {
    const text = doc.getText('text');
    if (text.length > 1) text.format(i % (text.length - 1), 1 + (n % 3), { italic: isOn ? true : null });
  }),
  small.map((i): Edit => (doc) => {
    const text = doc.getText('text');
    if (text.length > 0) text.insertEmbed(bounded(i, text.length), { image: String(i) });
  }),
  fc.tuple(small, word).map(([i, v]): Edit => (doc) => {
    const xml = doc.getXmlFragment('xml');
    const paragraph = new Y.XmlElement('p');
    paragraph.setAttribute('at', String(i));
    paragraph.insert(0, [new Y.XmlText(v)]);
    xml.insert(bounded(i, xml.length), [paragraph]);
  }),
  fc.tuple(small, word).map(([i, v]): Edit => (doc) => {
    const xml = doc.getXmlFragment('xml');
    const element = xml.length === 0 ? undefined : xml.get(i % xml.length);
    if (element instanceof Y.XmlElement) element.setAttribute(v.length > 1 ? 'b' : 'at', v);
  }),
);
const edits = fc.array(edit, { maxLength: 25 });

function make(steps: readonly Edit[], from?: Y.Doc): Y.Doc {
  const doc = new Y.Doc();
  if (from !== undefined) Y.applyUpdate(doc, Y.encodeStateAsUpdate(from));
  for (const step of steps) step(doc);
  return doc;
}
/** As a server has it: without types. */
function loaded(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  return copy;
}

void t.test('a restore reaches the content of any earlier state, and a second one changes nothing', async () => {
  fc.assert(
    fc.property(edits, edits, (first, then) => {
      const old = make(first);
      const live = loaded(make(then, old));
      restoreContent(live, loaded(old));
      assert.deepEqual(contentOf(live), contentOf(old));
      let updates = 0;
      live.on('update', () => updates++);
      restoreContent(live, old);
      assert.equal(updates, 0, 'the second restore changed something');
    }),
    { numRuns: 150 },
  );
});

void t.test('whoever was away converges with a restored document', async () => {
  fc.assert(
    fc.property(edits, edits, edits, (first, then, offline) => {
      const old = make(first);
      const live = make(then, old);
      const away = make(offline, live);
      restoreContent(live, old);
      const fromAway = Y.encodeStateAsUpdate(away, Y.encodeStateVector(live));
      Y.applyUpdate(away, Y.encodeStateAsUpdate(live, Y.encodeStateVector(away)));
      Y.applyUpdate(live, fromAway);
      assert.deepEqual(contentOf(live), contentOf(away));
    }),
    { numRuns: 100 },
  );
});

void t.test('what did not change keeps its identity: a cursor in it stays where it is', async (t) => {
  const old = make([
    (doc) => doc.getText('text').insert(0, 'Hello world'),
    (doc) => doc.getMap('map').set('note', new Y.Text('untouched')),
  ]);
  const live = make([(doc) => doc.getText('text').insert(5, ' big'), (doc) => doc.getMap('map').set('other', 1)], old);
  const note = live.getMap('map').get('note') as Y.Text;
  const inNote = Y.createRelativePositionFromTypeIndex(note, 4);
  const atWorld = Y.createRelativePositionFromTypeIndex(live.getText('text'), 10);
  const before = Y.encodeStateVector(live);
  restoreContent(live, old);
  t.equal(live.getText('text').toString(), 'Hello world');
  t.equal(Y.createAbsolutePositionFromRelativePosition(inNote, live)?.index, 4);
  t.equal(live.getMap('map').get('note'), note);
  t.equal(Y.createAbsolutePositionFromRelativePosition(atWorld, live)?.index, 6, 'before "world", as it was');
  t.ok(Y.encodeStateAsUpdate(live, before).length < 80, 'the way back is a few deletions');
});

void t.test('a character outside the basic plane is never cut in half', async (t) => {
  const old = make([(doc) => doc.getText('text').insert(0, 'a👩‍🚀b😀c')]);
  const live = make([(doc) => doc.getText('text').delete(1, 5), (doc) => doc.getText('text').insert(2, '😁')], old);
  restoreContent(live, old);
  t.equal(live.getText('text').toString(), 'a👩‍🚀b😀c');
});

void t.test('a root that became another type is restored as what it was', async (t) => {
  const old = make([(doc) => doc.getArray('root').insert(0, [1, 2])]);
  const live = loaded(old);
  const clearing = loaded(old);
  clearing.getArray('root').delete(0, 2);
  Y.applyUpdate(live, Y.encodeStateAsUpdate(clearing));
  const texted = loaded(live);
  texted.getText('root').insert(0, 'now a text');
  Y.applyUpdate(live, Y.encodeStateAsUpdate(texted));
  t.match(contentOf(live), { root: { type: 'text', value: 'now a text' } });
  restoreContent(live, old);
  t.strictSame(contentOf(live), contentOf(old));
});

void t.test('a difference names what was added, removed and changed, and says when it is cut', async (t) => {
  const before = contentOf(
    make([
      (doc) => doc.getMap('m').set('a', 1),
      (doc) => doc.getMap('m').set('b', { c: 1 }),
      (doc) => doc.getArray('l').push([1, 2, 3]),
    ]),
  );
  const after = contentOf(
    make([
      (doc) => doc.getMap('m').set('b', { c: 2 }),
      (doc) => doc.getMap('m').set('d', 4),
      (doc) => doc.getArray('l').push([1, 3]),
    ]),
  );
  t.strictSame(diffContent(before, after), {
    changes: [
      { path: ['l', 1], kind: 'removed', before: 2 },
      { path: ['m', 'a'], kind: 'removed', before: 1 },
      { path: ['m', 'b', 'c'], kind: 'changed', before: 1, after: 2 },
      { path: ['m', 'd'], kind: 'added', after: 4 },
    ],
    isTruncated: false,
  });
  t.strictSame(diffContent(before, before), { changes: [], isTruncated: false });
  const cut = diffContent(before, after, { maxChanges: 2 });
  t.equal(cut.changes.length, 2);
  t.equal(cut.isTruncated, true);
});
