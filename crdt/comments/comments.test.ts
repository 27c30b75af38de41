import assert from 'node:assert/strict';
import t from 'tap';
import fc from 'fast-check';
import * as Y from 'yjs';
import {
  afterOperations,
  formSchema,
  normalize,
  operationSchema,
  project,
  reimport,
  seedForm,
  type FormJson,
} from '../index.js';
import {
  addComment,
  anchorAt,
  anchorSchema,
  deleteComment,
  deleteThread,
  editComment,
  mentionsIn,
  projectHistory,
  projectThread,
  projectThreads,
  resolveAnchor,
  setAssignee,
  setReaction,
  setStatus,
  startThread,
  storedThreadSchema,
  type AnchorRequest,
  type StoredAnchor,
} from './index.js';

const at = Date.UTC(2030, 0, 1);
const ada = { id: 'ada', name: 'Ada' };

void t.test('a thread from its start to its deletion', (t) => {
  const doc = new Y.Doc();
  startThread(doc, 't1', { type: 'field', fieldId: 'f1' }, { commentId: 'c1', author: ada, body: 'Why?', at });
  addComment(doc, 't1', { commentId: 'c2', author: { id: 'bob' }, body: 'Becuase', at: at + 1_000 });
  editComment(doc, 't1', 'c2', 'Because', at + 2_000);
  setReaction(doc, 't1', 'c2', 'like', 'zoe', true);
  setReaction(doc, 't1', 'c2', 'like', 'ada', true);
  setReaction(doc, 't1', 'c2', 'like', 'ada', true);
  setReaction(doc, 't1', 'c2', 'sad', 'ada', true);
  setReaction(doc, 't1', 'c2', 'sad', 'ada', false);
  setAssignee(doc, 't1', 'bob');
  setStatus(doc, 't1', 'resolved');
  const [thread] = projectThreads(doc, 'form');
  t.same(thread, {
    id: 't1',
    formId: 'form',
    anchor: { type: 'field', fieldId: 'f1' },
    status: 'resolved',
    assignee: 'bob',
    createdAt: '2030-01-01T00:00:00.000Z',
    createdBy: 'ada',
    comments: [
      {
        id: 'c1',
        author: ada,
        body: 'Why?',
        createdAt: '2030-01-01T00:00:00.000Z',
        editedAt: null,
        deletedAt: null,
        reactions: {},
      },
      {
        id: 'c2',
        author: { id: 'bob' },
        body: 'Because',
        createdAt: '2030-01-01T00:00:01.000Z',
        editedAt: '2030-01-01T00:00:02.000Z',
        deletedAt: null,
        reactions: { like: ['ada', 'zoe'] },
      },
    ],
  });
  t.same(projectHistory(doc, 't1', 'c2'), [{ body: 'Becuase', replacedAt: '2030-01-01T00:00:02.000Z' }]);
  deleteComment(doc, 't1', 'c2', at + 3_000);
  t.match(projectThread(doc, 'form', 't1')?.comments[1], {
    body: '',
    deletedAt: '2030-01-01T00:00:03.000Z',
    reactions: {},
  });
  t.same(projectHistory(doc, 't1', 'c2'), []);
  t.notOk(Buffer.from(Y.encodeStateAsUpdate(doc)).includes('Because'), 'the words are not in the document any more');
  t.ok(deleteThread(doc, 't1'));
  t.same(projectThreads(doc, 'form'), []);
  const missing = [
    addComment(doc, 't1', { commentId: 'c3', author: ada, body: 'x', at }),
    editComment(doc, 't1', 'c1', 'x', at),
    deleteComment(doc, 't1', 'c1', at),
    setReaction(doc, 't1', 'c1', 'like', 'ada', true),
    setStatus(doc, 't1', 'open'),
    setAssignee(doc, 't1', null),
    deleteThread(doc, 't1'),
  ];
  t.same(new Set(missing), new Set([false]));
  t.end();
});

