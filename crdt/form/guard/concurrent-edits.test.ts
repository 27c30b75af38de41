import fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { applyOperations } from '../operations/apply-operations.js';
import type { FormJson, Json } from '../form-json.js';
import { formSchema } from '../form-schema.js';
import { normalize } from './normalize.js';
import { operationSchema } from '../operations/operation-schema.js';
import type { OperationInput } from '../operations/operations.js';
import { project } from '../project.js';
import { seedForm } from '../comparison/reimport.js';
import { inspectShape } from '../rules.js';
import { form as anyForm, idsOf, MOVES } from '../testing/forms.js';
import { play, stepsOf } from '../testing/replicas.js';

/** The one form that all replicas show. */
function agreed(docs: readonly Y.Doc[]): FormJson {
  const forms = docs.map((doc) => project(doc, 'f'));
  const [form] = forms;
  if (form === undefined) throw new Error('there is no replica');
  for (const other of forms) if (JSON.stringify(other) !== JSON.stringify(form)) throw new Error('replicas differ');
  for (const doc of docs) {
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) throw new Error('something still waits');
    const [issue] = inspectShape(doc);
    if (issue !== undefined) throw new Error(`${issue.path}: ${issue.message}`);
  }
  formSchema.parse(form);
  if (JSON.stringify(normalize(form)) !== JSON.stringify(form)) throw new Error('the form is not in normal form');
  const ids = idsOf(form);
  if (new Set(ids).size !== ids.length) throw new Error(`an id occurs twice: ${ids.join(' ')}`);
  return form;
}

const replicas = fc.integer({ min: 2, max: 4 });
const order = fc.infiniteStream(fc.nat(1_000));

void t.test('concurrent edits, merged in any order and repeatedly, give everybody one valid form', async (t) => {
  let edits = 0;
  fc.assert(
    fc.property(anyForm, replicas, stepsOf(), order, (base, count, steps, order) => {
      const outcome = play(base, count, steps, order);
      edits += outcome.edits;
      agreed(outcome.docs);
    }),
    { numRuns: 60 },
  );
  t.ok(edits > 50, 'enough operations were carried out to mean something');
});

void t.test('row 27: concurrent moves neither duplicate nor lose a page, field or option', async (t) => {
  let moves = 0;
  fc.assert(
    fc.property(anyForm, replicas, stepsOf(MOVES), order, (base, count, steps, order) => {
      const outcome = play(base, count, steps, order);
      moves += outcome.edits;
      const form = agreed(outcome.docs);
      if (JSON.stringify(idsOf(form)) !== JSON.stringify(idsOf(base))) throw new Error('moves changed what there is');
    }),
    { numRuns: 60 },
  );
  t.ok(moves > 50, 'enough moves were made to mean something');
});

const QUESTION: FormJson = formSchema.parse({
  id: 'f',
  pages: [
    {
      id: 'p1',
      fields: [
        {
          id: 'q',
          type: 'choice',
          title: { en: 'Which colour do you like' },
          options: [
            { id: 'red', label: { en: 'Red' } },
            { id: 'blue', label: { en: 'Blue' } },
          ],
        },
        { id: 'last', type: 'group' },
      ],
    },
    { id: 'p2' },
  ],
});

/** Two editors of one form who are apart, and what both see when they meet. */
function apart(first: OperationInput, second: OperationInput): FormJson {
  const [a, b] = [new Y.Doc(), new Y.Doc()];
  seedForm(a, QUESTION);
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a));
  applyOperations(a, 'f', [operationSchema.parse(first)]);
  applyOperations(b, 'f', [operationSchema.parse(second)]);
  const [fromA, fromB] = [Y.encodeStateAsUpdate(a), Y.encodeStateAsUpdate(b)];
  Y.applyUpdate(b, fromA);
  Y.applyUpdate(a, fromB);
  return agreed([a, b]);
}

const set = (path: string, value: Json): OperationInput => ({ op: 'setProperty', target: 'fields/q', path, value });

