import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import type { FormJson, Json } from '../form/form-json.js';
import { formSchema } from '../form/form-schema.js';
import { importForm, ImportError, type ImportFormat } from '../import/index.js';
import { exportForm, type ExportFormat } from './index.js';

const FOLDER = new URL('../../test/data/forms/', import.meta.url);
const REAL = readdirSync(FOLDER).map((name): { name: string; format: ImportFormat; source: Json } => ({
  name,
  format: name.startsWith('gcforms') ? 'gcforms' : 'surveyjs',
  source: JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Json,
}));

void t.test('each real form survives its own format and ours unchanged', async (t) => {
  for (const { name, format, source } of REAL) {
    const { form } = importForm(format, source, { formId: 'f' });
    const { content, report } = exportForm(form, format);
    t.same(report, [], `${name}: nothing is lost`);
    t.same(importForm(format, content, { formId: 'f' }).form, form, name);
    const own = importForm('formloom', exportForm(form, 'formloom').content);
    t.same(own, { form, report: [] }, name);
  }
});

const FORM: FormJson = formSchema.parse({
  id: 'f',
  title: { de: 'Titel', en: 'Title' },
  languages: ['en', 'de'],
  pages: [
    {
      id: 'first',
      title: { en: 'First' },
      jumps: [{ if: { '==': [{ var: 'colour' }, 'red'] }, to: 'end' }],
      fields: [
        {
          id: 'colour',
          type: 'choice',
          title: { en: 'Colour' },
          required: true,
          options: [
            { id: 'red', label: { en: 'Red', de: 'Rot' } },
            { id: 'blue', label: { en: 'Blue' }, value: 2 },
          ],
        },
        {
          id: 'shade',
          type: 'text',
          visibleIf: { '==': [{ var: 'colour' }, 2] },
          required: true,
          validation: { maxLength: 5 },
        },
        { id: 'note', type: 'statement', description: { en: 'Read this' } },
        {
          id: 'people',
          type: 'group',
          repeat: { min: 1, max: 3 },
          fields: [{ id: 'mail', type: 'email', required: true }],
        },
        { id: 'grid', type: 'matrix', options: [{ id: 'c', label: {} }], rows: [{ id: 'r', label: {} }] },
      ],
    },
  ],
});

void t.test('the schema of the answers follows the fields', async (t) => {
  const { content, report } = exportForm(FORM, 'json-schema');
  t.match(content, {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Title',
    type: 'object',
    required: ['colour'],
    additionalProperties: false,
    properties: {
      colour: {
        oneOf: [
          { const: 'red', title: 'Red' },
          { const: 2, title: 'Blue' },
        ],
      },
      shade: { type: 'string', maxLength: 5 },
      people: {
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: { type: 'object', properties: { mail: { type: 'string', format: 'email' } }, required: ['mail'] },
      },
      grid: { type: 'object', properties: { r: { oneOf: [{ const: 'c' }] } } },
    },
  });
  t.same(
    report.map(({ path }) => path),
    ['/pages/0/jumps', '/pages/0/fields/1/visibleIf'],
  );
});

void t.test('what a format has no place for is reported', async (t) => {
  const gc = exportForm(FORM, 'gcforms');
  t.match(gc.content, {
    groups: { start: { nextAction: [{ groupId: 'review', choiceId: '1.0' }] } },
    layout: [1, 2, 3, 4],
  });
  t.same(
    gc.report.map(({ path }) => path),
    [
      '/languages/1',
      '/title/de',
      '/pages/0/fields/0/options/0/label/de',
      '/pages/0/fields/0/options/1/value',
      '/pages/0/fields/3/repeat/min',
      '/pages/0/fields/4',
    ],
  );
  const survey = exportForm(FORM, 'surveyjs');
  t.match(survey.content, { pages: [{ elements: [{}, { visibleIf: '{colour} = 2' }] }] });
  t.same(
    survey.report.map(({ path }) => path),
    ['/pages/0/jumps'],
  );
  t.throws(() => exportForm(FORM, 'pdf' as ExportFormat), ImportError);
});
