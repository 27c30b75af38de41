import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { importForm, type ImportFormat } from '../../import/index.js';
import { exportForm } from '../../export/index.js';
import { diffForms } from './diff.js';
import type { FormJson } from '../form-json.js';
import { formSchema } from '../form-schema.js';
import { normalize } from '../guard/normalize.js';
import { project } from '../project.js';
import { reimport, seedForm } from './reimport.js';
import { inspectShape } from '../rules.js';
import { form as anyForm } from '../testing/forms.js';

function documentOf(form: FormJson): Y.Doc {
  const doc = new Y.Doc();
  seedForm(doc, form);
  return doc;
}

/** How many updates a change emits. */
function updatesOf(doc: Y.Doc, change: () => void): number {
  let count = 0;
  const onUpdate = (): void => void (count += 1);
  doc.on('update', onUpdate);
  change();
  doc.off('update', onUpdate);
  return count;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

void t.test('a re-import leads from any form to exactly any other, in one update, and again in none', async () => {
  fc.assert(
    fc.property(anyForm, anyForm, fc.boolean(), (a, b, isKnown) => {
      const doc = documentOf(a);
      if (!same(project(doc, 'f'), a)) throw new Error('the seed says something else');
      const updates = updatesOf(doc, () => reimport(doc, b, isKnown ? { from: project(doc, 'f') } : {}));
      if (!same(project(doc, 'f'), b)) throw new Error('the outcome says something else');
      if (updates !== (same(a, b) ? 0 : 1)) throw new Error(`${updates} updates`);
      if (updatesOf(doc, () => reimport(doc, b)) !== 0) throw new Error('what is equal was touched');
      if (inspectShape(doc).length > 0) throw new Error('not the shape of a form');
      const replica = new Y.Doc();
      Y.applyUpdate(replica, Y.encodeStateAsUpdate(doc));
      if (!same(project(replica, 'f'), b)) throw new Error('a replica says something else');
    }),
    { numRuns: 100 },
  );
});

const FORM = formSchema.parse({
  id: 'f',
  title: { en: 'Survey of the year' },
  pages: [
    {
      id: 'p1',
      fields: ['a', 'b', 'c', 'd'].map((id) => ({ id, type: 'text', title: { en: `The question ${id} as it is` } })),
    },
  ],
});

const textOf = (doc: Y.Doc, field: string): Y.Text =>
  ((doc.getMap('fields').get(field) as Y.Map<unknown>).get('title') as Y.Map<Y.Text>).get('en')!;

void t.test('a place in a text that did not change, or around which it changed, stays where it was', async (t) => {
  const doc = documentOf(FORM);
  const text = textOf(doc, 'c');
  const place = Y.createRelativePositionFromTypeIndex(text, 'The question '.length);
  const target = structuredClone(FORM);
  const fields = target.pages[0]!.fields;
  fields[0]!.title = { en: 'Something else' };
  fields.splice(2, 0, { ...fields[0]!, id: 'new' });
  fields.unshift(...fields.splice(3, 1));
  reimport(doc, target);
  t.equal(textOf(doc, 'c'), text, 'the moved field has the same text');
  t.equal(Y.createAbsolutePositionFromRelativePosition(place, doc)?.index, 'The question '.length);
  fields[0]!.title = { en: 'Please read: The new question c as it was' };
  reimport(doc, target);
  t.equal(text.toString(), 'Please read: The new question c as it was');
  t.equal(Y.createAbsolutePositionFromRelativePosition(place, doc)?.index, 'Please read: The new question '.length);
});

void t.test('a move touches the moved field alone', async (t) => {
  const doc = documentOf(FORM);
  const touched = new Set<string>();
  doc.getMap('fields').observeDeep((events) => {
    for (const { path, changes } of events)
      for (const key of changes.keys.keys()) touched.add([...path, key].join('/'));
  });
  const target = structuredClone(FORM);
  target.pages[0]!.fields.unshift(target.pages[0]!.fields.pop()!);
  reimport(doc, target);
  t.same([...touched], ['d/position']);
});

void t.test('rich texts stay rich, and what is embedded in a text stays there', async (t) => {
  const doc = documentOf(FORM);
  const titleOf = (id: string) => (doc.getMap('fields').get(id) as Y.Map<unknown>).get('title') as Y.Map<unknown>;
  const rich = new Y.XmlFragment();
  titleOf('a').set('en', rich);
  const target = structuredClone(FORM);
  target.pages[0]!.fields[0]!.title = { en: 'One\nTwo\n' };
  reimport(doc, target);
  t.equal(titleOf('a').get('en'), rich);
  t.equal(rich.toJSON(), '<paragraph>One</paragraph><paragraph>Two</paragraph><paragraph></paragraph>');
  t.equal(
    updatesOf(doc, () => reimport(doc, target)),
    0,
    'empty lines at its end are not written again and again',
  );

  const text = textOf(doc, 'b');
  text.insertEmbed(4, { image: 'x' });
  text.insertEmbed(text.length, { image: 'y' });
  t.equal(project(doc, 'f').pages[0]!.fields[1]!.title['en'], 'The question b as it is');
  target.pages[0]!.fields[1]!.title = { en: 'The one question b as it was' };
  reimport(doc, target);
  t.equal(project(doc, 'f').pages[0]!.fields[1]!.title['en'], 'The one question b as it was');
  t.same((text.toDelta() as { insert: unknown }[]).filter(({ insert }) => typeof insert === 'object').length, 2);
});

void t.test('what the schema accepts is kept, and what cannot be kept is refused', async (t) => {
  const withField = (field: object): unknown => ({
    id: 'f',
    pages: [{ id: 'p', fields: [{ id: 'a', type: 'text', ...field }] }],
  });
  const nested = (depth: number): object =>
    depth === 0 ? { id: 'x', type: 'text' } : { id: `g${depth}`, type: 'group', fields: [nested(depth - 1)] };
  let json: unknown = 1;
  for (let depth = 0; depth < 32; depth++) json = [json];
  const deepest = formSchema.parse(withField({ defaultValue: json, type: 'group', fields: [nested(7)] }));
  t.same(project(documentOf(deepest), 'f'), normalize(deepest));
  for (const field of [
    { defaultValue: [json] },
    { id: 'constructor' },
    { properties: { prototype: 1 } },
    { properties: { '\ud800': 1 } },
    { title: { en: 'half \ud83d' } },
    { defaultValue: { a: { constructor: 1 } } },
    { type: 'group', fields: [nested(8)] },
  ]) {
    t.notOk(formSchema.safeParse(withField(field)).success, JSON.stringify(field).slice(0, 60));
  }
});

const FOLDER = new URL('../../../test/data/forms/', import.meta.url);

void t.test('real forms live in a document, and come out and in again as they were', async (t) => {
  const names = readdirSync(FOLDER);
  t.ok(names.length >= 8);
  const doc = new Y.Doc();
  for (const name of names) {
    const format = name.slice(0, name.indexOf('-')) as ImportFormat;
    const source: unknown = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'));
    const { form } = importForm(format, source, { formId: 'f' });
    // One document becomes each of them in turn.
    reimport(doc, form);
    const live = project(doc, 'f');
    t.same(live, normalize(form), `${name}: live`);
    t.equal(
      updatesOf(doc, () => reimport(doc, form)),
      0,
      `${name}: the same import changes nothing`,
    );
    const again = importForm(format, exportForm(live, format).content, { formId: 'f' }).form;
    t.same(diffForms(live, again).changes, [], `${name}: exported and imported`);
    const own = importForm('formloom', exportForm(live, 'formloom').content, { formId: 'f' });
    t.same([own.form, own.report], [live, []], `${name}: in our own format`);
  }
});
