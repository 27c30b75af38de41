import t from 'tap';
import fc from 'fast-check';
import type { FormJson, Json } from '../form/form-json.js';
import { formSchema, jsonSchema } from '../form/form-schema.js';
import { FIELD_TYPES } from '../form/form-json.js';
import type { AnswerValues } from './answer-sheet.js';
import { defaultAnswers, inspectSheet, settledAnswers, unanswerable } from './inspect-sheet.js';

const formOf = (fields: readonly unknown[], more: object = {}): FormJson =>
  formSchema.parse({ id: 'form', pages: [{ id: 'p1', fields }], ...more });
/** Codes of what is wrong with one answer. */
const wrong = (field: object, value: Json): string[] =>
  inspectSheet(formOf([{ id: 'f', ...field }]), { f: value }).errors.map(({ code }) => code);
const options = [
  { id: 'o1', label: {} },
  { id: 'o2', label: {}, value: 'two' },
  { id: 'o3', label: {}, value: 3 },
];

void t.test('each type of field knows its answers', async (t) => {
  const right: [object, Json[]][] = [
    [{ type: 'text' }, ['x', '0']],
    [{ type: 'text', validation: { minLength: 2, maxLength: 3, pattern: '^[a-z😀]+$' } }, ['ab', 'abc', '😀😀😀']],
    [{ type: 'email' }, ['ada@example.org', 'a+b@x', 'ü@exämple.ch']],
    [{ type: 'phone' }, ['+41 44 123 45 67', '(044) 123-45-67', '044.123.45.67 x12']],
    [{ type: 'url' }, ['https://example.org/a?b#c', 'HTTP://example.org']],
    [{ type: 'number', validation: { min: -1, max: 1, step: 0.1 } }, [-1, 0.3, 0.7, 1]],
    [{ type: 'rating', validation: { min: 1, max: 5, step: 1 } }, [1, 5]],
    [{ type: 'scale', options }, ['o1', 3]],
    [{ type: 'date', validation: { min: '2024-02-29', max: '2024-03-01' } }, ['2024-02-29', '2024-03-01']],
    [{ type: 'time', validation: { min: '08:00', max: '17:30' } }, ['08:00', '17:30:00', '12:00:30.5']],
    [{ type: 'datetime', validation: { min: '2024-01-01T00:00Z' } }, ['2024-01-01T02:00+01:00', '2024-01-01 00:00:01']],
    [{ type: 'choice', options }, ['o1', 'two', 3]],
    [{ type: 'dropdown' }, ['anything']],
    [{ type: 'choices', options, validation: { minItems: 1, maxItems: 2 } }, [['o1'], [3, 'two']]],
    [{ type: 'ranking', options }, [[3, 'two', 'o1']]],
    [
      {
        type: 'matrix',
        options,
        rows: [
          { id: 'r1', label: {} },
          { id: 'r2', label: {}, value: 'R' },
        ],
      },
      [{ r1: 3, R: 'o1' }],
    ],
    [{ type: 'boolean' }, [true, false]],
    [
      { type: 'file', validation: { accept: ['image/*', '.PDF'], maxBytes: 10, maxItems: 2 } },
      [
        [
          { id: 'a', name: 'a.pdf', type: 'x/y', bytes: 10 },
          { id: 'b', name: 'b', type: 'image/png; q=1', bytes: 1 },
        ],
      ],
    ],
    [{ type: 'signature' }, ['data:image/png;base64,AA']],
    [{ type: 'address' }, ['Main street 1', { street: 'Main street', city: null }]],
    [{ type: 'hidden' }, [{ any: ['thing'] }]],
  ];
  for (const [field, values] of right)
    for (const value of values) t.same(wrong(field, value), [], JSON.stringify([field, value]));

  const cases: [object, Json, string[]][] = [
    [{ type: 'text' }, 5, ['type']],
    [{ type: 'text', validation: { minLength: 2, pattern: '^[a-z]+$' } }, '1', ['minLength', 'pattern']],
    [{ type: 'text', validation: { maxLength: 2 } }, '😀😀😀', ['maxLength']],
    [{ type: 'text', validation: { pattern: '^(a+)+$' } }, `${'a'.repeat(40)}!`, ['pattern']],
    [{ type: 'email' }, 'not an address', ['format']],
    [{ type: 'phone' }, 'call me', ['format']],
    [{ type: 'url' }, 'javascript:alert(1)', ['format']],
    [{ type: 'number' }, '5', ['type']],
    [{ type: 'number', validation: { min: 0 } }, -1, ['min']],
    [{ type: 'number', validation: { max: 0, step: 2 } }, 3, ['max', 'step']],
    [{ type: 'rating', options }, 4, ['option']],
    [{ type: 'date' }, '2023-02-29', ['format']],
    [{ type: 'date', validation: { min: '2024-01-01' } }, '2023-12-31', ['min']],
    [{ type: 'date', validation: { max: '2024-01-01' } }, '2024-01-02', ['max']],
    [{ type: 'time' }, '24:00', ['format']],
    [{ type: 'datetime', validation: { max: '2024-01-01T00:00Z' } }, '2024-01-01T00:30-01:00', ['max']],
    [{ type: 'choice', options }, 'o2', ['option']],
    [{ type: 'choice', options }, ['o1'], ['type']],
    [{ type: 'choices', options, validation: { minItems: 3 } }, ['o1', 'o1'], ['duplicate', 'minItems']],
    [{ type: 'ranking', options, validation: { maxItems: 1 } }, ['o1', 'x'], ['option', 'maxItems']],
    [{ type: 'matrix', options, rows: [{ id: 'r1', label: {} }] }, { r1: 'x', r9: 'o1' }, ['option', 'option']],
    [{ type: 'boolean' }, 'yes', ['type']],
    [{ type: 'file' }, 'a.pdf', ['type']],
    [
      { type: 'file', validation: { accept: ['image/*'], maxBytes: 5, maxItems: 1 } },
      [
        { id: 'a', name: 'a.exe', type: 'x/y', bytes: 6 },
        { id: 'b', name: 'b', type: 'image/png', bytes: 1 },
      ],
      ['accept', 'maxBytes', 'maxItems'],
    ],
    [{ type: 'address' }, 7, ['type']],
    [{ type: 'group', repeat: { max: 1 } }, [{}, { a: 1 }], ['maxItems']],
    [{ type: 'group', repeat: { min: 3 } }, [{ a: 1 }], ['minItems']],
    [{ type: 'group', repeat: {} }, { a: 1 }, ['type']],
  ];
  for (const [field, value, codes] of cases) t.same(wrong(field, value), codes, JSON.stringify([field, value]));
});

