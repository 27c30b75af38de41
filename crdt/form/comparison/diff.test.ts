import fc from 'fast-check';
import t from 'tap';
import { diffForms, impactOf, type FormChange } from './diff.js';
import type { FieldJson, FormJson } from '../form-json.js';
import { formSchema } from '../form-schema.js';
import { form as anyForm, idsOf } from '../testing/forms.js';

void t.test('a diff is empty exactly when two forms say the same, and names what came and went', async () => {
  fc.assert(
    fc.property(anyForm, anyForm, (a, b) => {
      if (diffForms(a, structuredClone(a)).changes.length > 0) throw new Error('a form differs from itself');
      const { changes } = diffForms(a, b);
      if ((changes.length === 0) !== (JSON.stringify(a) === JSON.stringify(b))) throw new Error('missed');
      const top = (form: FormJson): string[] => idsOf(form).filter((id) => id.split('/').length === 2);
      for (const [kind, from, to] of [
        ['added', a, b],
        ['removed', b, a],
      ] as const) {
        const expected = top(to).filter((id) => !top(from).includes(id));
        const named = changes.filter((change) => change.kind === kind && change.target.split('/').length === 2);
        if (
          named
            .map(({ target }) => target)
            .sort()
            .join() !== expected.join()
        )
          throw new Error(`${kind} is wrong`);
      }
      impactOf({ changes }, a);
    }),
    { numRuns: 150 },
  );
});

const FORM = formSchema.parse({
  id: 'f',
  title: { en: 'Visit' },
  pages: [
    {
      id: 'p1',
      fields: [
        { id: 'a', type: 'text', title: { en: 'A' }, validation: { maxLength: 9 } },
        { id: 'b', type: 'choice', options: ['x', 'y', 'z'].map((id) => ({ id, label: { en: id } })) },
        { id: 'c', type: 'number' },
        { id: 'g', type: 'group', repeat: { max: 2 }, fields: [{ id: 'inner', type: 'text' }] },
      ],
    },
    { id: 'p2' },
  ],
});

function changed(change: (form: FormJson, field: (id: string) => FieldJson) => void): readonly FormChange[] {
  const form = structuredClone(FORM);
  change(form, (id) => form.pages[0]!.fields.find((field) => field.id === id)!);
  return diffForms(FORM, form).changes;
}

void t.test('texts, limits and logic are told one by one', async (t) => {
  t.same(
    changed((form, field) => {
      form.title['fr'] = 'Visite';
      field('a').title = { en: 'Name' };
      field('a').validation = { minLength: 1, maxLength: 9 };
      field('c').visibleIf = { var: 'a' };
    }),
    [
      { kind: 'changed', target: 'form', property: 'title.fr', after: 'Visite' },
      { kind: 'changed', target: 'fields/a', property: 'title.en', before: 'A', after: 'Name' },
      { kind: 'changed', target: 'fields/a', property: 'validation.minLength', after: 1 },
      { kind: 'changed', target: 'fields/c', property: 'visibleIf', after: { var: 'a' } },
    ],
  );
});

void t.test('a move is one move, of what moved', async (t) => {
  t.same(
    changed((form) => form.pages[0]!.fields.unshift(form.pages[0]!.fields.splice(2, 1)[0]!)).map(({ kind, target }) => [
      kind,
      target,
    ]),
    [['moved', 'fields/c']],
  );
  t.same(
    changed((form, field) => {
      form.pages[1]!.fields.push(field('a'));
      form.pages[0]!.fields.shift();
      form.pages.reverse();
    }).map(({ kind, target }) => [kind, target]),
    [
      ['moved', 'pages/p1'],
      ['moved', 'fields/a'],
    ],
  );
  t.same(
    changed((_, field) => field('b').options!.reverse()).map(({ kind, target }) => [kind, target]),
    [
      ['moved', 'fields/b/options/y'],
      ['moved', 'fields/b/options/x'],
    ],
  );
});

void t.test('options that come, go and change are told by name', async (t) => {
  const changes = changed((_, field) => {
    const options = field('b').options!;
    options.shift();
    options[0]!.label['en'] = 'Y!';
    options.push({ id: 'new', label: {} });
  });
  t.match(changes, [
    { kind: 'removed', target: 'fields/b/options/x' },
    { kind: 'changed', target: 'fields/b/options/y', property: 'label.en', before: 'y', after: 'Y!' },
    { kind: 'added', target: 'fields/b/options/new' },
  ]);
});

void t.test('the impact says which answers are lost and which need a look', async (t) => {
  const impact = (change: Parameters<typeof changed>[0]): unknown =>
    impactOf({ changes: changed(change) }, FORM).map(({ target, severity }) => [target, severity]);
  t.same(
    impact((form) => form.pages.shift()),
    ['a', 'b', 'c', 'g', 'inner'].map((id) => [`fields/${id}`, 'loss']),
  );
  t.same(
    impact((_, field) => field('b').options!.pop()),
    [['fields/b/options/z', 'loss']],
  );
  t.same(
    impact((_, field) => (field('b').options![0]!.value = 1)),
    [['fields/b/options/x', 'review']],
  );
  t.same(
    impact((_, field) => (field('a').type = 'number')),
    [['fields/a', 'review']],
  );
  t.same(
    impact((_, field) => (field('a').required = true)),
    [['fields/a', 'review']],
  );
  t.same(
    impact((_, field) => (field('a').validation = {})),
    [['fields/a', 'review']],
  );
  t.same(
    impact((_, field) => (field('g').repeat = undefined)),
    [['fields/g', 'review']],
  );
  t.same(
    impact((form, field) => form.pages[0]!.fields.push(field('g').fields!.pop()!)),
    [['fields/inner', 'review']],
  );
  t.same(
    impact((_, field) => (field('a').title = { en: 'Other words' })),
    [],
  );
  t.same(
    impact((form) => form.pages[0]!.fields.push({ ...FORM.pages[0]!.fields[0]!, id: 'new' })),
    [],
  );
});
