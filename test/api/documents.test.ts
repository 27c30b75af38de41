import t from 'tap';
import * as Y from 'yjs';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const server = await startServer({ env: { AUTH: 'off' } });
t.teardown(() => server.cleanup());
const api = restClient(server.http);
const doc = (name: string, rest = ''): string => `/documents/${encodeURIComponent(name)}${rest}`;
const withText = (text: string): Y.Doc => {
  const made = new Y.Doc();
  made.getText('text').insert(0, text);
  return made;
};

void t.test('a binary update goes through the live room; state answers whole and in part', async (t) => {
  const peer = stockClient(server.ws, 'notes/a');
  t.teardown(() => peer.destroy());
  await peer.synced();
  t.equal((await api.get(doc('notes/a'))).status, 404, 'a document that was never written is not there');
  const mine = withText('hello');
  const sent = await api.post(doc('notes/a', '/updates'), Y.encodeStateAsUpdate(mine));
  t.equal(sent.status, 204, sent.text);
  await until(() => peer.doc.getText('text').toString() === 'hello');
  peer.doc.getText('text').insert(5, ' there');
  await peer.saved();
  const vector = Buffer.from(Y.encodeStateVector(mine)).toString('base64');
  const part = await api.bytes(doc('notes/a', `/state?stateVector=${encodeURIComponent(vector)}`));
  Y.applyUpdate(mine, part);
  t.equal(mine.getText('text').toString(), 'hello there', 'the difference is enough');
  const whole = await api.bytes(doc('notes/a', '/state'));
  t.ok(part.length < whole.length);
  const details = await api.get(doc('notes/a'));
  t.match(details.body, { name: 'notes/a', kind: 'opaque', connections: 1, updates: 2 });
  t.equal((await api.post(doc('notes/a', '/compact'))).body.result, 'done');
  t.equal((await api.get(doc('notes/a'))).body.uncompactedUpdates, 0);
  t.same(
    (await api.get('/documents?prefix=notes/')).body.data.map(({ name }: { name: string }) => name),
    ['notes/a'],
  );
});

void t.test('bytes that are no update, or half of one, are refused and change nothing', async (t) => {
  const garbage = await api.post(doc('notes/b', '/updates'), new Uint8Array([255, 255, 255, 3, 9]));
  t.equal(garbage.status, 400);
  t.equal(garbage.body.code, 'malformed_update');
  const author = withText('one');
  const before = Y.encodeStateVector(author);
  author.getText('text').insert(3, ' two');
  const half = await api.post(doc('notes/b', '/updates'), Y.encodeStateAsUpdate(author, before));
  t.equal(half.status, 409);
  t.equal(half.body.code, 'update_incomplete');
  t.equal((await api.post(doc('notes/b', '/updates'), { not: 'bytes' })).status, 415);
  t.equal((await api.get(doc('notes/b', '/state?stateVector=%21%21'))).body.code, 'malformed_state_vector');
  t.equal((await api.get(doc('notes/b'))).status, 404);
});

void t.test('row 24: a restore merges with three live editors and one who was away', async (t) => {
  const name = 'notes/restore';
  const editors = Array.from({ length: 4 }, () => stockClient(server.ws, name));
  t.teardown(() => editors.forEach((editor) => editor.destroy()));
  await Promise.all(editors.map((editor) => editor.synced()));
  const [first, second, third, away] = editors as [
    (typeof editors)[0],
    (typeof editors)[0],
    (typeof editors)[0],
    (typeof editors)[0],
  ];
  const text = (editor: typeof first): Y.Text => editor.doc.getText('text');
  text(first).insert(0, 'The first draft.');
  first.doc.getMap('meta').set('status', 'draft');
  await first.saved();
  await until(() => editors.every((editor) => text(editor).toString() === 'The first draft.'));
  const taken = await api.post(doc(name, '/snapshots'), { label: 'draft' });
  t.equal(taken.status, 201, taken.text);

  away.disconnect();
  text(away).insert(0, 'OFFLINE ');
  text(second).delete(0, 10);
  second.doc.getMap('meta').set('status', 'broken');
  await second.saved();

  const dry = await api.post(doc(name, `/snapshots/${taken.body.id}/restore?dryRun=true`));
  t.equal(dry.status, 200, dry.text);
  t.ok(dry.body.changes.length >= 2, 'the dry run tells what would change');
  t.equal(text(third).toString(), 'draft.', 'and changes nothing');
  const done = await api.post(doc(name, `/snapshots/${taken.body.id}/restore`));
  t.equal(done.status, 200, done.text);
  t.same(done.body.changes, dry.body.changes);
  text(third).insert(text(third).length, ' And more.');
  await third.saved();
  away.provider.connect();
  await until(
    () => {
      const texts = new Set(editors.map((editor) => text(editor).toString()));
      const [only] = texts;
      return (
        texts.size === 1 &&
        only!.includes('The first draft.') &&
        only!.includes('And more.') &&
        only!.includes('OFFLINE')
      );
    },
    { what: () => editors.map((editor) => text(editor).toString()).join(' | ') },
  );
  t.equal(first.doc.getMap('meta').get('status'), 'draft');

  const list = await api.get(doc(name, '/snapshots'));
  t.same(
    list.body.data.map(({ kind }: { kind: string }) => kind),
    ['before-restore', 'manual'],
    'what was there is kept',
  );
  const content = await api.get(doc(name, `/snapshots/${done.body.before}`));
  t.match(content.body.content, { meta: { value: { status: 'broken' } } });
  const binary = new Y.Doc();
  Y.applyUpdate(
    binary,
    await api.bytes(doc(name, `/snapshots/${taken.body.id}`), { headers: { accept: 'application/octet-stream' } }),
  );
  t.equal(binary.getText('text').toString(), 'The first draft.');
  t.equal((await api.delete(doc(name, `/snapshots/${taken.body.id}`))).status, 204);
  t.equal((await api.get(doc(name, `/snapshots/${taken.body.id}`))).body.code, 'snapshot_not_found');
});

