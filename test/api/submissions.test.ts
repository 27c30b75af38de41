import t from 'tap';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import pathOf from 'node:path';
import { readAnswers, readSheetMeta, writeAnswers } from '../../crdt/submission/index.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { composeServer } from '../harness/composed-server.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-administrators-token-for-tests';
const server = await composeServer({
  env: {
    ...{ AUTH: 'jwt', JWT_SECRET: 'a-secret-that-signs-tokens-in-tests!', ADMIN_TOKEN: ADMIN },
    SUBMISSION_FILES_BYTES: '64 KiB',
  },
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);
const nobody = restClient(server.http);

const as = async (
  sub: string,
  ...grants: { document: string; role: string; languages?: string[] }[]
): Promise<RestClient> => {
  const minted = await admin.post('/tokens', { sub, name: sub.toUpperCase(), grants });
  return restClient(server.http, minted.body.token as string);
};

/** JSONLogic takes no answer for 0, unless it is told otherwise. */
const UNDER_AGE = { '<': [{ var: ['age', 99] }, 18] };
const FIELDS = [
  { id: 'name', type: 'text', required: true, validation: { minLength: 2 } },
  { id: 'age', type: 'number', validation: { min: 0, max: 150 } },
  { id: 'school', type: 'text', visibleIf: UNDER_AGE, requiredIf: UNDER_AGE },
  { id: 'tags', type: 'choices', options: ['red', 'blue'].map((id) => ({ id, label: { en: id } })) },
  { id: 'hello', type: 'calculated', calculate: { cat: ['Hello ', { var: 'name' }] } },
  { id: 'pets', type: 'group', repeat: { max: 3 }, fields: [{ id: 'pet', type: 'text', required: true }] },
];

let formCount = 0;
async function publishedForm(fields: readonly object[] = FIELDS, settings: object = {}): Promise<string> {
  const id = `form${(formCount += 1)}`;
  const pages = [
    { id: 'p1', fields },
    { id: 'p2', fields: [{ id: 'note', type: 'paragraph' }] },
  ];
  t.equal((await admin.post('/forms', { id, settings, pages })).status, 201);
  t.equal((await admin.post(`/forms/${id}/publish`)).status, 201);
  return id;
}

interface Filling {
  readonly id: string;
  readonly path: string;
  readonly document: string;
  readonly token: string;
  readonly resumeToken: string;
  readonly me: RestClient;
}

async function started(formId: string, body?: object, by = 'rita'): Promise<Filling> {
  const respondent = await as(by, { document: `form/${formId}`, role: 'respondent' });
  const answer = await respondent.post(`/forms/${formId}/submissions`, body);
  t.equal(answer.status, 201, answer.text);
  const { id, document, token, resumeToken } = answer.body as Record<
    'id' | 'document' | 'token' | 'resumeToken',
    string
  >;
  t.equal(answer.headers.get('location'), `/api/v1/forms/${formId}/submissions/${id}`);
  t.equal(answer.headers.get('cache-control'), 'no-store');
  return {
    id,
    path: `/forms/${formId}/submissions/${id}`,
    document,
    token,
    resumeToken,
    me: restClient(server.http, token),
  };
}

void t.test('a sheet is started, filled over REST, validated, handed in once and worked on', async (t) => {
  const form = await publishedForm();
  const { id, path, document, me } = await started(form, { answers: { tags: ['red'] } });
  t.equal(document, `form/${form}/submission/${id}`);
  const fresh = await me.get(path);
  t.match(fresh.body, {
    id,
    formId: form,
    document,
    version: 1,
    status: 'in_progress',
    submittedAt: null,
    startedBy: { id: 'rita', name: 'RITA' },
    answers: { tags: ['red'] },
    calculated: { hello: 'Hello ' },
    progress: { percent: 0, answered: 1, required: 1, visible: 5, errors: 0, page: 'p1' },
    errors: [],
    device: null,
    timeline: [{ status: 'in_progress', by: { id: 'rita' }, note: null }],
  });

  const wrong = await me.patch(`${path}/answers`, { answers: { name: 'A', age: 10 }, page: 'p2' });
  t.equal(wrong.status, 200, wrong.text);
  t.same(wrong.body.errors, [
    { field: 'name', path: 'answers.name', code: 'minLength', message: 'must have at least 2 characters' },
  ]);
  t.match(wrong.body.progress, { percent: 50, answered: 3, required: 2, visible: 6, errors: 1, page: 'p2' });
  t.same((await me.get(`${path}/progress`)).body, wrong.body.progress);
  const verdict = await me.post(`${path}/validate`);
  t.equal(verdict.status, 200);
  t.equal(verdict.body.valid, false);
  t.same(
    verdict.body.errors.map(({ field, code }: { field: string; code: string }) => [field, code]),
    [
      ['school', 'required'],
      ['name', 'minLength'],
    ],
  );
  const refused = await me.post(`${path}/submit`);
  t.equal(refused.status, 422);
  t.equal(refused.body.code, 'validation_failed');
  t.same(
    refused.body.errors.map((error: { path: string }) => error.path),
    ['answers.school', 'answers.name'],
  );
  t.equal((await me.get(path)).body.status, 'in_progress', 'nothing was handed in');

  const right = await me.patch(`${path}/answers`, { answers: { name: 'Ada', school: 'ETH', pets: [{ pet: 'cat' }] } });
  t.match(right.body, { progress: { percent: 100, errors: 0 }, errors: [] });
  // Hidden again: what was answered there does not count.
  await me.patch(`${path}/answers`, { answers: { age: 30, tags: null } });
  const [first, second] = await Promise.all([me.post(`${path}/submit`), me.post(`${path}/submit`)]);
  t.equal(first.status, 200, first.text);
  t.same(second.body, first.body, 'row 35: two submits at once are one');
  t.equal((await me.post(`${path}/submit`)).body.submittedAt, first.body.submittedAt, 'and so is one that comes later');
  t.match(first.body, { status: 'submitted', calculated: { hello: 'Hello Ada' } });
  t.same(first.body.answers, { name: 'Ada', age: 30, pets: [{ pet: 'cat' }] });
  t.same(
    first.body.timeline.map(({ status }: { status: string }) => status),
    ['in_progress', 'submitted'],
  );

  const late = await me.patch(`${path}/answers`, { answers: { name: 'Eve' } });
  t.equal(late.status, 409);
  t.equal(late.body.code, 'submission_closed');

  const reviewer = await as('ed', { document: `form/${form}`, role: 'editor' });
  t.equal((await me.post(`${path}/status`, { status: 'processing' })).status, 403, 'a respondent decides nothing');
  t.equal((await reviewer.post(`${path}/status`, { status: 'completed' })).body.code, 'status_transition_refused');
  t.equal((await reviewer.post(`${path}/status`, { status: 'submitted' })).status, 422);
  t.equal((await reviewer.post(`${path}/status`, { status: 'processing' })).body.status, 'processing');
  const done = await reviewer.post(`${path}/status`, { status: 'rejected', note: 'incomplete' });
  t.match(done.body.timeline.at(-1), { status: 'rejected', by: { id: 'ed', name: 'ED' }, note: 'incomplete' });
  t.equal((await reviewer.post(`${path}/status`, { status: 'completed' })).status, 409);
  t.same((await me.get(path)).body, done.body, 'the respondent sees what became of it');
});

void t.test('two people fill one sheet live, by stock Yjs clients and REST, and hand it in together', async (t) => {
  const form = await publishedForm();
  const filling = await started(form);
  const resumed = await nobody.post('/submissions/resume', { resumeToken: filling.resumeToken });
  t.equal(resumed.status, 200, resumed.text);
  t.match(resumed.body, { id: filling.id, document: filling.document, version: 1, resumeToken: filling.resumeToken });
  const other = restClient(server.http, resumed.body.token as string);
  const [one, two] = [filling.token, resumed.body.token as string].map((token) =>
    stockClient(server.ws, filling.document, { params: { token } }),
  ) as [ReturnType<typeof stockClient>, ReturnType<typeof stockClient>];
  t.teardown(() => [one, two].forEach((client) => client.destroy()));
  await Promise.all([one.synced(), two.synced()]);

  one.doc.getMap('answers').set('name', 'Ada');
  two.doc.transact(() => writeAnswers(two.doc, { age: 30 }));
  await Promise.all([one.saved(), two.saved()]);
  const seen = await other.get(filling.path);
  t.same(seen.body.answers, { age: 30, name: 'Ada' }, 'GET sees what both wrote');
  t.equal(seen.body.progress.percent, 100);
  await filling.me.patch(`${filling.path}/answers`, { answers: { tags: ['blue'], name: 'Ada L.' } });
  await until(() => readAnswers(one.doc)['name'] === 'Ada L.' && readAnswers(two.doc)['name'] === 'Ada L.');

  const [mine, yours] = await Promise.all([
    filling.me.post(`${filling.path}/submit`),
    other.post(`${filling.path}/submit`),
  ]);
  t.same([mine.status, yours.status], [200, 200]);
  t.same(mine.body, yours.body, 'row 35: two fillers, one final record');
  await until(() => one.doc.getMap('meta').get('status') === 'submitted', { what: 'live peers see the status' });
  const list = await admin.get(`/forms/${form}/submissions?status=submitted`);
  t.equal(list.body.data.length, 1);
});

void t.test(
  'a sheet that was handed in is read-only over sync as well, and its status is the server’s alone',
  async (t) => {
    const form = await publishedForm();
    const { path, document, token, me } = await started(form, { answers: { name: 'Ada' } });
    const [peer, witness] = [token, ADMIN].map((each) =>
      stockClient(server.ws, document, { params: { token: each } }),
    ) as [ReturnType<typeof stockClient>, ReturnType<typeof stockClient>];
    t.teardown(() => [peer, witness].forEach((client) => client.destroy()));
    await Promise.all([peer.synced(), witness.synced()]);
    peer.doc.getMap('meta').set('status', 'submitted');
    await peer.saved();
    t.equal(readSheetMeta(peer.doc).status, 'in_progress', 'nobody but the server says so');
    await me.post(`${path}/submit`);
    await until(() => readSheetMeta(peer.doc).status === 'submitted');
    peer.doc.transact(() => writeAnswers(peer.doc, { name: 'Eve' }));
    peer.doc.getMap('answers').set('age', 3);
    await peer.saved();
    t.same(readAnswers(peer.doc), { name: 'Ada' }, 'undone where it was written');
    t.same(readAnswers(witness.doc), { name: 'Ada' }, 'and never seen elsewhere');
    t.same((await me.get(path)).body.answers, { name: 'Ada' });
  },
);

void t.test('progress, errors and status stand in the awareness of the sheet, for any Yjs client', async (t) => {
  const form = await publishedForm();
  const { path, document, token, me } = await started(form);
  const [filler, helper] = [token, ADMIN].map((each) => stockClient(server.ws, document, { params: { token: each } }));
  t.teardown(() => [filler, helper].forEach((client) => client!.destroy()));
  await Promise.all([filler!.synced(), helper!.synced()]);
  const shown = (client = filler!): Record<string, unknown> | undefined =>
    [...client.provider.awareness.getStates().values()].find((state) => state['server'] === true);
  await until(() => (shown()?.['progress'] as { answered?: number } | undefined)?.answered === 0);
  filler!.doc.getMap('answers').set('name', 'A');
  await until(() => (shown(helper)?.['errors'] as unknown[]).length === 1, {
    what: 'too short a name is told to both',
  });
  t.match(shown(), { status: 'in_progress', progress: { errors: 1, required: 1 } });
  filler!.doc.getMap('answers').set('name', 'Ada');
  await until(() => (shown()?.['progress'] as { percent: number }).percent === 100);
  await me.post(`${path}/submit`);
  await until(() => shown(helper)?.['status'] === 'submitted');
  t.equal(shown()?.['server'], true);
});

void t.test('row 11: a version that is published meanwhile changes nothing for who is filling', async (t) => {
  const form = await publishedForm();
  const early = await started(form);
  await early.me.patch(`${early.path}/answers`, { answers: { name: 'Ada' } });
  const draft = (await admin.get(`/forms/${form}`)).body as { pages: { fields: object[] }[] };
  draft.pages[0]!.fields = [{ id: 'other', type: 'text', required: true }];
  t.equal((await admin.put(`/forms/${form}`, draft)).status, 200);
  t.equal((await admin.post(`/forms/${form}/publish`)).body.version, 2);

  const kept = await early.me.get(early.path);
  t.match(kept.body, { version: 1, answers: { name: 'Ada' }, progress: { percent: 100 } });
  t.equal(
    (await early.me.patch(`${early.path}/answers`, { answers: { other: 'x' } })).status,
    422,
    'no field of its version',
  );
  t.match((await early.me.post(`${early.path}/submit`)).body, { version: 1, status: 'submitted' });
  const late = await started(form);
  t.match((await late.me.get(late.path)).body, { version: 2, progress: { required: 1, percent: 0 } });
  const exported = await admin.get(`/forms/${form}/submissions/export?format=csv`);
  const [header = ''] = exported.text.split('\r\n');
  for (const column of ['name', 'other', 'hello']) t.ok(header.split(',').includes(column), `a column for ${column}`);
});

void t.test('who may do what: 401, 403, 404', async (t) => {
  const form = await publishedForm();
  const { id, path, me } = await started(form);
  const calls: [string, string, object?][] = [
    ['get', path],
    ['patch', `${path}/answers`, { answers: {} }],
    ['get', `${path}/progress`],
    ['post', `${path}/validate`],
    ['post', `${path}/submit`],
    ['post', `${path}/status`, { status: 'processing' }],
    ['delete', path],
  ];
  const call = async (client: RestClient, [method, at, body]: (typeof calls)[number]): Promise<[number, string]> => {
    const answer =
      method === 'get' ? client.get(at) : method === 'delete' ? client.delete(at) : method === 'post' ? client.post(at, body) : client.patch(at, body); // prettier-ignore
    const { status, body: given } = await answer;
    return [status, given?.code as string];
  };
  const respondent = { document: `form/${form}`, role: 'respondent' };
  const other = await started(form, {}, 'otto');
  const strangers = await Promise.all([
    as('rolf', respondent),
    as('vera', { document: `form/${form}`, role: 'editor', languages: ['fr'] }),
    as('theo', { document: 'form/elsewhere*', role: 'owner' }),
  ]);
  for (const each of calls) {
    t.same(await call(nobody, each), [401, 'token_missing'], `${each[0]} ${each[1]} without a token`);
    for (const client of [...strangers, other.me]) {
      t.same(await call(client, each), [404, 'submission_not_found'], `${each[0]} ${each[1]} by a stranger`);
    }
    const gone: (typeof calls)[number] = [each[0], each[1].replace(id, 'nothing'), each[2] ?? {}];
    t.same(await call(admin, gone), [404, 'submission_not_found'], `${each[0]} of none`);
  }
  const viewer = await as('vito', { document: `form/${form}`, role: 'viewer' });
  const reader = await as('rosa', { document: `form/${form}/submission/*`, role: 'viewer' });
  for (const client of [viewer, reader]) {
    t.same(
      await Promise.all(calls.map(async (each) => (await call(client, each))[0])),
      [200, 403, 200, 403, 403, 403, 403],
      'a viewer of the form, or of its submissions, reads them',
    );
  }
  t.same(await call(me, calls[6]!), [403, 'forbidden'], 'a respondent erases nothing');

  t.equal((await nobody.post(`/forms/${form}/submissions`)).status, 401);
  t.equal(
    (await strangers[1].post(`/forms/${form}/submissions`)).body.code,
    'forbidden',
    'who edits it answers nothing',
  );
  t.equal((await strangers[2].post(`/forms/${form}/submissions`)).body.code, 'form_not_found');
  t.equal((await nobody.post('/submissions/resume', { resumeToken: `${form}.${'A'.repeat(43)}` })).body.code, 'resume_token_invalid'); // prettier-ignore
  t.equal((await nobody.post('/submissions/resume', { resumeToken: 'x' })).status, 401);
  for (const list of [`/forms/${form}/submissions`, `/forms/${form}/submissions/export?format=csv`]) {
    t.equal((await nobody.get(list)).status, 401);
    t.equal((await strangers[1].get(list)).body.code, 'forbidden', 'a translator has no business with answers');
    t.equal((await strangers[2].get(list)).body.code, 'form_not_found');
    t.equal((await viewer.get(list)).status, 200);
  }
  t.same(
    (await me.get(`/forms/${form}/submissions`)).body.data.map((each: { id: string }) => each.id),
    [id],
    'a respondent finds its own sheet alone',
  );
});

void t.test('wrong requests: 404, 409, 412, 415, 422', async (t) => {
  t.equal((await admin.post('/forms/nowhere/submissions')).body.code, 'form_not_found');
  t.equal((await admin.get('/forms/nowhere/submissions')).body.code, 'form_not_found');
  t.equal((await admin.get('/forms/nowhere/submissions/export?format=csv')).body.code, 'form_not_found');
  await admin.post('/forms', { id: 'unpublished', pages: [{ id: 'p1' }] });
  const unpublished = await admin.post('/forms/unpublished/submissions');
  t.same([unpublished.status, unpublished.body.code], [409, 'form_not_published']);

  const form = await publishedForm();
  const { path, me } = await started(form);
  const answers = `${path}/answers`;
  for (const [body, at] of [
    [{ answers: { nothing: 1 } }, 'answers.nothing'],
    [{ answers: { hello: 'calculated' } }, 'answers.hello'],
    [{ answers: { pet: 'of a row' } }, 'answers.pet'],
    [{ answers: { 'not an id!': 1 } }, 'answers.not an id!'],
    [{ answers: {}, page: 'p9' }, 'page'],
    [{ answers: 5 }, 'answers'],
  ] as const) {
    const refused = await me.patch(answers, body);
    t.equal(refused.status, 422, JSON.stringify(body));
    t.equal(refused.body.errors[0].path, at);
  }
  t.equal((await me.patch(answers, { unknown: {} })).status, 422);
  t.equal((await me.patch(answers, '{"answers":')).status, 400);
  t.equal((await me.patch(answers, 'answers', { headers: { 'content-type': 'text/plain' } })).status, 415);
  t.equal((await admin.post(`/forms/${form}/submissions`, { answers: { nothing: 1 } })).status, 422);
  t.equal((await admin.post(`/forms/${form}/submissions`, { timeZone: 'no zone' })).status, 422);
  t.equal((await nobody.post('/submissions/resume', {})).status, 422);
  for (const query of ['status=lost', 'since=yesterday', 'limit=0', 'field.name=a&field.name=b'])
    t.equal((await admin.get(`/forms/${form}/submissions?${query}`)).status, 422, query);
  t.equal((await admin.get(`/forms/${form}/submissions/export?format=pdf`)).status, 422);

  const { headers } = await me.get(path);
  const stale = headers.get('etag')!;
  const patched = await me.patch(answers, { answers: { name: 'Ada' } }, { headers: { 'if-match': stale } });
  t.equal(patched.status, 200);
  t.equal((await me.get(path)).headers.get('etag'), patched.headers.get('etag'));
  const ifMatch = { headers: { 'if-match': stale } };
  t.equal((await me.patch(answers, { answers: { name: 'Eve' } }, ifMatch)).body.code, 'stale');
  t.equal((await me.post(`${path}/submit`, undefined, ifMatch)).status, 412);
  t.equal((await admin.delete(path, ifMatch)).status, 412);
  t.equal((await admin.post(`${path}/status`, { status: 'processing' }, ifMatch)).status, 412);
  t.equal((await admin.post(`${path}/status`, { status: 'processing' })).body.code, 'status_transition_refused');
  t.equal((await me.get(path)).body.answers.name, 'Ada');

  const headersOnce = { headers: { 'idempotency-key': 'start-1' } };
  const once = await admin.post(`/forms/${form}/submissions`, {}, headersOnce);
  const again = await admin.post(`/forms/${form}/submissions`, {}, headersOnce);
  t.equal(again.body.id, once.body.id, 'the same key starts one sheet');
});

void t.test('submissions are listed, filtered, paged and exported', async (t) => {
  const form = await publishedForm();
  const people = [
    { name: 'Ada', age: 36, tags: ['red', 'blue'] },
    { name: '=cmd()', age: 20, tags: ['blue'] },
    { name: 'with, "quotes"\nand lines', age: 36 },
  ];
  const ids: string[] = [];
  for (const answers of people) {
    const filling = await started(form, { answers });
    ids.unshift(filling.id);
    if (answers.name === 'Ada') await filling.me.post(`${filling.path}/submit`);
  }
  const found = async (query: string): Promise<string[]> =>
    ((await admin.get(`/forms/${form}/submissions?${query}`)).body.data as { id: string }[]).map(({ id }) => id);
  t.same(await found(''), ids, 'newest first');
  t.same(await found('field.age=36'), [ids[0], ids[2]]);
  t.same(await found('field.tags=blue&field.age=20'), [ids[1]]);
  t.same(await found(`field.hello=${encodeURIComponent('Hello Ada')}&status=submitted`), [ids[2]]);
  t.same(await found('status=completed'), []);
  t.same(await found('since=2999-01-01T00:00:00Z'), []);
  t.same((await found('since=2020-01-01T00:00:00%2B02:00')).length, 3);
  const first = await admin.get(`/forms/${form}/submissions?limit=2`);
  t.type(first.body.nextCursor, 'string');
  t.same(await found(`limit=2&cursor=${String(first.body.nextCursor)}`), [ids[2]]);

  const csv = await admin.get(`/forms/${form}/submissions/export?format=csv`);
  t.match(csv.headers.get('content-type'), /^text\/csv/);
  t.match(csv.headers.get('content-disposition'), `${form}-submissions.csv`);
  t.ok(
    csv.text.startsWith('id,version,status,startedAt,submittedAt,startedBy,name,age,school,tags,hello,pets,note\r\n'),
  );
  t.ok(csv.text.includes(`,'=cmd(),20,,blue,Hello =cmd(),,\r\n`), 'no formula for a spreadsheet');
  t.ok(csv.text.includes('"with, ""quotes""\nand lines"'));
  t.ok(csv.text.includes(',Ada,36,,red; blue,Hello Ada,,\r\n'));
  const lines = (await admin.get(`/forms/${form}/submissions/export?format=ndjson&status=submitted`)).text
    .trim()
    .split('\n');
  t.equal(lines.length, 1);
  t.match(JSON.parse(lines[0]!), {
    id: ids[2],
    status: 'submitted',
    answers: people[0]!,
    calculated: { hello: 'Hello Ada' },
  });
});

void t.test('a value that must be unique is handed in once, also by two at once', async (t) => {
  const form = await publishedForm([{ id: 'mail', type: 'email', required: true, validation: { unique: true } }]);
  const answers = { mail: 'ada@example.org' };
  const fillings = await Promise.all([
    started(form, { answers }),
    started(form, { answers: { mail: ' ADA@example.org' } }),
  ]);
  // Blanks around it are no format of an address.
  await fillings[1].me.patch(`${fillings[1].path}/answers`, { answers: { mail: 'ADA@example.org' } });
  const submitted = await Promise.all(fillings.map(({ me, path }) => me.post(`${path}/submit`)));
  t.same(submitted.map(({ status }) => status).sort(), [200, 422]);
  const loser = submitted[0]?.status === 422 ? 0 : 1;
  t.same(submitted[loser]?.body.errors, [{ path: 'answers.mail', message: 'was given in another submission' }]);
  await admin.delete(fillings[1 - loser]!.path);
  const again = await fillings[loser].me.post(`${fillings[loser].path}/submit`);
  t.equal(again.status, 200, 'erasing the other sets the value free');
});

void t.test('an upload that is repeated is the same only with the same file', async (t) => {
  const form = await publishedForm([{ id: 'cv', type: 'file', validation: { accept: ['.txt'] } }]);
  const { path, me, token } = await started(form);
  const url = `${server.http}/api/v1${path}/files`;
  const upload = async (key: string, content: string, name = 'cv.txt'): Promise<Record<string, unknown>> => {
    const body = new FormData();
    body.append('cv', new File([content], name, { type: 'text/plain' }));
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': key };
    const answer = await fetch(url, { method: 'POST', headers, body });
    const isReplayed = answer.headers.get('idempotency-replayed') === 'true';
    return { ...((await answer.json()) as object), got: answer.status, isReplayed };
  };
  const first = await upload('cv-1', 'a life');
  t.match(first, { got: 201, isReplayed: false });
  t.same(await upload('cv-1', 'a life'), { ...first, isReplayed: true }, 'with another boundary');
  t.match(await upload('cv-1', 'a lie!'), { got: 409, code: 'idempotency_key_reused' });
  t.match(await upload('cv-1', 'a life', 'my.txt'), { got: 409, code: 'idempotency_key_reused' });
  t.match(await upload('cv-1', 'x'.repeat(51 * 1024 * 1024)), { got: 409, code: 'idempotency_key_reused' });
  t.match(await upload('cv-2', 'a life', 'cv.exe'), { got: 422, isReplayed: false });
  t.match(await upload('cv-2', 'a life', 'cv.exe'), { got: 422, isReplayed: true }, 'a refusal of what was read');
  t.match(await upload('cv-2', 'a life'), { got: 409, code: 'idempotency_key_reused' });

  const stored = async (): Promise<string[]> =>
    (await readdir(pathOf.join(server.dataDir, 'files', form), { recursive: true })).filter((name) =>
      name.includes('/'),
    );
  t.equal((await stored()).length, 1, 'what was only compared was not stored');

  // Cut off by its client before all of it has come.
  const half = request(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'idempotency-key': 'cv-3',
      'content-type': 'multipart/form-data; boundary=x',
      'content-length': '1000',
    },
  });
  half.on('error', () => undefined);
  half.write('--x\r\ncontent-disposition: form-data; name="cv"; filename="cv.txt"\r\n\r\nhalf a li');
  await until(async () => (await stored()).length === 2, { what: 'it has begun' });
  t.match(await upload('cv-3', 'a life'), { got: 409, code: 'request_in_progress' });
  half.destroy();
  let whole: Record<string, unknown> = {};
  await until(async () => (whole = await upload('cv-3', 'a life'))['got'] === 201, { what: 'it is over' });
  const { cv } = (await me.get(path)).body.answers as { cv: { id: string }[] };
  t.same(
    cv.map(({ id }) => id),
    [first['id'], whole['id']],
  );
  t.equal((await stored()).length, 2);
});

