import assert from 'node:assert/strict';
import t from 'tap';
import fc from 'fast-check';
import * as Y from 'yjs';
import { encodeStateInChunks } from './state-chunks.js';
import { inspectUpdate } from './update-bounds.js';

/** Three replicas that edit and sometimes sync, so that their structs refer to each other. */
const edits = fc.array(
  fc.record({
    replica: fc.nat(2),
    kind: fc.constantFrom('insert', 'delete', 'map', 'nested', 'sync'),
    at: fc.nat(1000),
    text: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
  }),
  { maxLength: 60 },
);

function replay(script: ReturnType<typeof fc.sample<unknown>>): Y.Doc {
  const docs = [1, 2, 3].map((clientID) => Object.assign(new Y.Doc(), { clientID }));
  for (const step of script as { replica: number; kind: string; at: number; text: string }[]) {
    const doc = docs[step.replica]!;
    const text = doc.getText('text');
    if (step.kind === 'insert') text.insert(step.at % (text.length + 1), step.text);
    else if (step.kind === 'delete' && text.length > 0) text.delete(step.at % text.length, 1);
    else if (step.kind === 'map') doc.getMap('map').set(`k${step.at % 5}`, step.text);
    else if (step.kind === 'nested') doc.getArray<Y.Map<string>>('list').push([new Y.Map([['a', step.text]])]);
    else Y.applyUpdate(doc, Y.encodeStateAsUpdate(docs[(step.replica + 1) % 3]!));
  }
  const merged = docs[0]!;
  for (const other of docs.slice(1)) Y.applyUpdate(merged, Y.encodeStateAsUpdate(other));
  return merged;
}

const content = (doc: Y.Doc) => ({
  text: doc.getText('text').toString(),
  map: doc.getMap('map').toJSON() as unknown,
  list: doc.getArray('list').toJSON() as unknown,
});

void t.test('chunks applied in order give the same document and none waits for a later one', (t) => {
  fc.assert(
    fc.property(edits, fc.integer({ min: 30, max: 400 }), (script, maxBytes) => {
      const doc = replay(script);
      const copy = new Y.Doc();
      const chunks = encodeStateInChunks(doc, maxBytes);
      for (const [index, chunk] of chunks.entries()) {
        inspectUpdate(chunk);
        Y.applyUpdate(copy, chunk);
        if (copy.store.pendingStructs !== null) throw new Error(`chunk ${index} waits for a later one`);
      }
      assert.deepEqual(content(copy), content(doc));
      assert.deepEqual(Y.encodeStateVector(copy), Y.encodeStateVector(doc));
    }),
    { numRuns: 200 },
  );
  t.end();
});

void t.test('a client with any earlier state gets exactly what it lacks', (t) => {
  fc.assert(
    fc.property(edits, edits, fc.integer({ min: 30, max: 400 }), (before, after, maxBytes) => {
      const doc = replay(before);
      const copy = new Y.Doc();
      Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
      const known = Y.decodeStateVector(Y.encodeStateVector(copy));
      for (const step of after) doc.getText('text').insert(step.at % (doc.getText('text').length + 1), step.text);
      for (const chunk of encodeStateInChunks(doc, maxBytes, known)) Y.applyUpdate(copy, chunk);
      assert.deepEqual(content(copy), content(doc));
      assert.equal(copy.store.pendingStructs, null);
    }),
  );
  t.end();
});

void t.test('one pasted text larger than the limit is cut between code points', (t) => {
  const doc = new Y.Doc();
  const text = 'aé😀'.repeat(20_000);
  doc.getText('text').insert(0, text);
  const chunks = encodeStateInChunks(doc, 16_384);
  t.ok(chunks.length > 5);
  t.ok(chunks.every((chunk) => chunk.length <= 20_000));
  const copy = new Y.Doc();
  for (const chunk of chunks) Y.applyUpdate(copy, chunk);
  t.equal(copy.getText('text').toString(), text);
  t.end();
});

void t.test('a client that knows the beginning takes the chunks too', (t) => {
  const doc = new Y.Doc();
  const copy = new Y.Doc();
  doc.getText('text').insert(0, 'x'.repeat(50_000));
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  copy.getText('text').insert(10, 'mine');
  doc.getText('text').insert(5, 'theirs');
  const known = Y.decodeStateVector(Y.encodeStateVector(copy));
  const chunks = encodeStateInChunks(doc, 4_096, known);
  t.ok(chunks.length === 1 && chunks[0]!.length < 100, 'only what is missing is sent');
  for (const chunk of chunks) Y.applyUpdate(copy, chunk);
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(copy));
  t.equal(copy.getText('text').toString(), doc.getText('text').toString());
  t.end();
});
