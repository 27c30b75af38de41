import fc from 'fast-check';
import t from 'tap';
import { storedAnchorSchema } from '../../comments/thread-schema.js';
import { asAnchor } from '../../comments/thread-values.js';
import { isSameJson } from '../equality.js';
import { completeOperations } from '../operations/complete-operations.js';
import { completeForm, formIssues } from './form-check.js';
import type { FieldJson, FormInput, FormJson } from '../form-json.js';
import { formSchema, validationSchema } from '../form-schema.js';
import { operationSchema } from '../operations/operation-schema.js';
import { OperationsRefusedError, type Operation, type OperationInput } from '../operations/operations.js';
import { form, intentOf, operationOf } from '../testing/forms.js';

/** What one place of a JSON value becomes. Some of it is right in some places. */
const ODD_VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  2 ** 60,
  '',
  'en',
  'fr-CA',
  'p1',
  '__proto__',
  'a b',
  'x'.repeat(65),
  'x'.repeat(1_001),
  '\ud800',
  [],
  ['a'],
  [{ to: 'end' }],
  [{ to: 'end', if: 1, more: 2 }],
  {},
  { en: 'x' },
  { 'not a language': 'x' },
  { min: 1, max: 0 },
  { min: 0.5 },
  { a: { b: [Number.NaN] } },
  { constructor: 1 },
  'delete',
];
const ODD = fc.constantFrom(...ODD_VALUES);
const KEYS = ['id', 'title', 'en', 'pattern', 'accept', 'fields', 'repeat', 'toString', 'more', 'value', 'to', 'list'];

interface Change {
  readonly at: readonly number[];
  readonly key: string | null;
  readonly to: unknown;
}
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.array(fc.nat(40), { minLength: 1, maxLength: 7 }),
  key: fc.option(fc.constantFrom(...KEYS), { freq: 3 }),
  to: ODD,
});

/** Follows `at` down as far as it leads, and puts `to` there. */
function changed(value: object, { at, key, to }: Change): object {
  const root = structuredClone(value);
  let current = root as Record<string, unknown>;
  for (const [depth, step] of at.entries()) {
    const keys = Object.keys(current);
    const name = keys[step % keys.length] ?? 'more';
    const next = current[name];
    const isLast = depth === at.length - 1 || typeof next !== 'object' || next === null;
    if (!isLast) {
      current = next as Record<string, unknown>;
      continue;
    }
    const target = Array.isArray(current) || key === null ? name : key;
    if (to === 'delete' && !Array.isArray(current)) Reflect.deleteProperty(current, target);
    else Object.defineProperty(current, target, { value: to, enumerable: true, configurable: true, writable: true });
    break;
  }
  return root;
}

/** Every member that a field can have. */
const FULL: Required<FieldJson> = {
  id: 'f1',
  type: 'group',
  title: {},
  description: {},
  placeholder: {},
  required: false,
  options: [],
  rows: [],
  validation: {},
  visibleIf: true,
  requiredIf: true,
  enabledIf: true,
  calculate: 1,
  defaultValue: 1,
  repeat: {},
  fields: [],
  properties: {},
};

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) => (typeof member === 'number' ? String(member) : member));

void t.test('forms: accepted, refused and filled in as by the schema', async (t) => {
  let accepted = 0;
  fc.assert(
    fc.property(form, fc.array(change, { maxLength: 2 }), (valid, changes) => {
      const given = changes.reduce<object>(changed, valid);
      const parsed = formSchema.safeParse(given);
      const issues = formIssues(given);
      if (parsed.success !== (issues.length === 0))
        throw new Error(`${shown(given)}: ${parsed.error?.message ?? 'accepted'} but ${shown(issues)}`);
      if (!parsed.success) return;
      accepted += 1;
      if (!isSameJson(parsed.data, completeForm(given as FormInput))) throw new Error(shown(given));
    }),
    { numRuns: 600 },
  );
  t.ok(accepted > 100, `${accepted} were accepted`);
});

