/** Rich texts: as Markdown lines, in a Y.XmlFragment, and from one to the other. */
import fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { project } from '../form/project.js';
import { reimport, seedForm } from '../form/comparison/reimport.js';
import type { FormJson } from '../form/form-json.js';
import { formSchema } from '../form/form-schema.js';
import { enrichText } from './enrich.js';
import { blocksOf, markdownOf, nodesOf, parseRichText, writeMarkdown, writeRichText } from './index.js';

const formWith = (description: string): FormJson =>
  formSchema.parse({
    id: 'f',
    pages: [
      { id: 'p', fields: [{ id: 'q', type: 'text', description: description === '' ? {} : { en: description } }] },
    ],
  });
function documentOf(description: string): Y.Doc {
  const doc = new Y.Doc();
  seedForm(doc, formWith(description));
  return doc;
}
const textsIn = (doc: Y.Doc): Y.Map<unknown> =>
  (doc.getMap('fields').get('q') as Y.Map<unknown>).get('description') as Y.Map<unknown>;
const shown = (doc: Y.Doc): string | undefined => project(doc, 'f').pages[0]?.fields[0]?.description['en'];
const rich = (text: string): Y.XmlFragment => {
  const fragment = new Y.Doc().getXmlFragment('t');
  writeMarkdown(fragment, text);
  return fragment;
};

const WHOLE = [
  '## Before you begin',
  'Have your **passport** and _proof of address_ ready.',
  '',
  '- one',
  '- two with [a link](https://example.org/a_b)',
  '  1. deeper',
  '  1. deeper **and _both_** again',
  '- three',
  'The end.',
].join('\n');

t.test('marks, headings and nested lists come through an editor’s fragment unchanged', async (t) => {
  t.equal(markdownOf(rich(WHOLE)), WHOLE);
  t.match(rich(WHOLE).toJSON(), /<heading level="2">.*<bulletlist><listitem>.*<orderedlist>/);
});

t.test('a text in which nothing is marked reads as it is written', async (t) => {
  for (const text of [
    '2 * 3 * 4 = 24',
    'snake_case_name',
    'a\n\n b ',
    '[sic]',
    'C:\\temp\\x',
    '5 ** 2',
    '-1',
    '1.5 kg',
  ])
    t.equal(markdownOf(rich(text)), text, text);
});

t.test('what people type in an editor is not taken for marks', async (t) => {
  const fragment = new Y.Doc().getXmlFragment('t');
  for (const words of [
    '**not bold**',
    '- no list',
    '12. no list',
    '# no heading',
    '[no](https://link.example)',
    '\\*',
  ]) {
    const paragraph = new Y.XmlElement('paragraph');
    paragraph.insert(0, [new Y.XmlText(words)]);
    fragment.delete(0, fragment.length);
    fragment.insert(0, [paragraph]);
    t.same(parseRichText(markdownOf(fragment)), [{ kind: 'paragraph', level: 0, runs: [{ text: words }] }], words);
  }
});

t.test('any text is read and written in time, and what was written means the same again', async (t) => {
  const piece = fc.constantFrom(
    '**',
    '*',
    '_',
    '[',
    '](https://a.example)',
    '- ',
    '1. ',
    '## ',
    '\\',
    'a',
    ' ',
    '\n',
    'é',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const blocks = parseRichText(pieces.join(''));
      const again = parseRichText(writeRichText(blocks));
      t.equal(plain(again), plain(blocks));
    }),
    { numRuns: 300 },
  );
  // Were a line of signs to take the square of its length, nobody would see the end of these.
  const lines = Array.from({ length: 200 }, () => '**_*['.repeat(4_000));
  t.match(plain(parseRichText(lines.join('\n'))), '[');
});
const plain = (blocks: ReturnType<typeof parseRichText>): string =>
  blocks.map(({ runs }) => runs.map(({ text }) => text).join('')).join('\n');

t.test('two people who make a text rich at once, apart, keep both what they write', async (t) => {
  for (const before of ['Please **read** this.', '']) {
    const ada = documentOf(before);
    const ben = new Y.Doc();
    Y.applyUpdate(ben, Y.encodeStateAsUpdate(ada));
    const write = (doc: Y.Doc, words: string): void => {
      const paragraph = new Y.XmlElement('paragraph');
      paragraph.insert(0, [new Y.XmlText(words)]);
      enrichText(textsIn(doc), 'en').push([paragraph]);
    };
    enrichText(textsIn(ada), 'en');
    t.same(project(ada, 'f'), formWith(before), 'becoming rich changes nothing of what the form says');
    write(ada, 'Ada');
    write(ben, 'Ben');
    Y.applyUpdate(ada, Y.encodeStateAsUpdate(ben));
    Y.applyUpdate(ben, Y.encodeStateAsUpdate(ada));
    t.equal(shown(ada), shown(ben));
    t.same(shown(ada)?.split('\n').sort(), ['Ada', 'Ben', ...(before === '' ? [] : [before])].sort());
  }
});

t.test('the same form again leaves a rich text alone, another one changes only what differs', async (t) => {
  const doc = documentOf(WHOLE);
  const fragment = enrichText(textsIn(doc), 'en');
  t.equal(reimport(doc, formWith(WHOLE)).changes, 0);
  const last = fragment.get(fragment.length - 1);
  const list = fragment.get(3);
  reimport(doc, formWith(WHOLE.replace('The end.', 'The very end.')));
  t.equal(textsIn(doc).get('en'), fragment, 'it stays a rich one');
  t.equal(fragment.get(fragment.length - 1), last, 'the paragraph is the one it was');
  t.equal(fragment.get(3), list);
  t.match(shown(doc), /The very end\.$/);
  const empty = documentOf('');
  enrichText(textsIn(empty), 'en');
  t.equal(reimport(empty, formWith('')).changes, 0, 'an empty rich text is none');
  t.equal(blocksOf(enrichText(textsIn(empty), 'en')).length, 0);
  t.ok(nodesOf('x').length === 1);
});