void t.test('files are uploaded, checked, downloaded and erased with their submission', async (t) => {
  const form = await publishedForm([
    { id: 'cv', type: 'file', validation: { accept: ['.txt', 'image/*'], maxBytes: 1_000, maxItems: 2 } },
    { id: 'jobs', type: 'group', repeat: {}, fields: [{ id: 'proof', type: 'file' }] },
    { id: 'text', type: 'text' },
  ]);
  const { path, me, token } = await started(form);
  const upload = async (
    parts: readonly [string, string | File][],
    bearer: string | undefined = token,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const body = new FormData();
    for (const [name, value] of parts) body.append(name, value);
    const headers: Record<string, string> = bearer === '' ? {} : { authorization: `Bearer ${bearer}` };
    const answer = await fetch(`${server.http}/api/v1${path}/files`, { method: 'POST', headers, body });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const file = (name: string, content: string, type = 'text/plain'): File => new File([content], name, { type });

  const kept = await upload([['cv', file('../my cv.txt', 'a life')]]);
  t.equal(kept.status, 201, JSON.stringify(kept.body));
  t.match(kept.body, { name: 'my cv.txt', type: 'text/plain', bytes: 6, fieldId: 'cv' });
  const second = await upload([
    ['file', file('me.png', 'not really', 'image/png')],
    ['fieldId', 'cv'],
  ]);
  t.equal(second.status, 201, JSON.stringify(second.body));
  const { cv } = (await me.get(path)).body.answers as { cv: { id: string }[] };
  t.same(
    cv.map(({ id }) => id),
    [kept.body['id'], second.body['id']],
    'both are answers now',
  );
  const download = await me.get(`${path}/files/${String(kept.body['id'])}`);
  t.equal(download.text, 'a life');

  const other = await started(await publishedForm([{ id: 'proof', type: 'file' }]));
  const large = async (kilobytes: number): Promise<Response> => {
    const body = new FormData();
    body.append('proof', file('p.txt', 'x'.repeat(kilobytes * 1_024)));
    const headers = { authorization: `Bearer ${other.token}` };
    return fetch(`${server.http}/api/v1${other.path}/files`, { method: 'POST', headers, body });
  };
  t.equal((await large(40)).status, 201);
  const tooMuch = await large(40);
  t.match([tooMuch.status, await tooMuch.json()], [413, { code: 'too_large' }]);
  t.equal((await large(24)).status, 201, 'what was refused does not count');
  t.equal((await large(1)).status, 413, 'and then it is full');
  t.match(download.headers.get('content-type'), 'text/plain');
  t.equal(download.headers.get('content-disposition'), "attachment; filename*=UTF-8''my%20cv.txt");
  t.equal(download.headers.get('x-content-type-options'), 'nosniff');
  const etag = download.headers.get('etag') ?? '';
  const content = download.text;
  for (const [headers, expected] of [
    [{ range: 'bytes=0-1' }, `206 ${content.slice(0, 2)} bytes 0-1/${content.length}`],
    [
      { range: 'bytes=2-', 'if-range': etag },
      `206 ${content.slice(2)} bytes 2-${content.length - 1}/${content.length}`,
    ],
    [
      { range: 'bytes=-3' },
      `206 ${content.slice(-3)} bytes ${content.length - 3}-${content.length - 1}/${content.length}`,
    ],
    [{ range: 'bytes=2-', 'if-range': '"other"' }, `200 ${content} null`],
    [{ range: 'bytes=0-0,2-3' }, `200 ${content} null`],
    [{ 'if-none-match': etag }, '304  null'],
  ] as [Record<string, string>, string][]) {
    const { status, text, headers: got } = await me.get(`${path}/files/${String(kept.body['id'])}`, { headers });
    t.equal(`${status} ${text} ${String(got.get('content-range'))}`, expected, JSON.stringify(headers));
  }
  const beyond = await me.get(`${path}/files/${String(kept.body['id'])}`, { headers: { range: 'bytes=9999-' } });
  t.match([beyond.status, beyond.body.code], [416, 'range_not_satisfiable']);
  t.equal(beyond.headers.get('content-range'), `bytes */${content.length}`);

  const refusals: [[string, string | File][], number, string?][] = [
    [[['cv', file('virus.exe', 'x', 'application/x-msdownload')]], 422, 'file'],
    [[['cv', file('long.txt', 'x'.repeat(1_001))]], 413, 'file'],
    [[['text', file('a.txt', 'x')]], 422, 'fieldId'],
    [[['nothing', file('a.txt', 'x')]], 422, 'fieldId'],
    [[['fieldId', 'cv']], 422, 'file'],
    [[['cv', file('huge.txt', 'x'.repeat(51 * 1024 * 1024))]], 413],
  ];
  for (const [parts, status, at] of refusals) {
    const refused = await upload(parts);
    t.equal(refused.status, status, JSON.stringify(refused.body));
    if (at !== undefined) t.match(refused.body['errors'], [{ path: at }]);
  }
  t.equal((await me.post(`${path}/files`, { file: 'x' })).status, 415);
  const cut = await me.post(`${path}/files`, '--x\r\nnothing', {
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
  });
  t.equal(cut.status, 400, cut.text);
  t.equal((await upload([['cv', file('a.txt', 'x')]], '')).status, 401);
  const stranger = await started(form, {}, 'otto');
  t.equal((await upload([['cv', file('a.txt', 'x')]], stranger.token)).status, 404);
  t.equal((await stranger.me.get(`${path}/files/${String(kept.body['id'])}`)).status, 404);
  t.equal((await me.get(`${path}/files/nothing`)).body.code, 'file_not_found');
  const stored = (): Promise<string[]> => readdir(pathOf.join(server.dataDir, 'files', form), { recursive: true });
  t.equal((await stored()).filter((name) => name.includes('/')).length, 2, 'nothing is left of what was refused');

  await me.patch(`${path}/answers`, { answers: { jobs: [{ proof: [{ ...kept.body, id: 'forged' }] }] } });
  const forged = await me.post(`${path}/submit`);
  t.match(forged.body.errors, [{ path: 'answers.jobs.0.proof', message: 'names a file that was not uploaded' }]);
  await me.patch(`${path}/answers`, { answers: { jobs: null } });
  t.equal((await me.post(`${path}/submit`)).status, 200);
  t.equal((await upload([['cv', file('late.txt', 'x')]])).status, 409, 'not after it was handed in');
  t.equal((await admin.delete(path)).status, 200);
  t.same(
    (await stored()).filter((name) => name.includes('/')),
    [],
  );
});

void t.test('the feed tells how a submission comes along, and nothing of what it says', async (t) => {
  const form = await publishedForm();
  const { id, path, me } = await started(form);
  for (const name of ['A', 'Ada', 'Ada L.']) await me.patch(`${path}/answers`, { answers: { name } });
  await me.post(`${path}/submit`);
  await admin.post(`${path}/status`, { status: 'processing' });
  await admin.delete(path);
  const aborting = new AbortController();
  t.teardown(() => aborting.abort());
  const answer = await fetch(`${server.http}/api/v1/feed?formId=${form}&after=0`, {
    headers: { authorization: `Bearer ${ADMIN}`, accept: 'text/event-stream' },
    signal: aborting.signal,
  });
  t.equal(answer.status, 200);
  let text = '';
  for await (const chunk of answer.body!) {
    text += Buffer.from(chunk).toString();
    if (text.includes('submission.erased')) break;
  }
  const told = [...text.matchAll(/^data: (.*)$/gm)]
    .map(([, data = '']) => JSON.parse(data) as { type: string; data: Record<string, unknown> })
    .filter(({ type }) => type.startsWith('submission.'));
  t.same(
    told.map(({ type }) => type),
    [
      'submission.started',
      'submission.progress',
      'submission.progress',
      'submission.submitted',
      'submission.status',
      'submission.erased',
    ],
    'a change that leaves the progress as it was is not told',
  );
  t.ok(told.every(({ data }) => data['submissionId'] === id));
  t.notOk(text.includes('Ada'));
});

void t.test('device data is kept only where the form says so', async (t) => {
  const form = await publishedForm(FIELDS, { collectDevice: true });
  const respondent = await as('rita', { document: `form/${form}`, role: 'respondent' });
  const agent =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1';
  const { body } = await respondent.post(
    `/forms/${form}/submissions`,
    { timeZone: 'Europe/Zurich' },
    { headers: { 'user-agent': agent, 'accept-language': 'fr-CH, fr;q=0.9' } },
  );
  t.match((await admin.get(`/forms/${form}/submissions/${String(body.id)}`)).body.device, {
    browser: { name: 'Safari', version: '17.4' },
    os: { name: 'iOS', version: '17.4' },
    type: 'mobile',
    language: 'fr-CH',
    timeZone: 'Europe/Zurich',
  });
});

void t.test('an erased submission is gone, its peers are sent away, and so are those of an erased form', async (t) => {
  const form = await publishedForm();
  const [one, two] = await Promise.all([started(form), started(form)]);
  const peer = stockClient(server.ws, one.document, { params: { token: one.token } });
  t.teardown(() => peer.destroy());
  await peer.synced();
  const secret = randomBytes(16).toString('hex');
  const isStored = async (): Promise<boolean> => {
    const names = await readdir(server.dataDir, { recursive: true, withFileTypes: true });
    const files = names.filter((name) => name.isFile()).map((name) => pathOf.join(name.parentPath, name.name));
    // Files come and go while the store tidies up.
    const contents = await Promise.all(files.map((file) => readFile(file).catch(() => Buffer.alloc(0))));
    return contents.some((content) => content.includes(secret));
  };
  await one.me.patch(`${one.path}/answers`, { answers: { name: secret } });
  t.equal((await one.me.post(`${one.path}/submit`)).status, 200);
  t.ok(await isStored(), 'the medium is what is searched here');
  const receipt = await admin.delete(one.path);
  t.equal(receipt.status, 200, receipt.text);
  t.match(receipt.body, { submissionId: one.id, document: one.document, snapshots: 0 });
  await until(() => peer.closes.includes(4404), { what: 'the live peer is told' });
  t.equal((await admin.get(one.path)).body.code, 'submission_not_found');
  t.equal((await admin.delete(one.path)).status, 404);
  t.equal((await nobody.post('/submissions/resume', { resumeToken: one.resumeToken })).status, 401);
  t.equal((await admin.get(`/documents/${encodeURIComponent(one.document)}`)).status, 404);

  await until(async () => !(await isStored()), { what: 'row 33: no byte of the answers is left' });

  t.equal((await admin.get(two.path)).status, 200, 'the others stay');
  t.equal((await admin.delete(`/forms/${form}`)).status, 200);
  t.equal((await admin.get(two.path)).body.code, 'submission_not_found');
  t.equal((await nobody.post('/submissions/resume', { resumeToken: two.resumeToken })).status, 401);
});

void t.test('row 23: thousands of edits leave a small sheet', async (t) => {
  const fields = Array.from({ length: 10 }, (_, i) => ({ id: `f${i}`, type: 'text' }));
  const form = await publishedForm(fields);
  const { path, document, token, me } = await started(form);
  const peer = stockClient(server.ws, document, { params: { token } });
  t.teardown(() => peer.destroy());
  await peer.synced();
  for (let i = 0; i < 1_800; i += 1) {
    peer.doc.transact(() => writeAnswers(peer.doc, { [`f${i % 10}`]: `live ${i}` }));
  }
  await peer.saved();
  for (let i = 0; i < 200; i += 1) await me.patch(`${path}/answers`, { answers: { [`f${i % 10}`]: `rest ${i}` } });
  t.equal((await admin.post(`/documents/${encodeURIComponent(document)}/compact`)).body.result, 'done');
  const { bytes } = (await admin.get(`/documents/${encodeURIComponent(document)}`)).body as { bytes: number };
  t.comment(`${bytes} bytes at rest`);
  t.ok(bytes < 2_048, `${bytes} bytes`);
  t.equal((await me.get(path)).body.answers.f9, 'rest 199');
});

void t.test('without authentication a sheet needs no token, and says so', async (t) => {
  const open = await composeServer({ env: { AUTH: 'off' } });
  t.teardown(() => open.cleanup());
  const api = restClient(open.http);
  await api.post('/forms', { id: 'f', pages: [{ id: 'p', fields: [{ id: 'a', type: 'text' }] }] });
  await api.post('/forms/f/publish');
  const { status, body } = await api.post('/forms/f/submissions');
  t.equal(status, 201);
  t.equal(body.token, null);
  const peer = stockClient(open.ws, body.document as string);
  t.teardown(() => peer.destroy());
  await peer.synced();
  peer.doc.getMap('answers').set('a', 'x');
  await peer.saved();
  t.same((await api.post(`/forms/f/submissions/${String(body.id)}/submit`)).body.answers, { a: 'x' });
  t.equal((await api.post('/submissions/resume', { resumeToken: body.resumeToken })).body.token, null);
});