void t.test('every member of a field: each odd value as by the schema', async (t) => {
  const LIMITS = Object.keys(validationSchema.shape);
  const places: ((value: unknown) => object)[] = [
    ...LIMITS.map((name) => (value: unknown) => ({ validation: { [name]: value } })),
    ...['min', 'max'].map((name) => (value: unknown) => ({ repeat: { [name]: value } })),
    ...Object.keys(FULL).map((name) => (value: unknown) => ({ [name]: value })),
    (value) => ({ options: [{ id: 'o', label: {}, value }] }),
    (value) => ({ rows: [{ id: value, label: {} }] }),
  ];
  for (const place of places) {
    for (const value of ODD_VALUES) {
      const given = { id: 'f', pages: [{ id: 'p', fields: [{ id: 'f1', type: 'text', ...place(value) }] }] };
      const { success } = formSchema.safeParse(given);
      if (success !== (formIssues(given).length === 0)) t.fail(`${shown(given)}: the schema says ${success}`);
    }
  }
  t.pass();
});

void t.test('operations: accepted, refused and filled in as by the schema', async (t) => {
  let accepted = 0;
  const complete = (input: OperationInput): Operation[] | undefined => {
    try {
      return completeOperations([input]);
    } catch (error) {
      if (error instanceof OperationsRefusedError) return undefined;
      throw error;
    }
  };
  fc.assert(
    fc.property(form, intentOf(), fc.array(change, { maxLength: 2 }), (now, intent, changes) => {
      const operation = operationOf(now, intent, 'fresh');
      if (operation === undefined) return;
      const given = changes.reduce<object>(changed, operation) as OperationInput;
      const parsed = operationSchema.safeParse(given);
      const completed = complete(given);
      if (parsed.success !== (completed !== undefined))
        throw new Error(`${shown(given)}: ${parsed.error?.message ?? 'accepted'} but ${shown(completed)}`);
      if (completed === undefined) return;
      accepted += 1;
      // An id that was left out is another one each time.
      const known = (value: unknown): string => shown(value).replace(/"id":"[0-9a-z]{16}"/, '"id":""');
      if (!isSameJson(JSON.parse(known(parsed.data)), JSON.parse(known(completed[0])))) throw new Error(shown(given));
    }),
    { numRuns: 800 },
  );
  t.ok(accepted > 100, `${accepted} were accepted`);
});

void t.test('anchors: read as by the schema', async (t) => {
  const anchors = fc.constantFrom<object>(
    { type: 'form' },
    { type: 'field', fieldId: 'f1' },
    { type: 'option', fieldId: 'f1', optionId: 'o1' },
    { type: 'text', target: 'fields/f1', property: 'title', language: 'en', from: 'AA==', to: 'AA==', quote: 'x' },
  );
  fc.assert(
    fc.property(anchors, fc.array(change, { maxLength: 2 }), (valid, changes) => {
      const given = changes.reduce<object>(changed, valid);
      const parsed = storedAnchorSchema.safeParse(given).data;
      if (!isSameJson(parsed, asAnchor(given))) throw new Error(shown(given));
    }),
    { numRuns: 1_000 },
  );
  t.pass();
});

void t.test('what is wrong is named with its place, and groups end at a depth', async (t) => {
  const field = (id: string, fields?: FieldJson[]): FieldJson => ({
    id,
    type: 'group',
    title: {},
    description: {},
    required: false,
    validation: {},
    ...(fields === undefined ? {} : { fields }),
  });
  const page = (fields: FieldJson[]): FormJson =>
    completeForm({ id: 'f', pages: [{ id: 'p1', title: {}, description: {}, fields }] });
  let nested = field('f0');
  for (let depth = 1; depth <= 8; depth++) nested = field(`f${depth}`, [nested]);
  t.strictSame(formIssues(page([nested])), []);
  t.match(formIssues(page([field('f9', [nested])])), [{ message: 'groups are nested at most 8 deep' }]);
  t.strictSame(formIssues({ ...page([]), title: { 'no language': 'x' }, more: 1 }), [
    { path: 'title.no language', message: 'a language tag such as en or fr-CA' },
    { path: 'more', message: 'there is no such member' },
  ]);
  try {
    completeOperations([{ op: 'removeField', fieldId: '' }, { op: 'nothing' } as never]);
    t.fail('it was taken');
  } catch (error) {
    t.match(error, {
      issues: [
        { path: 'operations/0/fieldId', code: 'invalid_operation' },
        { path: 'operations/1/op', code: 'invalid_operation' },
      ],
    });
  }
});
