import fc from 'fast-check';
import t from 'tap';
import type { FormJson, Json } from '../form/form-json.js';
import { formSchema } from '../form/form-schema.js';
import { checkAnswer } from './answer-check.js';
import { migrateAnswers, migratedAnswers } from './migrate-answers.js';
import { sheetFields } from './sheet-logic.js';

const options = (...ids: string[]): object[] => ids.map((id) => ({ id, label: { en: id } }));
const asking = (...fields: object[]): FormJson => formSchema.parse({ id: 'form', pages: [{ id: 'p', fields }] });

function moved(field: object, value: Json): unknown {
  const [one] = migrateAnswers(asking({ id: 'f', ...field }), { f: value });
  return one?.outcome === 'dropped' ? 'dropped' : [one?.outcome, one?.after];
}

void t.test('what becomes of an answer when its field is another one', async (t) => {
  t.same(moved({ type: 'text' }, 'Ada'), ['kept', 'Ada']);
  t.same(moved({ type: 'number' }, '42'), ['converted', 42]);
  t.same(moved({ type: 'number' }, 'forty-two'), 'dropped');
  t.same(moved({ type: 'text' }, 42), ['converted', '42']);
  t.same(moved({ type: 'paragraph' }, ['red', 'blue']), ['converted', 'red, blue']);
  t.same(moved({ type: 'choices', options: options('red', 'blue') }, 'red'), ['converted', ['red']]);
  t.same(moved({ type: 'choice', options: options('red', 'blue') }, ['red']), ['converted', 'red']);
  t.same(moved({ type: 'choice', options: options('red', 'blue') }, ['red', 'blue']), 'dropped', 'nothing is guessed');
  t.same(
    moved({ type: 'choices', options: options('red') }, ['red', 'blue']),
    ['converted', ['red']],
    'an option went',
  );
  t.same(moved({ type: 'choice', options: options('red') }, 'blue'), 'dropped');
  t.same(moved({ type: 'email' }, 'no address'), 'dropped');
  t.same(moved({ type: 'date' }, '2030-01-01T10:00'), ['converted', '2030-01-01']);
  t.same(moved({ type: 'datetime' }, '2030-01-01'), ['converted', '2030-01-01T00:00']);
  t.same(moved({ type: 'boolean' }, 'yes'), 'dropped');
  t.same(moved({ type: 'statement' }, 'x'), 'dropped');
  t.same(moved({ type: 'calculated', calculate: 1 }, 'x'), 'dropped');
  const rows = [{ pet: 'cat', age: 3 }, { pet: 'dog' }];
  const pet = { id: 'pet', type: 'text' };
  t.same(moved({ type: 'group', repeat: {}, fields: [pet, { id: 'age', type: 'number' }] }, rows), ['kept', rows]);
  t.same(moved({ type: 'group', repeat: {}, fields: [pet] }, rows), ['converted', [{ pet: 'cat' }, { pet: 'dog' }]]);
  t.same(moved({ type: 'matrix', rows: options('a'), options: options('x') }, { a: 'x', b: 'x' }), [
    'converted',
    { a: 'x' },
  ]);
});

void t.test('a limit that got tighter is told of, and the answer stays', async (t) => {
  const form = asking({ id: 'f', type: 'text', validation: { maxLength: 2 } });
  t.match(migrateAnswers(form, { f: 'Ada', gone: 1, blank: '' }), [
    { field: 'f', outcome: 'kept', before: 'Ada', after: 'Ada', message: 'must have at most 2 characters' },
    { field: 'gone', outcome: 'dropped', before: 1 },
  ]);
});

void t.test('whatever is moved fits the type it is moved to, and moving again changes nothing', async () => {
  const types = [
    'text',
    'number',
    'choice',
    'choices',
    'boolean',
    'date',
    'matrix',
    'email',
    'rating',
    'address',
    'file',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.jsonValue({ maxDepth: 2 }), (type, value) => {
      const form = asking({ id: 'f', type, options: options('a', 'b'), rows: options('r') });
      const [field] = sheetFields(form);
      const first = migrateAnswers(form, { f: value as Json });
      const after = { f: value as Json, ...migratedAnswers(first) };
      if (field === undefined || first.length === 0 || after.f === null) return true;
      const isFit = checkAnswer(field, after.f).every(({ code }) => code !== 'type' && code !== 'option');
      return isFit && migrateAnswers(form, after).every(({ outcome }) => outcome === 'kept');
    }),
    { numRuns: 2_000 },
  );
});