void t.test('the first reactions of two nodes at once both stand', (t) => {
  const [one, two] = [new Y.Doc(), new Y.Doc()];
  startThread(one, 't1', { type: 'form' }, { commentId: 'c1', author: ada, body: 'x', at });
  Y.applyUpdate(two, Y.encodeStateAsUpdate(one));
  setReaction(one, 't1', 'c1', 'love', 'ada', true);
  setReaction(two, 't1', 'c1', 'love', 'bob', true);
  addComment(one, 't1', { commentId: 'c2', author: ada, body: 'x', at });
  addComment(two, 't1', { commentId: 'c3', author: ada, body: 'x', at });
  Y.applyUpdate(one, Y.encodeStateAsUpdate(two));
  Y.applyUpdate(two, Y.encodeStateAsUpdate(one));
  t.same(projectThreads(one, 'form'), projectThreads(two, 'form'));
  t.same(projectThread(one, 'form', 't1')?.comments[0]?.reactions, { love: ['ada', 'bob'] });
  t.equal(projectThread(one, 'form', 't1')?.comments.length, 3);
  t.end();
});

void t.test('mentions are found once each, and what is none is not', (t) => {
  t.same(mentionsIn('@[ada] and @[bob@example.org], @[ada]: see [x] @y @[] @[a\nb]'), ['ada', 'bob@example.org']);
  t.end();
});

const anything = fc.oneof(
  fc.anything({ withDate: false, withBigInt: false, withTypedArray: false, withSparseArray: false }),
  fc.constantFrom<unknown>('open', at, 1e300, -1, Number.NaN, [], {}, { type: 'text' }, { id: 'ada' }, '\ud800'),
);
/** Yjs takes no functions, symbols and cycles; what it takes is what can arrive. */
const stored = anything.filter((value) => {
  try {
    const doc = new Y.Doc();
    doc.getArray<unknown>('a').push([value]);
    Y.encodeStateAsUpdate(doc);
    return true;
  } catch {
    return false;
  }
});
const mapOf = (entries: [string, unknown][]): Y.Map<unknown> => new Y.Map(entries);
const commentLike = fc
  .record({
    id: fc.constantFrom<unknown>('c1', 'c2', 'c 3', 7),
    body: stored,
    author: stored,
    createdAt: stored,
    editedAt: stored,
    reactions: stored,
  })
  .map((members) => (): unknown => {
    const { reactions, ...plain } = members;
    const map = mapOf(Object.entries(plain));
    map.set(
      'reactions',
      reactions === null
        ? mapOf([
            ['like/ada', true],
            ['like/', 1],
            ['nonsense', 2],
          ])
        : reactions,
    );
    map.set('history', Y.Array.from<object | null>([{ body: 1 }, members.body as object | null]));
    return map;
  });
const threadLike = fc
  .record({
    anchor: fc.oneof(
      stored,
      fc.constant({
        type: 'text',
        target: 'form',
        property: 'title',
        language: 'en',
        from: 'AQ==',
        to: '%',
        quote: '',
      }),
    ),
    status: stored,
    assignee: stored,
    createdAt: stored,
    comments: fc.oneof(
      stored.map((value) => (): unknown => value),
      fc
        .array(
          fc.oneof(
            commentLike,
            stored.map((value) => (): unknown => value),
          ),
          { maxLength: 4 },
        )
        .map((makers) => (): unknown => Y.Array.from(makers.map((make) => make() as object | null))),
    ),
  })
  .map(({ comments, ...members }) => (): unknown => {
    const map = mapOf(Object.entries(members));
    map.set('comments', comments());
    return map;
  });

void t.test('any state of the document projects to threads that the schema accepts', (t) => {
  const entry = fc.tuple(
    fc.constantFrom('t1', 't2', 'no id!', '__proto__', ''),
    fc.oneof(
      threadLike,
      stored.map((value) => (): unknown => value),
    ),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
      const writer = new Y.Doc();
      for (const [id, make] of entries) writer.getMap('threads').set(id, make());
      const [doc, copy, form] = [new Y.Doc(), new Y.Doc(), new Y.Doc()];
      // Encoding makes text well-formed, so both are readers.
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(writer));
      Y.applyUpdateV2(copy, Y.encodeStateAsUpdateV2(doc));
      const threads = projectThreads(doc, 'form');
      for (const thread of threads) {
        storedThreadSchema.parse(thread);
        anchorSchema.parse(resolveAnchor(form, thread.anchor));
        for (const comment of thread.comments) projectHistory(doc, thread.id, comment.id);
      }
      assert.deepEqual(projectThreads(copy, 'form'), threads);
      assert([...form.share.keys()].every((root) => ['fields', 'meta', 'pages'].includes(root)));
    }),
    { numRuns: 300 },
  );
  t.end();
});

