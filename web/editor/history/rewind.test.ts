/** A form taken back to what it was, by the log of what changed. */
import t from 'tap';
import { diffForms } from '../../../crdt/form/comparison/diff.js';
import type { FieldJson, FormJson } from '../../../crdt/form/form-json.js';
import { formSchema } from '../../../crdt/form/form-schema.js';
import { normalize } from '../../../crdt/form/guard/normalize.js';
import { entriesOf, rewind, type LoggedChange } from './rewind.js';

const question = (id: string, title = id): FieldJson => ({
  id,
  type: 'text',
  title: { en: title },
  description: {},
  required: false,
  validation: {},
});
const formOf = (...pages: FieldJson[][]): FormJson =>
  formSchema.parse({
    id: 'f',
    title: { en: 'Form' },
    pages: pages.map((fields, index) => ({ id: `p${index}`, fields })),
  });
const logOf = (before: FormJson, after: FormJson, entry = '1'): LoggedChange[] =>
  diffForms(before, after).changes.map((change, index) => ({
    ...change,
    property: change.property ?? null,
    id: `${entry}.${index}`,
    at: '2030-01-01T00:00:00Z',
    user: { id: 'ada' },
    source: 'sync',
  }));

t.test(
  'what was added goes, what was removed comes back to its place, what moved returns, texts are as they were',
  async (t) => {
    const group: FieldJson = { ...question('g'), type: 'group', fields: [question('in1'), question('in2')] };
    const choice: FieldJson = {
      ...question('c'),
      type: 'choice',
      options: ['x', 'y'].map((id) => ({ id, label: { en: id } })),
    };
    const before = formOf([question('a'), choice, group, question('b')], [question('z')]);
    const states: FormJson[] = [
      formOf([question('a', 'Other'), choice, group, question('b'), question('new')], [question('z')]),
      formOf([question('b'), choice, group], [question('z'), question('a')]),
      formOf([question('a'), question('b')], [question('z')]),
      formOf([
        question('a'),
        { ...choice, required: true, options: [...(choice.options ?? [])].reverse() },
        group,
        question('b'),
      ]),
      formOf([question('a'), choice, { ...group, fields: [] }, question('b')], [question('z'), question('in1')]),
    ];
    for (const [index, after] of states.entries())
      t.same(normalize(rewind(after, logOf(before, after))), normalize(before), `state ${index}`);
  },
);

t.test('changes that were made at once are one entry', async (t) => {
  const before = formOf([question('a')]);
  const after = formOf([question('a', 'A'), question('b')]);
  const log = [...logOf(before, after, '7'), ...logOf(after, before, '6')];
  t.equal(entriesOf(log).length, 2);
  t.equal(entriesOf(log).flat().length, log.length);
});
