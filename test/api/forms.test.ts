import t from 'tap';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Y from 'yjs';
import { normalize, project, type FormJson } from '../../crdt/index.js';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const FORMS = path.join(path.dirname(fileURLToPath(import.meta.url)), '../data/forms');
const server = await startServer({ env: { AUTH: 'off' } });
t.teardown(() => server.cleanup());
const api = restClient(server.http);

const pathOf = (form: { id: string }): string => `/forms/${form.id}`;
const firstField = (form: FormJson): FormJson['pages'][number]['fields'][number] => {
  const field = form.pages.flatMap((page) => page.fields).find(({ type }) => type !== 'group');
  if (field === undefined) throw new Error('the form has no field');
  return field;
};

for (const file of await readdir(FORMS)) {
  const format = file.split('-', 1)[0]!;
  void t.test(
    `row 1: ${file}: imported, JSON and Yjs state agree, offline edits of one question both survive`,
    async (t) => {
      const source: unknown = JSON.parse(await readFile(path.join(FORMS, file), 'utf8'));
      const created = await api.post('/forms', { import: { format, source } });
      t.equal(created.status, 201, created.text.slice(0, 300));
      const form = created.body.form as FormJson;
      t.equal(created.headers.get('location'), `/api/v1/forms/${form.id}`);
      t.ok(Array.isArray(created.body.report), 'it says what could not be carried over');

      const read = await api.get(pathOf(form));
      t.same(read.body, form, 'GET answers what POST answered');
      t.equal(read.headers.get('etag'), created.headers.get('etag'));
      const state = new Y.Doc();
      Y.applyUpdate(state, await api.bytes(`/documents/${encodeURIComponent(`form/${form.id}`)}/state`));
      t.same(normalize(project(state, form.id)), form, 'the Yjs state says the same as the JSON');

      // Two editors, offline, on two properties of one question.
      const field = firstField(form);
      const editors = [stockClient(server.ws, `form/${form.id}`), stockClient(server.ws, `form/${form.id}`)];
      t.teardown(() => editors.forEach((editor) => editor.destroy()));
      await Promise.all(editors.map((editor) => editor.synced()));
      const fieldOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap<Y.Map<unknown>>('fields').get(field.id)!;
      for (const editor of editors) editor.disconnect();
      fieldOf(editors[0]!.doc).set('required', !field.required);
      (fieldOf(editors[1]!.doc).get('title') as Y.Map<Y.Text>).set('en', new Y.Text('Asked anew'));
      for (const editor of editors) editor.provider.connect();
      await until(
        async () => {
          const now = firstField((await api.get(pathOf(form))).body as FormJson);
          return now.required === !field.required && now.title['en'] === 'Asked anew';
        },
        { what: 'both edits are in the form' },
      );

      // A PATCH is seen by a live peer.
      const patched = await api.patch(pathOf(form), {
        operations: [
          { op: 'insertText', target: `fields/${field.id}`, property: 'title', language: 'en', index: 5, text: ' and' },
        ],
      });
      t.equal(patched.status, 200, patched.text.slice(0, 300));
      await until(
        () => String((fieldOf(editors[0]!.doc).get('title') as Y.Map<Y.Text>).get('en')) === 'Asked and anew',
      );
      // And back: a re-import of the source takes the edits away, minimally.
      const restored = await api.put(pathOf(form), form);
      t.same(restored.body, form, 'PUT reaches the given JSON');
      const again = await api.put(pathOf(form), form);
      t.equal(again.headers.get('etag'), restored.headers.get('etag'), 'and changes nothing the second time');
      await api.patch(pathOf(form), { operations: [{ op: 'setTitle', language: 'en', value: 'Renamed' }] });
      const imported = await api.put(pathOf(form), { import: { format, source } });
      t.same(imported.body, { form, report: created.body.report }, 'the source itself does the same');

      for (const target of ['formloom', 'gcforms', 'surveyjs', 'json-schema']) {
        const exported = await api.get(`${pathOf(form)}/export?format=${target}`);
        t.equal(exported.status, 200, `exported as ${target}`);
        if (target === 'formloom') t.same(exported.body, form);
      }
    },
  );
}

