import fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { formSchema } from './form-schema.js';
import { normalize } from './guard/normalize.js';
import { project } from './project.js';
import { idsOf } from './testing/forms.js';
import { hostileEdit, misreadRoot } from './testing/hostile.js';

const states = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.array(hostileEdit, { minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: misreadRoot.map((edit) => [edit]) },
  ),
  { minLength: 1, maxLength: 4 },
);

void t.test('any state projects to a form that the schema accepts, the same on every replica', async (t) => {
  fc.assert(
    fc.property(states, fc.infiniteStream(fc.nat()), (clients, order) => {
      const updates = clients.map((edits, i) => {
        const doc = new Y.Doc();
        doc.clientID = i + 1;
        doc.transact(() => edits.forEach((edit) => edit(doc)));
        return Y.encodeStateAsUpdate(doc);
      });
      const replicas = [0, 1].map(() => {
        const doc = new Y.Doc();
        const waiting = [...updates];
        while (waiting.length > 0) {
          for (const update of waiting.splice((order.next().value ?? 0) % waiting.length, 1))
            Y.applyUpdate(doc, update);
        }
        return doc;
      });
      const [form, other] = replicas.map((doc) => project(doc, 'f'));
      if (form === undefined) throw new Error('no replica');
      if (JSON.stringify(form) !== JSON.stringify(other)) throw new Error('replicas differ');
      formSchema.parse(form);
      if (JSON.stringify(normalize(form)) !== JSON.stringify(form)) throw new Error('not in normal form');
      const ids = idsOf(form);
      if (new Set(ids).size !== ids.length) throw new Error(`an id occurs twice: ${ids.join(' ')}`);
    }),
    { numRuns: 200 },
  );
  t.pass();
});

/** A document whose fields stand where `places` says: `page` and `parent` by id. */
function documentOf(
  places: Record<string, { page?: string; parent?: string; type?: string; position?: string }>,
): Y.Doc {
  const doc = new Y.Doc();
  for (const id of ['p1', 'p2']) doc.getMap('pages').set(id, new Y.Map([['position', id === 'p1' ? 'a0' : 'a1']]));
  for (const [id, place] of Object.entries(places)) {
    doc.getMap('fields').set(id, new Y.Map(Object.entries({ type: 'group', position: 'a0', ...place })));
  }
  return doc;
}

const outline = (doc: Y.Doc): unknown =>
  project(doc, 'f').pages.map(({ id, fields }) => [
    id,
    ...fields.map(function name(field): unknown {
      return field.fields === undefined || field.fields.length === 0 ? field.id : [field.id, ...field.fields.map(name)];
    }),
  ]);

void t.test('what dangles has one outcome, and no field is lost', async (t) => {
  t.same(outline(documentOf({ a: { page: 'gone' }, b: { page: 'p1', position: 'a1' } })), [['p1', 'b', 'a'], ['p2']]);
  t.same(outline(documentOf({ a: { page: 'p2', parent: 'gone' }, b: { page: 'p2', parent: 'a' } })), [
    ['p1'],
    ['p2', ['a', 'b']],
  ]);
  t.same(
    outline(documentOf({ a: { parent: 'b' }, b: { parent: 'a', page: 'p2' }, c: { parent: 'c' } })),
    [
      ['p1', 'a', 'c'],
      ['p2', 'b'],
    ],
    'cycles stand on their pages',
  );
  t.same(outline(documentOf({ a: { parent: 'b', page: 'p2' }, b: { type: 'text', page: 'p1' } })), [
    ['p1', 'b'],
    ['p2', 'a'],
  ]);
  const chain = Object.fromEntries(
    Array.from({ length: 11 }, (_, i) => [`g${10 + i}`, i === 0 ? { page: 'p2' } : { parent: `g${9 + i}` }]),
  );
  const form = project(documentOf(chain), 'f');
  t.equal(idsOf(form).filter((id) => id.startsWith('fields/')).length, 11);
  t.equal(form.pages[0]?.fields.length, 2, 'what is nested too deeply stands on the first page');
});

void t.test('fields without any page stand on one that is not stored', async (t) => {
  const doc = documentOf({ a: { page: 'p1' } });
  doc.getMap('pages').clear();
  t.same(outline(doc), [['p1', 'a']]);
  t.same([...doc.getMap('pages').keys()], []);
});

void t.test('equal and missing positions are ordered by id', async (t) => {
  const doc = documentOf({
    b: { page: 'p1' },
    a: { page: 'p1' },
    z: { page: 'p1', position: 'Zz' },
    y: { page: 'p1' },
  });
  (doc.getMap('fields').get('y') as Y.Map<unknown>).set('position', 7);
  t.same(outline(doc), [['p1', 'y', 'z', 'a', 'b'], ['p2']]);
});

void t.test('a document that somebody here reads as something else projects to an empty form', async (t) => {
  const doc = new Y.Doc();
  doc.getArray('pages').push([1]);
  t.same(project(doc, 'f').pages, []);
});