const content: FormJson = formSchema.parse({
  id: 'form',
  title: { en: 'A form about chess' },
  pages: [
    {
      id: 'p1',
      title: { en: 'Page' },
      fields: [
        {
          id: 'f1',
          type: 'choice',
          title: { en: 'Which opening?' },
          options: [{ id: 'o1', label: { en: 'Queens gambit' } }],
        },
      ],
    },
  ],
});
const formDoc = (): Y.Doc => {
  const doc = new Y.Doc();
  seedForm(doc, content);
  return doc;
};
const anchored = (doc: Y.Doc, request: AnchorRequest): StoredAnchor => {
  const made = anchorAt(doc, request);
  if ('issue' in made) throw new Error(`${made.issue.path}: ${made.issue.message}`);
  return made.anchor;
};

void t.test('a range of text follows its words, and is orphaned when they or what holds them are gone', (t) => {
  const doc = formDoc();
  const anchor = anchored(doc, { type: 'text', fieldId: 'f1', property: 'title', language: 'en', start: 6, end: 13 });
  t.match(anchor, { quote: 'opening', target: 'fields/f1' });
  const resolved = (): object => resolveAnchor(doc, anchor);
  t.match(resolved(), { start: 6, end: 13, fieldId: 'f1', isOrphaned: false });
  const text = (doc.getMap<Y.Map<Y.Map<Y.Text>>>('fields').get('f1')!.get('title') as Y.Map<Y.Text>).get('en')!;
  text.insert(0, 'Say: ');
  text.insert(14, '-');
  text.insert(text.length, '!');
  t.equal(text.toString(), 'Say: Which ope-ning?!');
  t.match(resolved(), { start: 11, end: 19, isOrphaned: false });
  text.delete(11, 3);
  t.match(resolved(), { start: 11, end: 16, isOrphaned: false });
  text.delete(9, 8);
  t.match(resolved(), { start: null, end: null, quote: 'opening', isOrphaned: true });

  const option = anchored(doc, { type: 'option', fieldId: 'f1', optionId: 'o1' });
  const label = anchored(doc, {
    type: 'text',
    target: 'fields/f1/options/o1',
    property: 'label',
    language: 'en',
    start: 0,
    end: 6,
  });
  const field = anchored(doc, { type: 'field', fieldId: 'f1' });
  const states = (): boolean[] => [option, label, field].map((each) => resolveAnchor(doc, each).isOrphaned);
  t.same(states(), [false, false, false]);
  const now = normalize(project(doc, 'form'));
  const removed = afterOperations(now, [operationSchema.parse({ op: 'removeField', fieldId: 'f1' })]);
  reimport(doc, removed);
  t.same(states(), [true, true, true]);
  reimport(doc, content);
  t.same(states(), [false, true, false], 'another text with the same words is another text');
  t.end();
});

