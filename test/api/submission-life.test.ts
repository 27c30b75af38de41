/** Submissions that are left, taken up again, moved to another version, and erased as the document that they are. */
import t from 'tap';
import { readAnswers, readSheetMeta } from '../../crdt/submission/index.js';
import { composeServer } from '../harness/composed-server.js';
import { readStream } from '../harness/feed-reader.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-administrators-token-for-tests';
const server = await composeServer({
  env: {
    AUTH: 'jwt',
    JWT_SECRET: 'a-secret-that-signs-tokens-in-tests!',
    ADMIN_TOKEN: ADMIN,
    TRUSTED_PROXIES: '127.0.0.1',
  },
  abandonmentEveryMs: 50,
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);

let formCount = 0;
const NAME = { id: 'name', type: 'text', required: true };
async function published(settings: object = {}, fields: readonly object[] = [NAME]): Promise<string> {
  const id = `form${(formCount += 1)}`;
  t.equal((await admin.post('/forms', { id, settings, pages: [{ id: 'p1', fields }] })).status, 201);
  t.equal((await admin.post(`/forms/${id}/publish`)).status, 201);
  return id;
}

interface Sheet {
  readonly id: string;
  readonly path: string;
  readonly document: string;
  readonly token: string;
  readonly resumeToken: string;
  readonly me: RestClient;
}

async function started(formId: string, answers: object = {}): Promise<Sheet> {
  const grants = [{ document: `form/${formId}`, role: 'respondent' }];
  const { token } = (await admin.post('/tokens', { sub: 'rita', grants })).body as { token: string };
  const answer = await restClient(server.http, token).post(`/forms/${formId}/submissions`, { answers });
  t.equal(answer.status, 201, answer.text);
  const sheet = answer.body as Omit<Sheet, 'path' | 'me'>;
  return { ...sheet, path: `/forms/${formId}/submissions/${sheet.id}`, me: restClient(server.http, sheet.token) };
}

const statusOf = async (path: string): Promise<string> => (await admin.get(path)).body.status as string;
const becomes = (path: string, status: string): Promise<unknown> =>
  until(async () => (await statusOf(path)) === status, { what: () => `${path} is ${status}` });

void t.test('a sheet that nobody touches is abandoned, told of, and goes on by any door', async (t) => {
  const form = await published({ abandonAfterSeconds: 1 });
  const feed = await readStream(server.http, `?formId=${form}&types=submission.*`, {
    authorization: `Bearer ${ADMIN}`,
  });
  t.teardown(() => feed.close());
  const { path, resumeToken, me, document, token } = await started(form, { name: 'Ada' });
  await becomes(path, 'abandoned');
  await until(() => feed.events.some(({ type }) => type === 'submission.abandoned'));
  t.match((await me.get(path)).body, {
    answers: { name: 'Ada' },
    submittedAt: null,
    timeline: [{ status: 'in_progress' }, { status: 'abandoned', by: { id: 'system' } }],
  });
  const listed = await admin.get(`/forms/${form}/submissions?status=abandoned`);
  t.equal(listed.body.data.length, 1);

  const resumed = await admin.post('/submissions/resume', { resumeToken });
  t.equal(resumed.status, 200, resumed.text);
  t.equal(resumed.body.status, 'in_progress');
  await becomes(path, 'abandoned');
  t.equal((await me.patch(`${path}/answers`, { answers: { name: 'Eve' } })).status, 200);
  t.equal(await statusOf(path), 'in_progress', 'an answer over REST');
  await becomes(path, 'abandoned');

  const peer = stockClient(server.ws, document, { params: { token } });
  t.teardown(() => peer.destroy());
  await peer.synced();
  t.equal(readSheetMeta(peer.doc).status, 'abandoned');
  peer.doc.getMap('answers').set('name', 'Bob');
  await until(() => readSheetMeta(peer.doc).status === 'in_progress', { what: () => 'a stock client takes it up' });
  t.equal((await me.get(path)).body.answers.name, 'Bob', 'its edit stands');
  await becomes(path, 'abandoned');
  const submitted = await me.post(`${path}/submit`);
  t.equal(submitted.status, 200, submitted.text);
  t.equal(submitted.body.status, 'submitted');
  await until(() => feed.events.some(({ type }) => type === 'submission.submitted'));
  const told = feed.events.map(({ type }) => type).filter((type) => type !== 'submission.progress');
  t.same(told, [
    'submission.started',
    ...Array.from({ length: 4 }, () => ['submission.abandoned', 'submission.resumed']).flat(),
    'submission.submitted',
  ]);
});

void t.test('where the form says so, what was abandoned stays so; 0 means never', async (t) => {
  const [final, never] = [
    await published({ abandonAfterSeconds: 1, resumeAbandoned: false }),
    await published({ abandonAfterSeconds: 0 }),
  ];
  const [lost, kept] = [await started(final, { name: 'Ada' }), await started(never)];
  await becomes(lost.path, 'abandoned');
  const peer = stockClient(server.ws, lost.document, { params: { token: lost.token } });
  t.teardown(() => peer.destroy());
  await peer.synced();
  peer.doc.getMap('answers').set('name', 'Eve');
  await until(() => readAnswers(peer.doc)['name'] === 'Ada', { what: () => 'the edit is undone' });
  for (const answer of [
    await lost.me.patch(`${lost.path}/answers`, { answers: { name: 'Eve' } }),
    await lost.me.post(`${lost.path}/submit`),
    await lost.me.post(`${lost.path}/migration`),
    await admin.post('/submissions/resume', { resumeToken: lost.resumeToken }),
  ]) {
    t.match([answer.status, answer.body.code], [409, 'submission_closed']);
  }
  t.equal(await statusOf(kept.path), 'in_progress');
  for (const [form, abandoned] of [
    [final, 1],
    [never, 0],
  ] as const) {
    const figures = async (): Promise<object> => (await admin.get(`/analytics/forms/${form}`)).body as object;
    await until(async () => JSON.stringify(await figures()).includes(`"abandoned":${abandoned},`), {
      what: 'analytics count what the life cycle says',
    });
  }
});

void t.test('a sheet moves to a newer version, live, and nothing that was answered is lost', async (t) => {
  const colours = ['red', 'blue'].map((id) => ({ id, label: { en: id } }));
  const fields = [NAME, { id: 'age', type: 'text' }, { id: 'tags', type: 'choices', options: colours }, { id: 'old', type: 'text' }]; // prettier-ignore
  const form = await published({}, fields);
  const { path, document, token, me } = await started(form, {
    name: 'Ada',
    age: '42',
    tags: ['red', 'blue'],
    old: 'x',
  });
  t.equal((await me.get(path)).body.offer, null);
  t.equal((await me.get(`${path}/migration`)).status, 422, 'there is nothing newer');
  const peer = stockClient(server.ws, document, { params: { token } });
  t.teardown(() => peer.destroy());
  await peer.synced();
  const shownOffer = (): unknown =>
    [...peer.provider.awareness.getStates().values()].find((state) => state['server'] === true)?.['offer'];

  const next = [NAME, { id: 'age', type: 'number' }, { id: 'tags', type: 'choices', options: colours.slice(0, 1) }, { id: 'new', type: 'text', required: true }]; // prettier-ignore
  await admin.put(`/forms/${form}`, { pages: [{ id: 'p1', fields: next }] });
  t.equal((await admin.post(`/forms/${form}/publish`)).body.version, 2);
  await until(() => (shownOffer() as { version?: number } | null)?.version === 2, { what: () => 'the offer is live' });
  const before = await me.get(path);
  t.match(before.body, { version: 1, offer: { version: 2 } });

  const outcomes = [
    { field: 'age', outcome: 'converted', before: '42', after: 42 },
    { field: 'name', outcome: 'kept', before: 'Ada' },
    { field: 'old', outcome: 'dropped', before: 'x' },
    { field: 'tags', outcome: 'converted', after: ['red'] },
  ];
  const preview = await me.get(`${path}/migration`);
  t.match(preview.body, { from: 1, to: 2, answers: outcomes, impact: [{ severity: 'loss' }] }, preview.text);
  t.match((await me.post(`${path}/migration?dryRun=true`)).body, { dryRun: true, answers: outcomes, submission: null });
  t.equal((await me.get(path)).headers.get('etag'), before.headers.get('etag'), 'nothing has changed yet');
  t.equal((await me.post(`${path}/migration`, {}, { headers: { 'if-match': '"x"' } })).status, 412);
  t.equal((await me.post(`${path}/migration`, { version: 9 })).status, 404);
  t.equal((await me.post(`${path}/migration`, { version: 1 })).status, 422);
  t.equal((await restClient(server.http).post(`${path}/migration`)).status, 401);

  const moved = await me.post(`${path}/migration`, {}, { headers: { 'idempotency-key': 'move' } });
  t.equal(moved.status, 200, moved.text);
  const again = await me.post(`${path}/migration`, {}, { headers: { 'idempotency-key': 'move' } });
  t.same(again.body, moved.body);
  t.match(moved.body.submission, {
    version: 2,
    offer: null,
    answers: { name: 'Ada', age: 42, tags: ['red'] },
    progress: { percent: 50, required: 2 },
    migrations: [{ from: 1, to: 2, by: { id: 'rita' }, dropped: { age: '42', old: 'x', tags: ['red', 'blue'] } }],
  });
  await until(() => readSheetMeta(peer.doc).version === 2);
  t.same(readAnswers(peer.doc), { name: 'Ada', age: 42, tags: ['red'] });
  t.equal((await me.post(`${path}/submit`)).status, 422, 'the new version asks for more');
  await me.patch(`${path}/answers`, { answers: { new: 'yes' } });
  t.equal((await me.post(`${path}/submit`)).body.version, 2);
  t.equal((await me.post(`${path}/migration`)).body.code, 'submission_closed');
});

void t.test('all open sheets move to a newer version at once, after a count of what that does', async (t) => {
  const form = await published({}, [NAME, { id: 'age', type: 'text' }, { id: 'old', type: 'text' }]);
  const [kept, changed, done] = [
    await started(form, { name: 'Ada' }),
    await started(form, { name: 'Bob', age: '42', old: 'x' }),
    await started(form, { name: 'Cleo' }),
  ];
  t.equal((await done.me.post(`${done.path}/submit`)).status, 200);
  await admin.put(`/forms/${form}`, { pages: [{ id: 'p1', fields: [NAME, { id: 'age', type: 'number' }] }] });
  const path = `/forms/${form}/submissions/migration`;
  t.equal((await admin.post(path, { from: 1 })).status, 422, 'there is nothing newer');
  t.equal((await admin.post(`/forms/${form}/publish`)).body.version, 2);
  t.equal((await admin.post(path, { to: 9 })).body.code, 'version_not_found');
  const own = { sub: 'olga', grants: [{ document: `form/${form}*`, role: 'owner' }] };
  const owner = restClient(server.http, (await admin.post('/tokens', own)).body.token as string);
  t.equal((await kept.me.post(path)).status, 403, 'not for who fills a sheet');

  const resultOf = async (answer: { status: number; body: { id: string }; text: string }): Promise<unknown> => {
    t.equal(answer.status, 202, answer.text);
    const read = (): Promise<{ body: { state: string; result: unknown } }> =>
      owner.get(`/operations/${answer.body.id}`);
    await until(async () => (await read()).body.state === 'done', { what: 'whoever began it follows it' });
    t.equal((await kept.me.get(`/operations/${answer.body.id}`)).status, 403);
    return (await read()).body.result;
  };
  const counts = { to: 2, sheets: 2, moved: 2, changed: 1, skipped: 0, failed: 0 };
  const answers = { kept: 2, converted: 1, dropped: 1 };
  t.match(await resultOf(await owner.post(`${path}?dryRun=true`)), { dryRun: true, ...counts, answers });
  t.equal((await admin.get(changed.path)).body.version, 1, 'a count changes nothing');
  const peer = stockClient(server.ws, changed.document, { params: { token: changed.token } });
  t.teardown(() => peer.destroy());
  await peer.synced();
  t.match(await resultOf(await owner.post(path, { from: 1, to: 2 })), { dryRun: false, ...counts, answers });
  await until(() => readSheetMeta(peer.doc).version === 2, { what: 'whoever fills it sees it move' });
  t.same(readAnswers(peer.doc), { name: 'Bob', age: 42 });
  const migrations = [{ by: { id: 'olga' }, dropped: { age: '42', old: 'x' } }];
  t.match((await admin.get(changed.path)).body, { version: 2, migrations });
  t.equal((await admin.get(done.path)).body.version, 1, 'what was handed in stays');
  t.match(await resultOf(await owner.post(path)), { sheets: 0, moved: 0 });
});

void t.test('where somebody is, as a trusted proxy says, is kept when the form allows it', async (t) => {
  const locationOf = async (settings: object, headers: Record<string, string>): Promise<unknown> => {
    const form = await published(settings);
    const { body } = await admin.post(`/forms/${form}/submissions`, {}, { headers });
    return (await admin.get(`/forms/${form}/submissions/${(body as { id: string }).id}`)).body.device?.location;
  };
  t.equal(await locationOf({ collectDevice: true }, { 'cf-ipcountry': 'FR' }), 'FR');
  t.equal(await locationOf({ collectDevice: true }, { 'cf-ipcountry': 'XX', 'x-country-code': 'CH' }), 'CH');
  t.equal(await locationOf({ collectDevice: true }, { 'cf-ipcountry': '48.85, 2.35' }), null, 'no coordinates');
  t.equal(await locationOf({ collectDevice: true, collectLocation: false }, { 'cf-ipcountry': 'FR' }), null);
  t.equal(await locationOf({}, { 'cf-ipcountry': 'FR' }), undefined, 'no device data at all');
  const open = await composeServer();
  t.teardown(() => open.cleanup());
  const client = restClient(open.http);
  await client.post('/forms', { id: 'f', settings: { collectDevice: true }, pages: [{ id: 'p' }] });
  await client.post('/forms/f/publish');
  await client.post('/forms/f/submissions', {}, { headers: { 'cf-ipcountry': 'FR' } });
  t.equal((await client.get('/forms/f/submissions')).body.data[0].device.location, null, 'anybody could say that');
});

void t.test('a stop ends the move of many sheets, and asked again it goes on with those that are left', async (t) => {
  const first = await composeServer();
  const field = (id: string): object => ({ id, type: 'text' });
  const client = restClient(first.http);
  await client.post('/forms', { id: 'f', pages: [{ id: 'p', fields: [field('a')] }] });
  await client.post('/forms/f/publish');
  const sheets = 150;
  await Promise.all(Array.from({ length: sheets }, () => client.post('/forms/f/submissions', { answers: { a: 'x' } })));
  await client.put('/forms/f', { pages: [{ id: 'p', fields: [field('b')] }] });
  await client.post('/forms/f/publish');
  const { id } = (await client.post('/forms/f/submissions/migration')).body;
  await until(async () => (await client.get(`/operations/${id}`)).body.progress > 0, { what: 'it has begun' });
  await first.close();

  const second = await composeServer({ dataDir: first.dataDir });
  t.teardown(() => second.cleanup());
  const again = restClient(second.http);
  t.match((await again.get(`/operations/${id}`)).body, { state: 'failed', error: 'The server was stopped.' });
  const rest = (await again.post('/forms/f/submissions/migration')).body;
  await until(async () => (await again.get(`/operations/${rest.id}`)).body.state !== 'running');
  const { result } = (await again.get(`/operations/${rest.id}`)).body;
  t.ok(result.moved > 0 && result.moved < sheets, `${result.moved} were left`);
  const { data } = (await again.get(`/forms/f/submissions?limit=200`)).body;
  t.equal(data.filter(({ version }: { version: number }) => version === 2).length, sheets);
});

void t.test('DELETE of a document takes along what belongs to it', async (t) => {
  const form = await published();
  const [one, two] = [await started(form, { name: 'Ada' }), await started(form, { name: 'Bob' })];
  const thread = await admin.post(`/forms/${form}/threads`, { anchor: { type: 'form' }, body: 'Well?' });
  t.equal(thread.status, 201);
  const erase = (document: string): ReturnType<RestClient['delete']> =>
    admin.delete(`/documents/${encodeURIComponent(document)}`);

  t.match((await erase(one.document)).body, { document: one.document });
  t.equal((await admin.get(one.path)).body.code, 'submission_not_found');
  t.equal((await admin.post('/submissions/resume', { resumeToken: one.resumeToken })).status, 401);
  t.same(
    (await admin.get(`/forms/${form}/submissions`)).body.data.map((each: { id: string }) => each.id),
    [two.id],
  );

  const receipt = await erase(`form/${form}`);
  t.match(receipt.body, { document: `form/${form}`, snapshots: 1 }, receipt.text);
  t.equal((await admin.post('/submissions/resume', { resumeToken: two.resumeToken })).status, 401);
  for (const path of [`/forms/${form}`, `/forms/${form}?version=1`, `/forms/${form}/threads`, two.path]) {
    t.equal((await admin.get(path)).status, 404, path);
  }
  t.equal((await admin.post('/forms', { id: form })).body.code, 'form_deleted');
  t.equal((await erase(`form/${form}`)).status, 404);
});

void t.test('what is handed in or erased while the server is killed is so, and told of, when it is back', async (t) => {
  const killed = await startServer();
  t.teardown(() => killed.cleanup());
  const before = restClient(killed.http);
  const begin = async (id: string, sheets: number): Promise<string[]> => {
    t.equal((await before.post('/forms', { id, pages: [{ id: 'p1', fields: [NAME] }] })).status, 201);
    t.equal((await before.post(`/forms/${id}/publish`)).status, 201);
    const start = async (): Promise<string> =>
      (await before.post(`/forms/${id}/submissions`, { answers: { name: 'Ada' } })).headers.get('location') ?? '';
    return (await Promise.all(Array.from({ length: sheets }, start))).map((path) => path.replace('/api/v1', ''));
  };
  const [paths, erased] = [await begin('kill', 40), await begin('erased', 5)];
  const erasure = before.delete('/forms/erased');
  await until(async () => (await before.get('/forms/erased')).status === 404, { what: 'its tombstone is there' });
  const submits = paths.map((path) => before.post(`${path}/submit`));
  const settled = Promise.allSettled([...submits, erasure]);
  await Promise.race(submits);
  await killed.kill();
  await settled;

  const back = await composeServer({ dataDir: killed.dataDir, abandonmentEveryMs: 50 });
  t.teardown(() => back.close());
  const rest = restClient(back.http);
  const feed = await readStream(back.http, '?after=0&types=submission.submitted,form.deleted');
  t.teardown(() => feed.close());
  const list = async (query: string): Promise<{ id: string }[]> =>
    (await rest.get(`/forms/kill/submissions?limit=200&${query}`)).body.data as { id: string }[];
  const told = (): unknown[] =>
    feed.events.filter(({ formId }) => formId === 'kill').map(({ data }) => data.submissionId);
  // What was frozen is handed in; what was not can still be filled.
  for (const { id } of await list('status=in_progress')) {
    await until(
      async () => {
        const { status } = await rest.patch(`/forms/kill/submissions/${id}/answers`, { answers: { name: 'Bea' } });
        return status === 200 || (await rest.get(`/forms/kill/submissions/${id}`)).body.status === 'submitted';
      },
      { what: 'no sheet stays between the two' },
    );
  }
  const submitted = (await list('status=submitted')).map(({ id }) => id).sort();
  t.ok(submitted.length > 0);
  await until(() => told().length >= submitted.length, { what: () => `${told().length} of ${submitted.length}` });
  t.same(told().sort(), submitted);

  // Nobody could ask for the rest: the form is gone for everybody since its tombstone.
  const isGone = async (): Promise<boolean> =>
    (await rest.get('/documents?prefix=form%2Ferased')).body.data.length === 0 && feed.types().includes('form.deleted');
  await until(isGone, { what: 'the rest of the erasure' });
  t.equal(erased.length, 5);
});
