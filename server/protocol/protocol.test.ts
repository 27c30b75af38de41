import t from 'tap';
import fc from 'fast-check';
import * as Y from 'yjs';
import * as encoding from 'lib0/encoding';
import { documentKind, documentNameFromPath, DocumentNameError } from './document-name.js';
import { frame } from './frame.js';
import { MalformedError, readMessages, type IncomingHandler } from './incoming.js';
import { updateFrame } from './messages.js';
import { inspectStateVector, inspectUpdate } from './update-bounds.js';

function record(bytes: Uint8Array): unknown[] {
  const seen: unknown[] = [];
  const handler: IncomingHandler = {
    onSyncStep1: (sv) => seen.push(['step1', sv.length]),
    onUpdate: (update, isReply) => seen.push(['update', update.length, isReply]),
    onAwareness: (update) => seen.push(['awareness', update.length]),
    onQueryAwareness: () => seen.push(['query']),
    onUnknown: (type) => seen.push(['unknown', type]),
  };
  readMessages(bytes, handler);
  return seen;
}

void t.test('several messages in one frame are all read', (t) => {
  t.strictSame(record(Uint8Array.from([0, 0, 1, 0, 3, 0, 2, 2, 0, 0, 1, 1, 0, 100, 9, 9])), [
    ['step1', 1],
    ['query'],
    ['update', 2, false],
    ['awareness', 1],
    ['unknown', 100],
  ]);
  t.end();
});

void t.test('whatever bytes arrive, the reader answers or throws MalformedError', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const read of [record, inspectUpdate, inspectStateVector]) {
        try {
          read(bytes);
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
        }
      }
    }),
    { numRuns: 5_000 },
  );
  t.end();
});

void t.test('what passes the bounds is read by both readers of Yjs, whatever the kind of struct', async (t) => {
  const oneStruct = (info: number, body: readonly number[]): Uint8Array => Uint8Array.of(1, 1, 5, 0, info, ...body, 0);
  let passed = 0;
  const check = (update: Uint8Array): void => {
    try {
      inspectUpdate(update);
    } catch (error) {
      if (error instanceof MalformedError) return;
      throw error;
    }
    passed += 1;
    // Merging and inspecting go through the lazy reader; it must not throw on what was let in.
    Y.decodeUpdate(update);
  };
  for (let info = 0; info < 256; info += 1) {
    for (const body of [[1], [2], [1, 1], [1, 1, 97, 1], [1, 1, 97, 1, 98], [5, 0, 1], [5, 0, 5, 0, 1, 97]]) {
      check(oneStruct(info, body));
    }
  }
  t.ok(passed > 20, `${passed} were let in`);
  t.throws(() => inspectUpdate(oneStruct(10 | 128, [1])), MalformedError, 'a skip with a flag');
  t.ok(inspectUpdate(oneStruct(10, [1])), 'a skip');
});

function sampleUpdates(): Uint8Array[] {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  doc.getText('t').insert(0, 'héllo 😀');
  doc.getText('t').format(0, 3, { bold: true, size: { a: [1, 2] } });
  doc.getText('t').insertEmbed(2, { image: 'x' });
  doc.getText('t').delete(0, 2);
  doc.getMap('m').set('k', { a: [1, 2.5, null, true, 'x', new Uint8Array(3), 10n] });
  doc.getMap('m').set('u', undefined);
  doc.getMap('m').set('neg', -123456789);
  doc.getMap('m').set('bin', new Uint8Array([1, 2, 3]));
  doc.getMap('m').set('sub', new Y.Doc());
  doc.getArray('a').push([1, 'x', new Y.Map(), new Y.Text('in'), new Y.XmlFragment(), new Y.XmlElement('p')]);
  doc.getXmlFragment('x').push([new Y.XmlText('hi')]);
  updates.push(Y.encodeStateAsUpdate(doc));
  return updates;
}

void t.test('every update that Yjs writes is accepted, with the ranges that Yjs reports', (t) => {
  for (const update of sampleUpdates()) {
    const { ranges } = inspectUpdate(update);
    const meta = Y.parseUpdateMeta(update);
    t.strictSame(new Map(ranges.map((r) => [r.client, r.clock])), meta.from);
    t.strictSame(new Map(ranges.map((r) => [r.client, r.clock + r.length])), meta.to);
  }
  t.end();
});

void t.test('a damaged update is refused, or is one that Yjs applies without throwing', (t) => {
  const samples = sampleUpdates();
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(fc.record({ at: fc.nat(), value: fc.nat(255) }), { minLength: 1, maxLength: 4 }),
      (sample, damages) => {
        const update = Uint8Array.from(sample);
        for (const { at, value } of damages) update[at % update.length] = value;
        try {
          inspectUpdate(update);
        } catch (error) {
          if (error instanceof MalformedError) return;
          throw error;
        }
        const doc = new Y.Doc();
        Y.applyUpdate(doc, samples[samples.length - 1]!);
        Y.applyUpdate(doc, update);
      },
    ),
    { numRuns: 3_000 },
  );
  t.end();
});

void t.test('a document name is decoded once and checked', (t) => {
  t.equal(documentNameFromPath('/form/a'), 'form/a');
  t.equal(documentNameFromPath('/sync/form/a'), 'form/a');
  t.equal(documentNameFromPath('/caf%C3%A9%2541'), 'café%41');
  for (const bad of ['/', '/a//b', '/a/./b', '/../x', '/%2e%2e', '/a%00', '/%ff', '/a/', `/${'x'.repeat(256)}`]) {
    t.throws(() => documentNameFromPath(bad), DocumentNameError, bad);
  }
  t.strictSame(documentKind('form/a'), { kind: 'form', formId: 'a' });
  t.strictSame(documentKind('form/a/comments'), { kind: 'comments', formId: 'a' });
  t.strictSame(documentKind('form/a/submission/b'), { kind: 'submission', formId: 'a', submissionId: 'b' });
  t.strictSame(documentKind('form/a/x'), { kind: 'opaque' });
  t.end();
});

void t.test('frames carry their length in 7, 16 or 64 bits', (t) => {
  for (const length of [0, 125, 126, 65_535, 65_536]) {
    const bytes = frame(new Uint8Array(length));
    t.equal(bytes[0], 0x82);
    t.equal(bytes.length, length + (length < 126 ? 2 : length < 65_536 ? 4 : 10));
  }
  const update = new Uint8Array(300).fill(7);
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, 0);
  encoding.writeVarUint(encoder, 2);
  encoding.writeVarUint8Array(encoder, update);
  t.strictSame(updateFrame(update), frame(encoding.toUint8Array(encoder)));
  t.end();
});