void t.test('what cannot be anchored says which member is at fault', (t) => {
  const doc = formDoc();
  const cases: [AnchorRequest, string][] = [
    [{ type: 'field', fieldId: 'f9' }, 'fieldId'],
    [{ type: 'option', fieldId: 'f1', optionId: 'o9' }, 'optionId'],
    [{ type: 'text', fieldId: 'f9', property: 'title', language: 'en', start: 0, end: 1 }, 'fieldId'],
    [{ type: 'text', target: 'pages/p9', property: 'title', language: 'en', start: 0, end: 1 }, 'target'],
    [{ type: 'text', target: 'form', fieldId: 'f1', property: 'title', language: 'en', start: 0, end: 1 }, 'target'],
    [{ type: 'text', fieldId: 'f1', property: 'title', language: 'fr', start: 0, end: 1 }, 'property'],
    [{ type: 'text', property: 'title', language: 'en', start: 2, end: 2 }, 'end'],
    [{ type: 'text', property: 'title', language: 'en', start: 0, end: 99 }, 'end'],
  ];
  for (const [request, path] of cases) {
    const made = anchorAt(doc, request);
    t.equal('issue' in made ? made.issue.path : undefined, path, JSON.stringify(request));
  }
  t.match(
    resolveAnchor(
      doc,
      anchored(doc, { type: 'text', target: 'pages/p1', property: 'title', language: 'en', start: 0, end: 4 }),
    ),
    { start: 0, end: 4 },
  );
  t.end();
});

void t.test('a range in a rich text counts as its plain text does', (t) => {
  const doc = formDoc();
  const rich = new Y.XmlFragment();
  (doc.getMap<Y.Map<Y.Map<unknown>>>('fields').get('f1')!.get('description') as Y.Map<unknown>).set('en', rich);
  const paragraph = (words: string): Y.XmlElement => {
    const element = new Y.XmlElement('paragraph');
    element.insert(0, [new Y.XmlText(words)]);
    return element;
  };
  rich.insert(0, [paragraph('first line'), paragraph('second line')]);
  t.equal(project(doc, 'form').pages[0]?.fields[0]?.description['en'], 'first line\nsecond line');
  const anchor = anchored(doc, {
    type: 'text',
    fieldId: 'f1',
    property: 'description',
    language: 'en',
    start: 11,
    end: 17,
  });
  t.match(anchor, { quote: 'second' });
  const across = anchored(doc, {
    type: 'text',
    fieldId: 'f1',
    property: 'description',
    language: 'en',
    start: 6,
    end: 17,
  });
  rich.insert(0, [paragraph('zero')]);
  t.match(resolveAnchor(doc, anchor), { start: 16, end: 22, isOrphaned: false });
  t.match(resolveAnchor(doc, across), { start: 11, end: 22, isOrphaned: false });
  t.ok(
    'issue' in
      anchorAt(doc, { type: 'text', fieldId: 'f1', property: 'description', language: 'en', start: 4, end: 5 }),
    'between paragraphs is nothing',
  );
  rich.delete(2, 1);
  t.match(resolveAnchor(doc, anchor), { isOrphaned: true });
  t.end();
});

void t.test('whatever is typed and deleted around it, a range covers what is left of its characters', (t) => {
  const edit = fc.record({ isInsert: fc.boolean(), index: fc.nat({ max: 60 }), count: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(
      fc.nat({ max: 9 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(edit, { maxLength: 25 }),
      (start, length, edits) => {
        const doc = new Y.Doc();
        seedForm(doc, formSchema.parse({ id: 'form', title: { en: 'abcdefghijklmnopqr' } }));
        const text = (doc.getMap('meta').get('title') as Y.Map<Y.Text>).get('en')!;
        const words = text.toString().slice(start, start + length);
        const anchor = anchored(doc, { type: 'text', property: 'title', language: 'en', start, end: start + length });
        for (const { isInsert, index, count } of edits) {
          if (isInsert) text.insert(index % (text.length + 1), '.'.repeat(count));
          else if (text.length > 0)
            text.delete(index % text.length, Math.min(count, text.length - (index % text.length)));
        }
        const now = text.toString();
        const left = Array.from(words).filter((letter) => now.includes(letter));
        const resolved = resolveAnchor(doc, anchor);
        assert(resolved.type === 'text');
        if (left.length === 0) {
          // Dots typed between the first and the last of them may remain.
          assert(resolved.isOrphaned || /^\.+$/.test(now.slice(resolved.start ?? 0, resolved.end ?? 0)));
          return;
        }
        assert(!resolved.isOrphaned);
        assert.deepEqual(
          Array.from(now.slice(resolved.start ?? 0, resolved.end ?? 0)).filter((letter) => letter !== '.'),
          left,
        );
      },
    ),
    { numRuns: 300 },
  );
  t.end();
});