void t.test('logic decides what is asked, needed and counted', async (t) => {
  const form = formOf([
    { id: 'who', type: 'choice', options, required: true },
    { id: 'why', type: 'text', required: true, visibleIf: { '==': [{ var: 'who' }, 'two'] } },
    { id: 'more', type: 'text', requiredIf: { '==': [{ var: 'why' }, 'long story'] } },
    { id: 'off', type: 'text', required: true, enabledIf: { '==': [{ var: 'who' }, 'o1'] } },
    { id: 'note', type: 'statement', title: { en: 'Read this' } },
    { id: 'sum', type: 'calculated', calculate: { cat: [{ var: 'who' }, '!'] } },
  ]);
  const counts = (answers: AnswerValues): unknown[] => {
    const { visible, answered, required, percent, missing } = inspectSheet(form, answers);
    return [visible, answered, required, percent, missing.map(({ path }) => path)];
  };
  t.same(counts({}), [3, 0, 1, 0, ['answers.who']]);
  t.same(counts({ who: 'two' }), [4, 1, 2, 50, ['answers.why']]);
  t.same(counts({ who: 'two', why: 'long story' }), [4, 2, 3, 66, ['answers.more']]);
  t.same(counts({ who: 'o1', why: 'left over' }), [3, 1, 2, 50, ['answers.off']], 'a hidden answer is none');
  const { state } = inspectSheet(form, { who: 'o1', why: 'left over', off: ' ', nothing: 1 });
  t.same(settledAnswers(form, state), { answers: { who: 'o1', off: ' ' }, calculated: { sum: 'o1!' } });
  t.same(unanswerable(form, ['who', 'note', 'sum', 'nothing']).size, 3);
  t.same(inspectSheet(formOf([]), {}).percent, 100);
  t.same(
    inspectSheet(
      formOf([
        { id: 'a', type: 'text' },
        { id: 'b', type: 'text' },
      ]),
      { a: 'x' },
    ).percent,
    50,
  );
});