void t.test('a form is restored in the terms of its authors', async (t) => {
  await api.post('/forms', {
    id: 'again',
    title: { en: 'One' },
    pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text' }] }],
  });
  const taken = await api.post(doc('form/again', '/snapshots'));
  await api.patch('/forms/again', {
    operations: [
      { op: 'removeField', fieldId: 'f1' },
      { op: 'setTitle', target: 'form', language: 'en', value: 'Two' },
    ],
  });
  const diff = await api.get(doc('form/again', `/snapshots/${taken.body.id}/diff`));
  t.same(
    diff.body.changes.map(({ kind, target, property }: Record<string, string>) => [kind, target, property]),
    [
      ['changed', 'form', 'title.en'],
      ['removed', 'fields/f1', undefined],
    ],
  );
  await api.post(doc('form/again', `/snapshots/${taken.body.id}/restore`));
  const form = (await api.get('/forms/again')).body;
  t.equal(form.title.en, 'One');
  t.equal(form.pages[0].fields[0].id, 'f1');
  t.same((await api.get(doc('form/again', `/snapshots/${taken.body.id}`))).body.content, form);
  t.same((await api.get(doc('form/again', `/snapshots/${taken.body.id}/diff`))).body.changes, []);
});

void t.test('erasure answers with a receipt, and a late client cannot bring it back', async (t) => {
  const late = stockClient(server.ws, 'notes/secret');
  t.teardown(() => late.destroy());
  await late.synced();
  late.doc.getText('text').insert(0, 'a secret');
  await late.saved();
  await api.post(doc('notes/secret', '/snapshots'), { label: 'x' });
  late.disconnect();
  late.doc.getText('text').insert(0, 'more of ');
  const erased = await api.delete(doc('notes/secret'));
  t.equal(erased.status, 200, erased.text);
  t.match(erased.body, { document: 'notes/secret', updates: 1, snapshots: 1 });
  late.provider.connect();
  await until(() => late.closes.includes(4404));
  t.equal((await api.get(doc('notes/secret'))).status, 404);
  t.equal((await api.post(doc('notes/secret', '/updates'), Y.encodeStateAsUpdate(late.doc))).status, 404);
});

void t.test('connections are listed and closed; what administrators do is in the audit log', async (t) => {
  const client = stockClient(server.ws, 'notes/watched', { params: { user: 'ada' } });
  t.teardown(() => client.destroy());
  await client.synced();
  const list = await api.get('/connections?document=notes%2Fwatched');
  t.match(list.body.data, [
    { document: 'notes/watched', user: { id: 'ada' }, role: 'admin', pool: 'default', lagBytes: 0 },
  ]);
  t.equal((await api.delete(`/connections/${list.body.data[0].id}`)).status, 204);
  await until(() => client.closes.includes(1012));
  t.equal((await api.delete('/connections/nobody')).body.code, 'connection_not_found');
  const audit = await api.get('/audit?limit=1');
  t.match(audit.body.data, [{ action: 'connection.closed', user: { id: 'anonymous' } }]);
  t.equal(audit.status, 200);
});
