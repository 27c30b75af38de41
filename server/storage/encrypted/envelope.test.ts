import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { isSealed, KIND, open, seal, type Place } from './envelope.js';
import { KeyRing } from './key-ring.js';

const key = randomBytes(32);
const ring = new KeyRing([{ id: 'k-1', key }]);
const place: Place = ['document', 'form/x'];

void t.test('anything comes back as it was, and never looks the same twice', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), (first, second) => {
      const sealed = [1, 2].map(() => seal(ring, KIND.update, place, first, second) ?? Buffer.of());
      for (const each of sealed) {
        const opened = open(new KeyRing([{ id: 'k-1', key }]), place, each);
        t.equal(opened?.kind, KIND.update);
        t.ok(opened?.plain.equals(Buffer.concat([first, second])));
      }
      t.notOk(sealed[0]?.equals(sealed[1] ?? Buffer.of()));
    }),
    { numRuns: 50 },
  );
});

void t.test('places do not run into each other', async (t) => {
  const places: Place[] = [
    ['record', 'a', 'b'],
    ['record', 'a","b'],
    ['record', 'ab'],
    ['record', 'a'],
    ['a', 'record'],
  ];
  places.push(['record', '\ud800'], ['record', '\ud801'], ['record', '\ufffd']);
  for (const own of places) {
    const sealed = seal(ring, KIND.value, own, Buffer.from('x')) ?? Buffer.of();
    for (const other of places) {
      if (other === own) t.equal(open(ring, other, sealed)?.plain.toString(), 'x');
      else t.throws(() => open(ring, other, sealed), { name: 'DecryptionError' });
    }
  }
});

void t.test('nothing that was ever stored in the clear is taken for an encrypted value', async (t) => {
  const magic = Buffer.alloc(8, 0xff);
  for (const rest of [Buffer.of(), Buffer.of(1), randomBytes(100), Buffer.alloc(100)]) {
    const bytes = Buffer.concat([magic, rest]);
    t.ok(isSealed(bytes));
    t.throws(() => Y.decodeUpdate(bytes), 'no update begins so');
    t.throws(() => Y.mergeUpdates([bytes, Y.encodeStateAsUpdate(new Y.Doc())]), 'no update begins so');
    t.throws(() => inflateSync(bytes), 'no deflated bytes begin so');
    t.throws(() => void JSON.parse(bytes.toString()), 'no JSON begins so');
  }
  t.notOk(isSealed(magic.subarray(1)));
  t.equal(open(ring, place, Buffer.from('{"plain":true}')), undefined);
  t.equal(seal(new KeyRing([]), KIND.value, place, Buffer.of(1)), undefined, 'without a key nothing is encrypted');
});

void t.test('a ring never shows its keys, and refuses what is none', async (t) => {
  const shown = [inspect(ring, { depth: 9, showHidden: true }), JSON.stringify(ring)].join();
  for (const encoding of ['base64', 'hex', 'latin1'] as const) t.notOk(shown.includes(key.toString(encoding)));
  t.throws(() => new KeyRing([{ id: 'short', key: randomBytes(16) }]), {
    name: 'RangeError',
    message: /"short" has 16 bytes/,
  });
  t.throws(
    () =>
      new KeyRing([
        { id: 'twice', key },
        { id: 'twice', key },
      ]),
    RangeError,
  );
  t.notOk(ring.forSealing()?.key.export().equals(key), 'no key encrypts by itself');
});