void t.test(
  'a form is created from its JSON, listed, searched, read in one language and deleted for good',
  async (t) => {
    const created = await api.post('/forms', {
      id: 'club',
      title: { en: 'Chess club', fr: 'Club d’échecs' },
      languages: ['en', 'fr'],
      pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text', title: { en: 'Name' } }] }],
    });
    t.equal(created.status, 201, created.text);
    t.equal((await api.post('/forms', { id: 'club' })).body.code, 'form_exists');

    const found = await api.get('/forms?q=chess');
    t.same(
      found.body.data.map((form: { id: string }) => form.id),
      ['club'],
    );
    t.equal(found.body.nextCursor, null);
    t.equal(found.body.data[0].status, 'draft');
    t.same((await api.get('/forms?q=no%20such')).body.data, []);
    const french = await api.get('/forms/club?lang=fr');
    t.same(french.body.title, { fr: 'Club d’échecs' });
    t.same(french.body.pages[0].fields[0].title, { en: 'Name' }, 'a missing translation falls back');

    const etag = created.headers.get('etag')!;
    t.equal((await api.get('/forms/club', { headers: { 'if-none-match': etag } })).status, 304);
    const listener = stockClient(server.ws, 'form/club');
    t.teardown(() => listener.destroy());
    await listener.synced();
    await until(async () => (await api.get('/forms?q=chess')).body.data[0].connections === 1);

    const deleted = await api.delete('/forms/club');
    t.equal(deleted.status, 200, deleted.text);
    t.equal(deleted.body.documents[0].document, 'form/club');
    await until(() => listener.closes.includes(4404), { what: 'the editor is told' });
    t.equal((await api.get('/forms/club')).body.code, 'form_not_found');
    t.equal((await api.delete('/forms/club')).status, 404);
    t.equal((await api.post('/forms', { id: 'club' })).body.code, 'form_deleted');
    t.same((await api.get('/forms?q=chess')).body.data, []);
  },
);