/** Each edit of the question, and what it must have led to. */
const EDITS: Readonly<Record<string, readonly [OperationInput, (form: FormJson) => unknown, unknown]>> = (() => {
  const q = (form: FormJson) => form.pages.flatMap(({ fields }) => fields.flatMap((one) => [one, ...(one.fields ?? [])])).find(({ id }) => id === 'q')!; // prettier-ignore
  const option = (form: FormJson, id: string) => q(form).options?.find((one) => one.id === id);
  return {
    'its title': [
      { op: 'setTitle', target: 'fields/q', language: 'en', value: 'Which colour would you like' },
      (form) => q(form).title['en'],
      'Which colour would you like',
    ],
    'its title in French': [set('title.fr', 'Couleur ?'), (form) => q(form).title['fr'], 'Couleur ?'],
    'its description': [set('description.en', 'One only'), (form) => q(form).description['en'], 'One only'],
    'whether it is required': [set('required', true), (form) => q(form).required, true],
    'its type': [set('type', 'dropdown'), (form) => q(form).type, 'dropdown'],
    'one limit': [set('validation.minItems', 1), (form) => q(form).validation.minItems, 1],
    'another limit': [set('validation.maxItems', 2), (form) => q(form).validation.maxItems, 2],
    'one property': [set('properties.a', 1), (form) => q(form).properties?.['a'], 1],
    'another property': [set('properties.b', 2), (form) => q(form).properties?.['b'], 2],
    'its condition': [set('visibleIf', { var: 'last' }), (form) => q(form).visibleIf, { var: 'last' }],
    'its value to begin with': [set('defaultValue', 'red'), (form) => q(form).defaultValue, 'red'],
    'the label of an option': [
      { op: 'setTitle', target: 'fields/q/options/red', language: 'en', value: 'Crimson' },
      (form) => option(form, 'red')?.label['en'],
      'Crimson',
    ],
    'the label of another option': [
      { op: 'setTitle', target: 'fields/q/options/blue', language: 'en', value: 'Navy' },
      (form) => option(form, 'blue')?.label['en'],
      'Navy',
    ],
    'a new option': [
      { op: 'addOption', fieldId: 'q', option: { id: 'green', label: { en: 'Green' } } },
      (form) => option(form, 'green')?.label['en'],
      'Green',
    ],
    'its place': [
      { op: 'moveField', fieldId: 'q', page: 'p2' },
      (form) => form.pages[1]?.fields.map(({ id }) => id),
      ['q'],
    ],
  };
})();

void t.test('two editors change different properties of one question while apart: both survive', async (t) => {
  for (const [one, [first, readOne, wantedOne]] of Object.entries(EDITS)) {
    for (const [other, [second, readOther, wantedOther]] of Object.entries(EDITS)) {
      if (one >= other) continue;
      const form = apart(first, second);
      t.same([readOne(form), readOther(form)], [wantedOne, wantedOther], `${one} and ${other}`);
    }
  }
});

void t.test('two editors of one text both get their words', async (t) => {
  const insert = (index: number, text: string): OperationInput => ({
    ...{ op: 'insertText', target: 'fields/q', property: 'title', language: 'en' },
    ...{ index, text },
  });
  const form = apart(insert(0, 'Say: '), insert(QUESTION.pages[0]!.fields[0]!.title['en']!.length, ' best'));
  t.equal(form.pages[0]?.fields[0]?.title['en'], 'Say: Which colour do you like best');
});

void t.test(
  'what two editors add at the same place, and groups moved into each other, are all there once',
  async (t) => {
    const add = (id: string): OperationInput => ({
      op: 'addField',
      page: 'p1',
      after: 'q',
      field: { id, type: 'text' },
    });
    t.same(
      apart(add('x'), add('y'))
        .pages[0]?.fields.map(({ id }) => id)
        .sort(),
      ['last', 'q', 'x', 'y'],
    );
    const [a, b] = [new Y.Doc(), new Y.Doc()];
    seedForm(a, QUESTION);
    applyOperations(a, 'f', [
      operationSchema.parse({ op: 'addField', page: 'p1', field: { id: 'other', type: 'group' } }),
    ]);
    Y.applyUpdate(b, Y.encodeStateAsUpdate(a));
    applyOperations(a, 'f', [{ op: 'moveField', fieldId: 'other', parent: 'last' }]);
    applyOperations(b, 'f', [{ op: 'moveField', fieldId: 'last', parent: 'other' }]);
    Y.applyUpdate(a, Y.encodeStateAsUpdate(b));
    Y.applyUpdate(b, Y.encodeStateAsUpdate(a));
    t.same(
      idsOf(agreed([a, b])).filter((id) => /^fields\/\w+$/.test(id)),
      ['fields/last', 'fields/other', 'fields/q'],
    );
  },
);

void t.test('a field moved onto a page that somebody else removes is not lost', async (t) => {
  const form = apart({ op: 'moveField', fieldId: 'q', page: 'p2' }, { op: 'removePage', pageId: 'p2' });
  t.same(
    form.pages.map(({ id, fields }) => [id, ...fields.map((field) => field.id)]),
    [['p1', 'last', 'q']],
  );
});

void t.test('a field without a place can be put in order like any other', async (t) => {
  const doc = new Y.Doc();
  seedForm(doc, QUESTION);
  doc.getMap('fields').set('stray', new Y.Map<unknown>([['position', 'Zz'], ['type', 'text'], ['page', 'gone']])); // prettier-ignore
  applyOperations(doc, 'f', [{ op: 'moveField', fieldId: 'stray', after: null }]);
  t.same(
    project(doc, 'f').pages[0]?.fields.map(({ id }) => id),
    ['stray', 'q', 'last'],
  );
});
