import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { exportForm, EXPORT_FORMATS } from '../export/index.js';
import type { Json } from '../form/form-json.js';
import { formSchema } from '../form/form-schema.js';
import { validateForm } from '../form/checks/validate.js';
import { importForm, ImportError, IMPORT_FORMATS, type ImportFormat } from './index.js';

const FOLDER = new URL('../../test/data/forms/', import.meta.url);
const REAL = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Json);
const importError = (code: string): { name: string; code: string } => ({ name: 'ImportError', code });

/** Words that importers know, so that mutations get past the first check. */
const WORDS = ['f1', '1.0', 'end', 'start', 'review', 'visible', 'panel', 'matrixdropdown', 'paneldynamic', 'rating'];
const RULES = ["{satisfaction} > 3 and {price} = 'low'", '{Quality.affordable} empty', '((', '{x} anyof [1, 2]', '!'];
const value = fc.oneof(
  { withCrossShrink: true },
  fc.constantFrom<Json>(...WORDS, ...RULES, '', null, true, false, 0, -1, 1e9, 0.5, [], {}),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);
const key = fc.constantFrom(
  'type',
  'name',
  'visibleIf',
  'choices',
  'elements',
  'rows',
  'columns',
  'id',
  '__proto__',
  'x',
);
const mutation = fc.record({ steps: fc.array(fc.nat(30), { maxLength: 9 }), key: fc.option(key), value });

function mutate(source: Json, { steps, key, value }: { steps: number[]; key: string | null; value: Json }): Json {
  const [step, ...further] = steps;
  if (step === undefined || typeof source !== 'object' || source === null) return value;
  const names = Object.keys(source);
  const name = further.length === 0 && key !== null ? key : names[step % Math.max(names.length, 1)];
  if (Array.isArray(source)) {
    return source.map((item, i) => (String(i) === name ? mutate(item, { steps: further, key, value }) : item));
  }
  if (name === undefined) return { x: value };
  const changed = mutate(source[name] ?? null, { steps: further, key, value });
  return Object.fromEntries([...Object.entries(source), [name, changed]]);
}

void t.test('a damaged form is imported soundly or refused with the one error', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...REAL),
      fc.constantFrom(...IMPORT_FORMATS),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      (source, format, mutations) => {
        const damaged = mutations.reduce(mutate, source);
        let result: ReturnType<typeof importForm>;
        try {
          result = importForm(format, damaged);
        } catch (error) {
          if (error instanceof ImportError) return;
          throw error;
        }
        const { form } = result;
        formSchema.parse(form);
        const bad = validateForm(form).filter(({ code }) =>
          ['duplicate_id', 'unknown_field', 'unknown_page'].includes(code),
        );
        if (bad.length > 0) throw new Error(JSON.stringify(bad));
        if (JSON.stringify(importForm(format, damaged)) !== JSON.stringify(result)) throw new Error('differs');
        for (const target of EXPORT_FORMATS) JSON.stringify(exportForm(form, target));
      },
    ),
    { numRuns: 600 },
  );
});

void t.test('anything but JSON within limits is refused', async (t) => {
  const cyclic: Record<string, unknown> = {};
  cyclic['elements'] = [cyclic];
  const hostile = {
    get elements(): never {
      throw new TypeError('no');
    },
  };
  const deep = JSON.parse(`{"elements":${'['.repeat(5_000)}${']'.repeat(5_000)}}`) as unknown;
  const many = { elements: Array.from({ length: 5_001 }, (_, i) => ({ id: i, type: 'textField', name: `q${i}` })) };
  const sources: unknown[] = [
    undefined,
    null,
    1,
    'x',
    [],
    {},
    Symbol('x'),
    () => 0,
    new Map(),
    cyclic,
    hostile,
    deep,
    many,
  ];
  for (const format of IMPORT_FORMATS) {
    for (const source of sources) t.throws(() => importForm(format, source), importError('invalid_source'));
  }
  t.throws(() => importForm('typeform' as ImportFormat, {}), importError('unsupported_format'));
  t.throws(() => importForm('gcforms', { elements: [] }, { formId: 'a b' }), importError('invalid_source'));
});

void t.test('a table that multiplies its choices is refused', async (t) => {
  const list = Array.from({ length: 400 }, (_, i) => i);
  const columns = list.slice(0, 10).map((i) => ({ name: `c${i}` }));
  const elements = [{ type: 'matrixdropdown', name: 't', rows: list, columns, choices: list }];
  t.throws(() => importForm('surveyjs', { elements }), importError('invalid_source'));
});

void t.test('names that reach the prototype are left out and reported', async (t) => {
  const source: unknown = JSON.parse(
    '{"elements":[{"type":"text","name":"constructor","__proto__":{"x":1}}],"prototype":1}',
  );
  const { form, report } = importForm('surveyjs', source);
  t.equal(form.pages[0]?.fields[0]?.id, 'q');
  t.same(report.map(({ path }) => path).sort(), ['/elements/0/__proto__', '/elements/0/name', '/prototype']);
  t.equal(({} as Record<string, unknown>)['x'], undefined);
});

void t.test('issues of our own format name the place', async (t) => {
  const field = { id: 'a', type: 'text', title: { en: 1 } };
  t.throws(() => importForm('formloom', { id: 'f', pages: [{ id: 'p', fields: [field] }] }), {
    ...importError('invalid_source'),
    issues: [{ path: '/pages/0/fields/0/title/en' }],
  });
  const twice = [1, 2].map(() => ({ id: 'a', type: 'text' }));
  t.throws(
    () => importForm('formloom', { id: 'f', pages: [{ id: 'p', fields: twice }] }),
    importError('invalid_source'),
  );
});