void t.test('lists go on where they stopped', async (t) => {
  for (let i = 0; i < 7; i++) await api.post('/forms', { id: `page-${i}`, title: { en: 'Paged' } });
  const seen: string[] = [];
  let cursor: string | null = '';
  do {
    const page = await api.get(`/forms?q=paged&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
    t.ok(page.body.data.length <= 3);
    seen.push(...page.body.data.map((form: { id: string }) => form.id));
    cursor = page.body.nextCursor;
  } while (cursor !== null);
  t.same(
    seen,
    Array.from({ length: 7 }, (_, i) => `page-${i}`),
    'each once, in order',
  );
});

void t.test('a list is made while forms in it are erased', async (t) => {
  const ids = Array.from({ length: 20 }, (_, i) => `brief-${i}`);
  await Promise.all(ids.map((id) => api.post('/forms', { id })));
  const lists = ids.map(() => api.get('/forms?limit=100'));
  await Promise.all(ids.map((id) => api.delete(`/forms/${id}`)));
  t.same([...new Set((await Promise.all(lists)).map(({ status }) => status))], [200]);
});

void t.test('If-Match: a stale one changes nothing, a right one does; operations are all or none', async (t) => {
  const { body } = await api.post('/forms', {
    id: 'etags',
    pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text' }] }],
  });
  t.equal(body.form.id, 'etags');
  const first = await api.get('/forms/etags');
  const etag = first.headers.get('etag')!;
  const set = (value: string) => ({ operations: [{ op: 'setTitle', target: 'form', language: 'en', value }] });
  const ok = await api.patch('/forms/etags', set('one'), { headers: { 'if-match': etag } });
  t.equal(ok.status, 200, ok.text);
  t.not(ok.headers.get('etag'), etag);
  const stale = await api.patch('/forms/etags', set('two'), { headers: { 'if-match': etag } });
  t.equal(stale.status, 412);
  t.equal(stale.body.code, 'stale');
  t.equal((await api.put('/forms/etags', { pages: [] }, { headers: { 'if-match': etag } })).status, 412);
  t.equal((await api.delete('/forms/etags', { headers: { 'if-match': etag } })).status, 412);
  t.equal((await api.get('/forms/etags')).body.title.en, 'one');

  const mixed = await api.patch('/forms/etags', {
    operations: [...set('three').operations, { op: 'removeField', fieldId: 'nowhere' }],
  });
  t.equal(mixed.status, 422, mixed.text);
  t.equal(mixed.body.code, 'operations_refused');
  t.match(mixed.body.errors[0].path, 'operations.1');
  t.equal((await api.get('/forms/etags')).body.title.en, 'one', 'the first operation was not applied either');
});

void t.test('Idempotency-Key: the same request gets the same answer and changes nothing again', async (t) => {
  await api.post('/forms', { id: 'idem', pages: [{ id: 'p1' }] });
  const add = { operations: [{ op: 'addField', page: 'p1', field: { type: 'text', title: { en: 'Q' } } }] };
  const headers = { 'idempotency-key': 'k-1' };
  const first = await api.patch('/forms/idem', add, { headers });
  const second = await api.patch('/forms/idem', add, { headers });
  t.equal(first.status, 200, first.text);
  t.same(second.body, first.body);
  t.equal(second.headers.get('idempotency-replayed'), 'true');
  t.equal(second.headers.get('etag'), first.headers.get('etag'));
  t.equal((await api.get('/forms/idem')).body.pages[0].fields.length, 1, 'added once');
  const other = await api.patch('/forms/idem', { operations: [{ op: 'removePage', pageId: 'p1' }] }, { headers });
  t.equal(other.status, 409);
  t.equal(other.body.code, 'idempotency_key_reused');
  const created = await api.post('/forms', { title: { en: 'x' } }, { headers: { 'idempotency-key': 'k-2' } });
  const repeated = await api.post('/forms', { title: { en: 'x' } }, { headers: { 'idempotency-key': 'k-2' } });
  t.equal(repeated.status, 201);
  t.equal(repeated.body.form.id, created.body.form.id);
  t.equal(repeated.headers.get('location'), created.headers.get('location'));
});

void t.test('row 26: 1,000 PATCHes with idempotency keys among 20 live editors: each exactly once', async (t) => {
  const PATCHES = 1_000;
  const fields = ['f0', 'f1'].map((id) => ({ id, type: 'text', title: { en: '' } }));
  await api.post('/forms', { id: 'busy', pages: [{ id: 'p1', fields }] });
  const editors = Array.from({ length: 20 }, () => stockClient(server.ws, 'form/busy'));
  t.teardown(() => editors.forEach((editor) => editor.destroy()));
  await Promise.all(editors.map((editor) => editor.synced()));
  const titleOf = (doc: Y.Doc): Y.Text => {
    const titles = doc.getMap<Y.Map<unknown>>('fields').get('f0')!.get('title') as Y.Map<Y.Text>;
    return titles.get('en')!;
  };
  const operation = (n: number): object =>
    n % 20 === 0
      ? { op: 'addField', page: 'p1', field: { type: 'number', title: { en: `[${n}]` } } }
      : { op: 'insertText', target: 'fields/f1', property: 'title', language: 'en', index: 0, text: `[${n}]` };
  let next = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const n = next++;
      if (n >= PATCHES) return;
      const headers = { 'idempotency-key': `busy-${n}` };
      const answer = await api.patch('/forms/busy', { operations: [operation(n)] }, { headers });
      if (answer.status !== 200) throw new Error(answer.text);
      // Every tenth is repeated, as after a lost answer.
      if (n % 10 === 0) await api.patch('/forms/busy', { operations: [operation(n)] }, { headers });
      if (n % 4 === 0) titleOf(editors[(n / 4) % editors.length]!.doc).insert(0, 'x');
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  await Promise.all(editors.map((editor) => editor.saved()));
  const form = (await api.get('/forms/busy')).body as FormJson;
  const titles = form.pages[0]!.fields.map((field) => field.title['en']!).join('');
  const marks = titles.match(/\[\d+\]/g) ?? [];
  t.equal(marks.length, PATCHES, 'none is missing, none came twice');
  t.equal(new Set(marks).size, PATCHES);
  t.equal(
    form.pages[0]!.fields.find(({ id }) => id === 'f0')!.title['en'],
    'x'.repeat(PATCHES / 4),
    'and every keystroke is there',
  );
  const last = (doc: Y.Doc): string => JSON.stringify(normalize(project(doc, 'busy')));
  await until(() => editors.every((editor) => last(editor.doc) === JSON.stringify(form)), {
    what: 'all editors have the same',
  });
});

void t.test('row 25: each change names its user, also after compaction', async (t) => {
  await api.post(
    '/forms',
    { id: 'blame', pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text', title: { en: 'A' } }] }] },
    { headers: { 'x-user': 'ada' } },
  );
  const editor = stockClient(server.ws, 'form/blame', { params: { user: 'grace' } });
  t.teardown(() => editor.destroy());
  await editor.synced();
  editor.doc.getMap<Y.Map<unknown>>('fields').get('f1')!.set('required', true);
  await editor.saved();
  await api.post('/documents/form%2Fblame/compact');
  await api.patch(
    '/forms/blame',
    { operations: [{ op: 'setProperty', target: 'fields/f1', path: 'validation.maxLength', value: 9 }] },
    { headers: { 'x-user': 'linus' } },
  );

  const changes = await api.get('/forms/blame/changes');
  t.equal(changes.status, 200, changes.text);
  const seen = changes.body.data.map((change: { user: { id: string }; property: string | null; source: string }) => [
    change.user.id,
    change.property,
    change.source,
  ]);
  t.same(seen[0], ['linus', 'validation.maxLength', 'rest'], 'newest first');
  t.same(seen[1], ['grace', 'required', 'sync']);
  t.ok(
    seen.slice(2).every(([user]: string[]) => user === 'ada'),
    'and who created it',
  );
  const mine = await api.get('/forms/blame/changes?userId=grace');
  t.equal(mine.body.data.length, 1);
  t.equal(mine.body.data[0].after, true);
  const history = await api.get('/forms/blame/fields/f1/history');
  t.equal(history.body.blame.required.user.id, 'grace');
  t.equal(history.body.blame['validation.maxLength'].user.id, 'linus');
  const one = await api.get('/forms/blame/changes?limit=1');
  const two = await api.get(`/forms/blame/changes?limit=1&cursor=${one.body.nextCursor}`);
  t.same(
    [one.body.data[0].id, two.body.data[0].id],
    changes.body.data.slice(0, 2).map(({ id }: { id: string }) => id),
  );
  t.equal((await api.get('/forms/blame/fields/nope/history')).body.code, 'field_not_found');
});

void t.test('publishing freezes a version; a dry run only tells the impact', async (t) => {
  await api.post('/forms', { id: 'pub', pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text' }] }] });
  t.equal((await api.get('/forms/pub?version=1')).body.code, 'version_not_found');
  const first = await api.post('/forms/pub/publish');
  t.equal(first.status, 201, first.text);
  t.equal(first.body.version, 1);
  await api.patch('/forms/pub', { operations: [{ op: 'removeField', fieldId: 'f1' }] });
  const dry = await api.post('/forms/pub/publish?dryRun=true');
  t.equal(dry.status, 200);
  t.same(
    dry.body.changes.map(({ kind, target }: { kind: string; target: string }) => [kind, target]),
    [['removed', 'fields/f1']],
  );
  t.equal(dry.body.impact[0].severity, 'loss');
  t.equal((await api.get('/forms/pub/versions')).body.data.length, 1, 'nothing was published');
  t.same((await api.get('/forms/pub/diff')).body.changes, dry.body.changes);
  t.equal((await api.post('/forms/pub/publish')).body.version, 2);
  t.equal((await api.get('/forms/pub?version=1')).body.pages[0].fields.length, 1, 'version 1 stays as it was');
  t.equal(
    (await api.get('/forms?status=published')).body.data.find((form: { id: string }) => form.id === 'pub').version,
    2,
  );
});

void t.test('presence: who is in a form, and where', async (t) => {
  await api.post('/forms', { id: 'here' });
  const editor = stockClient(server.ws, 'form/here', { params: { user: 'ada' } });
  t.teardown(() => editor.destroy());
  await editor.synced();
  editor.provider.awareness.setLocalState({
    user: { name: 'Somebody else', color: '#0a0' },
    field: 'f1',
    activity: 'typing',
    cursor: { index: 3 },
  });
  await until(async () => (await api.get('/forms/here/presence')).body.data[0]?.field === 'f1');
  const [state] = (await api.get('/forms/here/presence')).body.data;
  t.match(state, { user: { id: 'ada' }, role: 'admin', activity: 'typing', field: 'f1', cursor: { index: 3 } });
  editor.destroy();
  await until(async () => (await api.get('/forms/here/presence')).body.data.length === 0, {
    what: 'gone when it closes',
  });
});
