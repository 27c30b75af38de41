import { readFileSync } from 'node:fs';
import t from 'tap';
import type { FieldJson, FormJson } from '../form/form-json.js';
import { formSchema } from '../form/form-schema.js';
import { validateForm } from '../form/checks/validate.js';
import { allFields, evaluateForm, evaluateRule } from '../logic/evaluate.js';
import { importForm, type ImportFormat } from './index.js';

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../test/data/forms/${name}.json`, import.meta.url), 'utf8'));
const load = (name: string): ReturnType<typeof importForm> =>
  importForm(name.slice(0, name.indexOf('-')) as ImportFormat, read(name), { formId: 'f' });
const fieldsOf = (form: FormJson): FieldJson[] => form.pages.flatMap((page) => allFields(page.fields));
const fieldOf = (form: FormJson, id: string): FieldJson => {
  const field = fieldsOf(form).find((one) => one.id === id);
  if (field === undefined) throw new Error(`no field ${id}`);
  return field;
};

/** Pages, fields (those in groups too), options and rows. */
const COUNTS: Readonly<Record<string, readonly [pages: number, fields: number, options: number]>> = {
  'gcforms-dynamicRowsTestForm': [1, 5, 17],
  'gcforms-showHideGroupsTest': [3, 8, 7],
  'gcforms-testDataWithGroups': [2, 7, 22],
  'gcforms-tsbContactTestForm': [1, 7, 11],
  'gcforms-validFormTemplate': [1, 33, 37],
  'surveyjs-american-history': [4, 8, 24],
  'surveyjs-medical-service': [2, 5, 21],
  'surveyjs-product-feedback': [3, 10, 16],
};

void t.test('each real form arrives whole, valid and the same twice', async (t) => {
  for (const [name, [pages, fields, options]] of Object.entries(COUNTS)) {
    const { form, report } = load(name);
    const all = fieldsOf(form);
    t.equal(form.pages.length, pages, `${name}: pages`);
    t.equal(all.length, fields, `${name}: fields`);
    const items = all.flatMap((field) => [...(field.options ?? []), ...(field.rows ?? [])]);
    t.equal(items.length, options, `${name}: options and rows`);
    t.same(formSchema.parse(form), form, name);
    t.same(validateForm(form), [], `${name}: nothing dangles`);
    t.equal(JSON.stringify(load(name)), JSON.stringify({ form, report }), name);
  }
});

void t.test('texts of a GC form arrive in both languages, and its text parts as settings', async (t) => {
  const { form, report } = load('gcforms-tsbContactTestForm');
  t.equal(form.title['fr'], 'Demandes de renseignements au Bureau de la sécurité des transports du Canada');
  t.same(form.settings['privacyPolicy'], { en: 'Privacy statement', fr: 'Avis de confidentialité' });
  t.same(fieldOf(form, 'f3').type, 'email');
  t.same(fieldOf(form, 'f4').options?.[0], {
    id: 'o0',
    label: {
      en: 'Access to Information and Privacy (ATIP)',
      fr: 'Accès à l’information et protection des renseignements personnels (AIPRP)',
    },
  });
  t.same(
    report.map(({ path }) => path),
    ['/elements/1/properties/validation/type', '/brand'],
  );
});

void t.test('rows of a GC form become a group that repeats', async (t) => {
  const group = fieldOf(load('gcforms-dynamicRowsTestForm').form, 'f3');
  t.equal(group.type, 'group');
  t.same(group.repeat, {});
  t.same(
    group.fields?.map(({ id, type }) => [id, type]),
    [
      ['f301', 'statement'],
      ['f302', 'dropdown'],
    ],
  );
});

void t.test(
  'groups of a GC form become pages in their order, next actions jumps, conditional rules visibility',
  async (t) => {
    const { form } = load('gcforms-showHideGroupsTest');
    const [pageA, pageB] = ['ba4645d7-ad61-4b5c-b8cf-5d5a8fe0ea80', 'ec47cc35-3bfe-40c0-820c-0678c738515b'];
    t.same(
      form.pages.map(({ id }) => id),
      ['start', pageA, pageB],
    );
    t.same(form.pages[0]?.jumps, [
      { if: { '==': [{ var: 'f1' }, 'o0'] }, to: pageA },
      { if: { '==': [{ var: 'f1' }, 'o1'] }, to: pageB },
    ]);
    t.same(form.pages[2]?.jumps, [{ to: 'end' }]);
    t.same(fieldOf(form, 'f8').visibleIf, { in: ['o0', { var: 'f2' }] });
    const { visible } = evaluateForm(form, { f2: ['o1'], f3: 'o2' });
    t.same([visible.has('f4'), visible.has('f6'), visible.has('f8')], [true, true, false]);
  },
);

void t.test('the languages, names and rows of a survey arrive', async (t) => {
  const { form } = load('surveyjs-medical-service');
  t.same(form.languages, ['en', 'de']);
  t.equal(form.pages[0]?.title['de'], 'Terminierung / Service Lieferung');
  const matrix = fieldOf(form, 'Care_Provider');
  t.equal(matrix.properties?.['name'], 'Care Provider');
  t.equal(matrix.rows?.length, 10);
  t.same(matrix.options?.[0], { id: 'o0', label: { en: 'Very Poor', de: 'Sehr Arm' }, value: 'very poor' });
});

void t.test('questions of one name in a survey stay apart, and what builders add is kept', async (t) => {
  const { form, report } = load('surveyjs-american-history');
  t.same(
    form.pages[1]?.fields.map(({ id }) => id),
    ['civilwar', 'civilwar_2', 'civilwar_3', 'civilwar_4'],
  );
  t.equal(fieldOf(form, 'civilwar_2').properties?.['correctAnswer'], '1861-1865');
  t.match(form.settings['completedHtml'], /correct answers/);
  t.ok(report.some(({ path }) => path === '/pages/1/elements/3/name'));
});

void t.test('a trigger that shows a question becomes its visibility', async (t) => {
  const { form } = load('surveyjs-product-feedback');
  const { visibleIf } = fieldOf(form, 'recommend_friends');
  t.same(visibleIf, { '>': [{ var: 'satisfaction' }, 3] });
  t.equal(evaluateRule(visibleIf ?? null, { satisfaction: 4 }), true);
  t.same(fieldOf(form, 'satisfaction').validation, { min: 1, max: 5 });
  t.same(fieldOf(form, 'price').options?.[1], {
    id: 'o1',
    label: { en: 'No, the price is too low for your product' },
    value: 'low',
  });
  t.same(
    fieldOf(form, 'pricelimit').fields?.map(({ id, type }) => [id, type]),
    [
      ['pricelimit_mostamount', 'text'],
      ['pricelimit_leastamount', 'text'],
    ],
  );
});