void t.test('jumps lead past pages', async (t) => {
  const form = formSchema.parse({
    id: 'form',
    pages: [
      { id: 'p1', fields: [{ id: 'a', type: 'boolean' }], jumps: [{ if: { var: 'a' }, to: 'p3' }] },
      { id: 'p2', fields: [{ id: 'b', type: 'text', required: true }] },
      { id: 'p3', fields: [{ id: 'c', type: 'text', required: true }] },
    ],
  });
  t.same(
    inspectSheet(form, { a: false }).missing.map(({ field }) => field),
    ['b', 'c'],
  );
  t.same(
    inspectSheet(form, { a: true, b: 'skipped' }).missing.map(({ field }) => field),
    ['c'],
  );
});

void t.test('rows of a repeating group are looked into one by one, with their own logic', async (t) => {
  const form = formOf([
    { id: 'country', type: 'text' },
    {
      id: 'people',
      type: 'group',
      repeat: { min: 1, max: 3 },
      fields: [
        { id: 'name', type: 'text', required: true },
        { id: 'age', type: 'number', validation: { min: 0 } },
        { id: 'school', type: 'text', visibleIf: { '<': [{ var: 'age' }, 18] }, requiredIf: { '==': [{ var: 'country' }, 'CH'] } }, // prettier-ignore
      ],
    },
  ]);
  t.same(
    inspectSheet(form, {}).missing.map(({ path }) => path),
    ['answers.people'],
  );
  const answers = {
    country: 'CH',
    people: [
      { name: 'Ada', age: -1 },
      { age: 40, school: 'hidden' },
    ],
  };
  const inspection = inspectSheet(form, answers);
  t.same(
    inspection.errors.map(({ path, code }) => [path, code]),
    [['answers.people.0.age', 'min']],
  );
  t.same(
    inspection.missing.map(({ path }) => path),
    ['answers.people.0.school', 'answers.people.1.name'],
  );
  t.same(settledAnswers(form, inspection.state).answers['people'], [{ name: 'Ada', age: -1 }, { age: 40 }]);
});

void t.test('a new sheet begins with the defaults of its fields', async (t) => {
  const form = formOf([
    { id: 'a', type: 'text', defaultValue: 'x' },
    { id: 'b', type: 'statement', defaultValue: 'never' },
    { id: 'c', type: 'text', defaultValue: null },
  ]);
  t.same(defaultAnswers(form), { a: 'x' });
});

void t.test(
  'any answers to any form are inspected without an error, and what is settled is inspected the same',
  async () => {
    const ids = ['a', 'b', 'c'];
    const value = fc.oneof(
      // What the schema of a form takes: no names of prototypes.
      fc.jsonValue({ maxDepth: 3 }).filter((json) => jsonSchema.safeParse(json).success),
      fc.constantFrom('o1', '2024-01-01', 3, 'x@y'),
    ) as fc.Arbitrary<Json>;
    const rule = fc.option(
      fc
        .tuple(fc.constantFrom('==', '<', '!='), fc.constantFrom(...ids), value)
        .map(([op, id, to]) => ({ [op]: [{ var: id }, to] })),
      { nil: undefined },
    );
    const field = (id: string): fc.Arbitrary<object> =>
      fc.record({
        id: fc.constant(id),
        type: fc.constantFrom(...FIELD_TYPES.filter((type) => type !== 'group')),
        required: fc.boolean(),
        visibleIf: rule,
        requiredIf: rule,
        calculate: rule,
        options: fc.constant(options),
        validation: fc.constantFrom(
          {},
          { min: 1, maxLength: 2 },
          { pattern: '(', maxItems: 1 },
          { min: '2020-01-01', step: 2 },
        ),
      });
    const form = fc.tuple(...ids.map(field)).map((fields) => formOf(JSON.parse(JSON.stringify(fields)) as unknown[]));
    fc.assert(
      fc.property(form, fc.record({ a: value, b: value, c: value }, { requiredKeys: [] }), (asked, answers) => {
        const first = inspectSheet(asked, answers);
        const again = inspectSheet(asked, settledAnswers(asked, first.state).answers);
        // Logic that depends on itself settles nowhere.
        const isCyclic = JSON.stringify(first.state.values) !== JSON.stringify(again.state.values);
        const inBounds = first.percent >= 0 && first.percent <= 100 && first.answered <= first.visible;
        return inBounds && (isCyclic || JSON.stringify(again.errors) === JSON.stringify(first.errors));
      }),
      { numRuns: 300 },
    );
  },
);
