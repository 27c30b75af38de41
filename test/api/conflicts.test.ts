import t, { type Test } from 'tap';
import * as Y from 'yjs';
import { pino } from 'pino';
import { openForm, type Refusal } from '../../client/index.js';
import { needsSettling, openConflicts, SCHEMA_VERSION } from '../../crdt/index.js';
import { openEmbeddedStorage } from '../../server/storage/index.js';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { sdk, synced } from '../client/sdk-client.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { readStream } from '../harness/feed-reader.js';
import { temporaryFolder } from '../harness/server-process.js';
import { stockClient, type StockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-administrator-token-of-32-bytes!!';
const SECRET = 'a-secret-of-at-least-32-characters!!';
const dataDir = await temporaryFolder();
await storeLaterForm(dataDir);
const server = await composeServer({
  dataDir,
  env: { AUTH: 'jwt', JWT_SECRET: SECRET, ADMIN_TOKEN: ADMIN },
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);

/** As a node of a later version leaves it in the log. */
async function storeLaterForm(folder: string): Promise<void> {
  const doc = new Y.Doc();
  doc.getMap('meta').set('schemaVersion', SCHEMA_VERSION + 1);
  doc.getMap('meta').set('novelty', new Y.Array());
  doc.getMap('fields').set('f1', new Y.Map([['type', 'hologram']]));
  const storage = await openEmbeddedStorage({ folder, node: 'later', logger: pino({ level: 'silent' }) });
  const attribution = { principal: 'later', at: Date.now(), source: 'rest' } as const;
  await storage.documents.append('form/later', [{ update: Y.encodeStateAsUpdate(doc), attribution }]);
  await storage.close();
}

const tokenFor = async (sub: string, role: string, more: object = {}): Promise<string> => {
  const grants = [{ document: 'form/*', role, ...more }];
  return (await admin.post('/tokens', { sub, name: sub, grants, ttlSeconds: 600 })).body.token as string;
};
const clientFor = async (sub: string, role: string, more: object = {}): Promise<RestClient> =>
  restClient(server.http, await tokenFor(sub, role, more));

const PAGES = [
  {
    id: 'p1',
    fields: [
      { id: 'f1', type: 'choices', title: { en: 'Kind' }, options: [{ id: 'o1', label: { en: 'New' } }] },
      { id: 'f2', type: 'text', title: { en: 'Name', fr: 'Nom' } },
    ],
  },
];
const newForm = async (id: string, policy?: object): Promise<void> => {
  await admin.post('/forms', { id, title: { en: id }, languages: ['en', 'fr'], pages: PAGES });
  if (policy !== undefined) t.equal((await admin.put(`/forms/${id}/policy`, policy)).status, 200);
};
const fieldOf = (doc: Y.Doc, id = 'f2'): Y.Map<unknown> => doc.getMap('fields').get(id) as Y.Map<unknown>;

/** Stock clients of ada and bob, who both write while they are offline, and come back. */
async function editOffline(t: Test, form: string, edits: readonly ((doc: Y.Doc) => void)[]): Promise<StockClient[]> {
  const editors = await Promise.all(
    ['ada', 'bob'].map(async (sub) =>
      stockClient(server.ws, `form/${form}`, { params: { token: await tokenFor(sub, 'editor') } }),
    ),
  );
  t.teardown(() => editors.forEach((editor) => editor.destroy()));
  await Promise.all(editors.map((editor) => editor.synced()));
  for (const editor of editors) editor.disconnect();
  edits.forEach((edit, i) => edit(editors[i]!.doc));
  for (const editor of editors) editor.provider.connect();
  await Promise.all(editors.map((editor) => editor.saved()));
  return editors;
}

void t.test('two offline stock clients write one property: a conflict, until somebody decides', async (t) => {
  await newForm('manual', { default: 'last-writer-wins', fields: { f2: { required: 'manual' } } });
  const events = await readStream(server.http, '?types=conflict.*&formId=manual', { authorization: `Bearer ${ADMIN}` });
  t.teardown(() => events.close());
  const editors = await editOffline(t, 'manual', [
    (doc) => fieldOf(doc).set('required', true),
    (doc) => fieldOf(doc).set('required', false),
  ]);
  const listed = await admin.get('/forms/manual/conflicts');
  t.match(listed.body, { data: [{ id: 'f2.required', fieldId: 'f2', property: 'required' }], nextCursor: null });
  const { candidates, current } = listed.body.data[0];
  t.same(candidates.map(({ value, author }: { value: boolean; author: object }) => ({ value, author })).sort(byValue), [
    { value: false, author: { id: 'bob', name: 'bob' } },
    { value: true, author: { id: 'ada', name: 'ada' } },
  ]);
  t.ok(candidates.every(({ at }: { at: string }) => Date.parse(at) > 0));
  t.type(current, 'boolean');
  for (const { doc } of editors) await until(() => openConflicts(doc).length === 1, { what: 'every client sees it' });
  await until(() => events.types().includes('conflict.opened'));

  const path = '/forms/manual/conflicts/f2.required/resolution';
  const chosen = candidates.find(({ value }: { value: boolean }) => value);
  const editor = await clientFor('eve', 'editor');
  t.equal((await editor.post(path, { choose: 'nobody' })).body.code, 'candidate_not_found');
  t.equal((await editor.post(path, { value: 7 })).body.code, 'validation_failed');
  t.equal((await editor.post(path, {})).status, 422);
  const stale = await editor.post(path, { choose: chosen.id }, { headers: { 'if-match': '"another"' } });
  t.same([stale.status, stale.body.code], [412, 'stale']);
  const etag = listed.headers.get('etag')!;
  const resolved = await editor.post(path, { choose: chosen.id }, { headers: { 'if-match': etag } });
  t.same([resolved.status, resolved.body.data], [200, []], resolved.text);
  t.equal((await editor.post(path, { choose: chosen.id })).body.code, 'conflict_not_found');
  t.equal((await admin.get('/forms/manual')).body.pages[0].fields[1].required, true);
  for (const { doc } of editors) {
    await until(() => openConflicts(doc).length === 0 && fieldOf(doc).get('required') === true);
  }
  await until(() => events.types().includes('conflict.resolved'));
  t.same(events.types(), ['conflict.opened', 'conflict.resolved'], 'each is told once');
  t.match(events.events[0], { formId: 'manual', data: { conflictId: 'f2.required', candidates: 2 } });
});

const byValue = (a: { value: unknown }, b: { value: unknown }): number => (String(a.value) < String(b.value) ? -1 : 1);

void t.test('a stock client that has seen the candidates closes the conflict by writing the property', async (t) => {
  await newForm('written', { default: 'manual' });
  const [ada, bob] = await editOffline(t, 'written', [
    (doc) => fieldOf(doc).set('defaultValue', 'from ada'),
    (doc) => fieldOf(doc).set('defaultValue', 'from bob'),
  ]);
  await until(() => openConflicts(ada!.doc).length === 1 && openConflicts(bob!.doc).length === 1);
  fieldOf(ada!.doc).set('defaultValue', 'settled');
  await ada!.saved();
  t.same((await admin.get('/forms/written/conflicts')).body.data, []);
  await until(() => fieldOf(bob!.doc).get('defaultValue') === 'settled');
  // And so does PATCH.
  const [carl, dora] = await editOffline(t, 'written', [
    (doc) => fieldOf(doc).set('defaultValue', 'one'),
    (doc) => fieldOf(doc).set('defaultValue', 'two'),
  ]);
  await until(() => openConflicts(carl!.doc).length === 1 && openConflicts(dora!.doc).length === 1);
  const operations = [{ op: 'setProperty', target: 'fields/f2', path: 'defaultValue', value: 'patched' }];
  t.equal((await admin.patch('/forms/written', { operations })).status, 200);
  t.same((await admin.get('/forms/written/conflicts')).body.data, []);
});

void t.test('a PATCH that names the property decides, also for what stands already', async (t) => {
  const form = 'decided';
  await newForm(form, { default: 'manual', fields: {} });
  const title = (value: string) => (doc: Y.Doc) => {
    fieldOf(doc).set('required', value === 'ada');
    (fieldOf(doc).get('title') as Y.Map<Y.Text>).set('en', new Y.Text(value));
  };
  await editOffline(t, form, [title('ada'), title('bob')]);
  const open = async (): Promise<string[]> =>
    ((await admin.get(`/forms/${form}/conflicts`)).body.data as { id: string }[]).map(({ id }) => id);
  t.same(await open(), ['f2.required', 'f2.title.en']);
  const standing = (await admin.get(`/forms/${form}`)).body.pages[0].fields[1];
  const setRequired = { op: 'setProperty', target: 'fields/f2', path: 'required', value: standing.required };
  const setTitle = { op: 'setTitle', target: 'fields/f2', language: 'en', value: standing.title.en };
  const limited = await clientFor('lim', 'editor', { paths: ['fields/f1'] });
  const refused = await limited.patch(`/forms/${form}`, { operations: [setRequired] });
  t.match([refused.status, refused.body.code], [403, 'out_of_scope']);
  const elsewhere = { op: 'setTitle', target: 'fields/f1', language: 'en', value: 'Sort' };
  t.equal((await admin.patch(`/forms/${form}`, { operations: [elsewhere] })).status, 200);
  t.same(await open(), ['f2.required', 'f2.title.en'], 'others leave it open');
  t.equal((await admin.patch(`/forms/${form}`, { operations: [setRequired] })).status, 200);
  t.same(await open(), ['f2.title.en']);
  t.equal((await admin.patch(`/forms/${form}`, { operations: [setTitle] })).status, 200);
  t.same(await open(), []);
  t.match((await admin.get(`/forms/${form}`)).body.pages[0].fields[1], standing);
});

void t.test('two texts in one language: both are kept, and the one that stands goes on', async (t) => {
  await newForm('texts', { default: 'last-writer-wins', fields: { f2: { title: 'manual' } } });
  const write = (text: string) => (doc: Y.Doc) =>
    (fieldOf(doc).get('title') as Y.Map<unknown>).set('de', new Y.Text(text));
  const [ada] = await editOffline(t, 'texts', [write('Name'), write('Vorname')]);
  await until(() => openConflicts(ada!.doc).length === 1);
  const standing = (fieldOf(ada!.doc).get('title') as Y.Map<Y.Text>).get('de')!;
  standing.insert(standing.length, ', bitte');
  await ada!.saved();
  const [conflict] = (await admin.get('/forms/texts/conflicts')).body.data;
  t.equal(conflict.id, 'f2.title.de');
  const values = conflict.candidates.map(({ value }: { value: string }) => value).sort();
  t.same(new Set(values), new Set(values.includes('Name') ? ['Name', 'Vorname, bitte'] : ['Name, bitte', 'Vorname']));
  const lost = conflict.candidates.find(({ value }: { value: string }) => !value.endsWith('bitte'));
  const left = await admin.post('/forms/texts/conflicts/f2.title.de/resolution', { choose: lost.id });
  t.same(left.body.data, []);
  await until(() => String((fieldOf(ada!.doc).get('title') as Y.Map<Y.Text>).get('de')) === lost.value);
});

void t.test('merge: lists become their union; by default the last writer wins and nothing is kept', async (t) => {
  const lists = [
    (doc: Y.Doc) => fieldOf(doc, 'f1').set('defaultValue', ['o1', 'o2']),
    (doc: Y.Doc) => fieldOf(doc, 'f1').set('defaultValue', ['o1', 'o3']),
  ];
  await newForm('merged', { default: 'merge' });
  await editOffline(t, 'merged', lists);
  const merged = (await admin.get('/forms/merged')).body.pages[0].fields[0].defaultValue as string[];
  t.same([...merged].sort(), ['o1', 'o2', 'o3']);
  await newForm('plain');
  await editOffline(t, 'plain', lists);
  t.equal((await admin.get('/forms/plain')).body.pages[0].fields[0].defaultValue.length, 2);
  for (const form of ['merged', 'plain']) t.same((await admin.get(`/forms/${form}/conflicts`)).body.data, []);
});

void t.test('the policy is in the document, and the owner alone changes it, by whichever way', async (t) => {
  await newForm('policy');
  const owner = await clientFor('olga', 'owner');
  const editor = await clientFor('ed', 'editor');
  const before = await owner.get('/forms/policy/policy');
  t.same(before.body, { default: 'last-writer-wins', fields: {} });
  const wanted = { default: 'merge', fields: { f1: { 'validation.min': 'manual' } } };
  t.equal((await editor.put('/forms/policy/policy', wanted)).body.code, 'forbidden');
  t.equal((await restClient(server.http).put('/forms/policy/policy', wanted)).status, 401);
  t.equal((await owner.put('/forms/gone/policy', wanted)).body.code, 'form_not_found');
  for (const wrong of [
    { default: 'random' },
    { fields: { f1: { required: 'x' } } },
    { fields: { 'a b': {} } },
    { more: 1 },
  ]) {
    t.equal((await owner.put('/forms/policy/policy', wrong)).status, 422, JSON.stringify(wrong));
  }
  const put = await owner.put('/forms/policy/policy', wanted, { headers: { 'if-match': before.headers.get('etag')! } });
  t.same([put.status, put.body], [200, wanted]);
  const again = await owner.put('/forms/policy/policy', {}, { headers: { 'if-match': before.headers.get('etag')! } });
  t.equal(again.status, 412);
  const [ada] = await editOffline(t, 'policy', [
    (doc) => doc.getMap('meta').set('policy', { default: 'manual', fields: {} }),
  ]);
  await until(() => JSON.stringify(ada!.doc.getMap('meta').get('policy')) === JSON.stringify(wanted), {
    what: 'undone',
  });
  t.same((await editor.get('/forms/policy/policy')).body, wanted);
});

void t.test('wrong questions about conflicts have defined answers', async (t) => {
  await newForm('wrong', { default: 'manual' });
  const viewer = await clientFor('vera', 'viewer');
  const limited = await clientFor('li', 'editor', { paths: ['fields/f1'] });
  const stranger = restClient(server.http, await tokenFor('sam', 'respondent'));
  t.equal((await restClient(server.http).get('/forms/wrong/conflicts')).status, 401);
  t.equal((await viewer.get('/forms/wrong/conflicts')).status, 200);
  t.equal((await viewer.get('/forms/missing/conflicts')).body.code, 'form_not_found');
  const resolution = '/forms/wrong/conflicts/f2.required/resolution';
  t.equal((await viewer.post(resolution, { value: true })).status, 403);
  t.equal((await limited.post(resolution, { value: true })).body.code, 'conflict_not_found');
  t.equal((await stranger.post('/forms/missing/conflicts/x/resolution', { value: 1 })).status, 403);
  await editOffline(t, 'wrong', [
    (doc) => fieldOf(doc).set('required', true),
    (doc) => fieldOf(doc).set('required', false),
  ]);
  t.equal((await limited.post(resolution, { value: true })).body.code, 'out_of_scope');
  for (const wrong of [null, [], { choose: 1 }, { choose: 'x', value: 1 }, { choose: '' }]) {
    const answer = await admin.post(resolution, wrong);
    t.ok(answer.status === 422 || answer.status === 400, `${JSON.stringify(wrong)} ${answer.status}`);
  }
  t.equal((await admin.get('/forms/wrong/conflicts')).body.data.length, 1, 'still open');
});

void t.test('a locked field is for its holder alone, over REST and sync, until the lock ends', async (t) => {
  await newForm('locks');
  const lock = '/forms/locks/fields/f2/lock';
  const [ada, bob, owner, viewer] = await Promise.all([
    clientFor('ada', 'editor'),
    clientFor('bob', 'editor'),
    clientFor('olga', 'owner'),
    clientFor('vera', 'viewer'),
  ]);
  t.equal((await restClient(server.http).put(lock, {})).status, 401);
  t.equal((await viewer.put(lock, {})).status, 403);
  t.equal((await ada.put('/forms/locks/fields/none/lock', {})).body.code, 'field_not_found');
  for (const wrong of [{ seconds: 0 }, { seconds: 3_601 }, { seconds: 'x' }, { other: 1 }]) {
    t.equal((await ada.put(lock, wrong)).status, 422, JSON.stringify(wrong));
  }
  const taken = await ada.put(lock, undefined);
  t.match(taken.body, { fieldId: 'f2', holder: { id: 'ada', name: 'ada' } });
  const renewed = await ada.put(lock, { seconds: 3_600 });
  t.equal(renewed.body.since, taken.body.since);
  t.ok(renewed.body.expiresAt > taken.body.expiresAt);
  t.same([(await bob.put(lock, {})).status, (await bob.put(lock, {})).body.code], [409, 'field_locked']);
  t.equal((await bob.delete(lock)).status, 403);

  const set = { operations: [{ op: 'setProperty', target: 'fields/f2', path: 'required', value: true }] };
  const refused = await bob.patch('/forms/locks', set);
  t.same([refused.status, refused.body.code, refused.body.errors[0].path], [409, 'field_locked', 'fields/f2.required']);
  const removal = await owner.patch('/forms/locks', { operations: [{ op: 'removeField', fieldId: 'f2' }] });
  t.equal(removal.body.code, 'field_locked');
  t.equal((await ada.patch('/forms/locks', set)).status, 200);
  const other = { operations: [{ op: 'setProperty', target: 'fields/f1', path: 'required', value: true }] };
  t.equal((await bob.patch('/forms/locks', other)).status, 200);

  const [, editor] = await editOffline(t, 'locks', [
    () => undefined,
    (doc) => {
      fieldOf(doc).set('required', false);
      (fieldOf(doc).get('title') as Y.Map<Y.Text>).get('en')!.insert(0, 'My ');
      doc.getMap('locks').delete('f2');
    },
  ]);
  const title = (): string => String((fieldOf(editor!.doc).get('title') as Y.Map<Y.Text>).get('en'));
  await until(() => fieldOf(editor!.doc).get('required') === true && title() === 'Name', { what: 'undone' });
  t.match(editor!.doc.getMap('locks').toJSON(), { f2: { holder: { id: 'ada' } } }, 'clients see it and cannot take it');

  t.equal((await owner.delete(lock)).status, 204);
  t.equal((await owner.delete(lock)).status, 204, 'again');
  t.equal((await bob.patch('/forms/locks', set)).status, 200);
  t.equal((await ada.put(lock, { seconds: 1 })).status, 200);
  await until(async () => (await bob.put(lock, { seconds: 1 })).status === 200, { what: 'it ends by itself' });
});

void t.test('the endpoints of conflicts, policies and locks describe themselves', async (t) => {
  const { paths } = (await admin.get('/openapi.json')).body;
  const described = [
    ['get', '/conflicts'],
    ['post', '/conflicts/{conflictId}/resolution'],
    ['get', '/policy'],
    ['put', '/policy'],
    ['put', '/fields/{fieldId}/lock'],
    ['delete', '/fields/{fieldId}/lock'],
  ] as const;
  for (const [method, path] of described) {
    const operation = paths[`/api/v1/forms/{formId}${path}`]?.[method];
    t.ok(operation?.summary, `${method} ${path}`);
    if (method === 'put' || method === 'post') t.ok(operation.requestBody, `${method} ${path} says what it takes`);
  }
});

void t.test('whoever edits a locked field with our client is told who has it', async (t) => {
  await newForm('told');
  const ada = await clientFor('ada', 'editor');
  t.equal((await ada.put('/forms/told/fields/f2/lock', {})).status, 200);
  const form = openForm(sdk(t, server.http, { token: await tokenFor('bob', 'editor') }), 'told');
  await synced(form.connection);
  const undone: Refusal[] = [];
  form.connection.on('undone', (refusals) => undone.push(...refusals));
  form.apply({ op: 'setProperty', target: 'fields/f2', path: 'required', value: true });
  await until(() => undone.length > 0);
  t.match(undone, [{ target: 'fields/f2', property: 'required', code: 'locked', message: /locked by ada until 20/ }]);
  await until(() => form.form.pages[0]?.fields[1]?.required === false, { what: 'it is undone here too' });
});

void t.test('row 32: a form of a later version is read, never written and never repaired', async (t) => {
  const reader = stockClient(server.ws, 'form/later', { params: { token: ADMIN } });
  t.teardown(() => reader.destroy());
  await reader.synced();
  const before = await admin.bytes('/documents/form%2Flater/state');
  t.equal(reader.doc.getMap('meta').get('schemaVersion'), SCHEMA_VERSION + 1, 'old clients read it');
  const read = await admin.get('/forms/later');
  t.same([read.status, read.body.pages[0].fields[0].type], [200, 'text'], 'as far as it can be shown here');
  reader.doc.getMap('meta').set('languages', ['fr']);
  const title = [{ op: 'setTitle', target: 'form', language: 'en', value: 'Old' }];
  for (const answer of [
    await admin.patch('/forms/later', { operations: title }),
    await admin.put('/forms/later', { id: 'later', pages: PAGES }),
    await admin.put('/forms/later/policy', { default: 'manual' }),
    await admin.put('/forms/later/fields/f1/lock', {}),
    await admin.post('/documents/form%2Flater/updates', Y.encodeStateAsUpdate(reader.doc)),
  ]) {
    t.same([answer.status, answer.body.code], [409, 'schema_newer'], answer.text);
  }
  t.equal(reader.isSaved(), false, 'what an old client writes is never confirmed');
  t.same(await admin.bytes('/documents/form%2Flater/state'), before, 'not a byte has changed');
});

void t.test('two nodes that each heard one of two writes come to the same conflict, told once', async (t) => {
  const redis = await RedisTestServer.start();
  const compose = (): Promise<ComposedServer> =>
    composeServer({ env: { AUTH: 'jwt', JWT_SECRET: SECRET, ADMIN_TOKEN: ADMIN, REDIS_URL: redis.url } });
  const nodes = [await compose(), await compose()];
  const clients = nodes.map((node) =>
    stockClient(node.ws, 'form/shared', { connect: false, params: { token: ADMIN } }),
  );
  t.teardown(async () => {
    for (const client of clients) client.destroy();
    for (const node of nodes) await node.cleanup();
    await redis.stop();
  });
  const [one, other] = nodes.map((node) => restClient(node.http, ADMIN)) as [RestClient, RestClient];
  await one.post('/forms', { id: 'shared', pages: PAGES });
  await one.put('/forms/shared/policy', { default: 'manual' });
  const events = await readStream(nodes[1]!.http, '?types=conflict.*', { authorization: `Bearer ${ADMIN}` });
  t.teardown(() => events.close());
  for (const client of clients) client.provider.connect();
  await Promise.all(clients.map((client) => client.synced()));
  for (const client of clients) client.disconnect();
  clients.forEach(({ doc }, i) => fieldOf(doc).set('defaultValue', `from ${i}`));
  for (const client of clients) client.provider.connect();
  await Promise.all(clients.map((client) => client.saved()));
  for (const api of [one, other]) {
    await until(async () => (await api.get('/forms/shared/conflicts')).body.data.length === 1);
  }
  const seen = await Promise.all([one, other].map(async (api) => (await api.get('/forms/shared/conflicts')).body));
  t.same(seen[0].data[0].candidates, seen[1].data[0].candidates);
  await until(() => events.types().includes('conflict.opened'));
  await until(() => clients.every(({ doc }) => openConflicts(doc).length === 1));
  // Whoever overwrites what stands now has seen both: the nodes have said so in the document.
  await until(() => {
    const [first, second] = clients.map(({ doc }) => Y.encodeStateVector(doc).join());
    return first === second && !needsSettling(clients[0]!.doc);
  });
  fieldOf(clients[0]!.doc).set('defaultValue', 'decided');
  for (const api of [one, other]) {
    await until(async () => (await api.get('/forms/shared/conflicts')).body.data.length === 0);
  }
  await until(() => events.types().includes('conflict.resolved'));
  t.same(events.types(), ['conflict.opened', 'conflict.resolved']);
});
