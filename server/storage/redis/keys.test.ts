import fc from 'fast-check';
import t from 'tap';
import { Keys } from './keys.js';

/** Text that means harm to keys more often than chance would have it. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('{', '}', '{d:a}', 'a}:log', ':', '%7B', '*', '[a]', '', 'a/b', 'a\0b', '☃'),
);

void t.test('row 37 on Redis: different names have different keys, whatever they hold', (t) => {
  const keys = new Keys();
  fc.assert(
    fc.property(text, text, (a, b) => {
      const isSame = Buffer.from(a, 'utf8').equals(Buffer.from(b, 'utf8'));
      return (keys.document(a).log === keys.document(b).log) === isSame;
    }),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), fc.array(text, { minLength: 1 }), (a, b) => {
      const bytes = (segments: string[]): string => JSON.stringify(segments.map((s) => Buffer.from(s).toString('hex')));
      return (keys.record(0, a) === keys.record(0, b)) === (bytes(a) === bytes(b));
    }),
  );
  t.end();
});

void t.test('all keys of a name share a hash tag, which no name can end or open', (t) => {
  const keys = new Keys('tenant-1');
  fc.assert(
    fc.property(text, (name) => {
      const { log, meta, consumers } = keys.events(name);
      const all = [...partsOf(keys, name), log, meta, consumers, keys.busChannel(name)];
      return all.every((key) => /^tenant-1:\{[dbe]:[A-Za-z0-9_.~/%-]*\}(:[a-z]+)?$/.test(key));
    }),
  );
  for (const key of partsOf(keys, 'form/a')) t.match(key, /^tenant-1:\{d:form\/a\}:/);
  t.end();
});

void t.test('a namespace that could end a hash tag is refused', (t) => {
  for (const namespace of ['', 'a{b', 'a}b', 'a:b', 'ä']) t.throws(() => new Keys(namespace), TypeError, namespace);
  t.end();
});

function partsOf(keys: Keys, document: string): string[] {
  const { log, snapshot, meta, wake } = keys.document(document);
  return [log, snapshot, meta, wake];
}
