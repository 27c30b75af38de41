import t from 'tap';
import * as Y from 'yjs';
import { projectThreads } from '../../crdt/comments/index.js';
import { message, rawClient, syncStep1, updateMessage } from '../harness/raw-client.js';
import { restClient, type Answer, type CallOptions, type RestClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-administrator-token-of-32-bytes!!';
const server = await startServer({
  env: { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters!!', ADMIN_TOKEN: ADMIN },
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);
const anybody = restClient(server.http);

const tokenFor = async (sub: string, role: string, document = 'form/*'): Promise<string> => {
  const minted = await admin.post('/tokens', { sub, name: sub, grants: [{ document, role }], ttlSeconds: 600 });
  if (minted.status !== 201) throw new Error(minted.text);
  return minted.body.token as string;
};
const as = async (sub: string, role: string, document?: string): Promise<RestClient> =>
  restClient(server.http, await tokenFor(sub, role, document));

const cora = await as('cora', 'commenter');
const carl = await as('carl', 'commenter');
const vera = await as('vera', 'viewer');
const olga = await as('olga', 'owner');
const rita = await as('rita', 'respondent');
const sam = await as('sam', 'owner', 'form/other');

/** A form with two fields, the second a choice. */
const newForm = async (id: string): Promise<void> => {
  const created = await admin.post('/forms', {
    id,
    title: { en: 'A form about chess' },
    languages: ['en'],
    pages: [
      {
        id: 'p1',
        fields: [
          { id: 'f1', type: 'text', title: { en: 'Which opening do you play?' } },
          { id: 'f2', type: 'choice', title: { en: 'Colour' }, options: [{ id: 'o1', label: { en: 'White' } }] },
        ],
      },
    ],
  });
  if (created.status !== 201) throw new Error(created.text);
};
const startThread = async (by: RestClient, form: string, anchor: object, body = 'Why so?'): Promise<Answer> => {
  const started = await by.post(`/forms/${form}/threads`, { anchor, body });
  if (started.status !== 201) throw new Error(started.text);
  return started;
};
const etagOf = (answer: Answer): string => answer.headers.get('etag')!;
const idsOf = (answer: Answer): string[] => answer.body.data.map(({ id }: { id: string }) => id);

await newForm('activity');
// First of all, so that the last test finds it forgotten.
const posted = await cora.post('/forms/activity/activity', { activity: 'typing' });

void t.test('a thread is started, read, answered, assigned, resolved, reopened and deleted', async (t) => {
  await newForm('chess');
  const started = await startThread(cora, 'chess', { type: 'field', fieldId: 'f1' }, 'Why only one?');
  const thread = started.body;
  const path = `/forms/chess/threads/${thread.id}`;
  t.equal(started.headers.get('location'), `/api/v1${path}`);
  t.match(thread, {
    formId: 'chess',
    anchor: { type: 'field', fieldId: 'f1', isOrphaned: false },
    status: 'open',
    assignee: null,
    createdBy: 'cora',
    comments: [{ author: { id: 'cora', name: 'cora' }, body: 'Why only one?', editedAt: null, reactions: {} }],
  });
  const read = await vera.get(path);
  t.same(read.body, thread);
  t.equal(etagOf(read), etagOf(started));

  const reply = await carl.post(`${path}/comments`, { body: 'Most play one.' });
  t.equal(reply.status, 201, reply.text);
  t.equal(reply.headers.get('location'), `/api/v1${path}/comments/${reply.body.id}`);
  t.match(reply.body, { author: { id: 'carl' }, body: 'Most play one.', deletedAt: null });
  t.not(etagOf(reply), etagOf(started), 'the tag is that of the thread');

  const stale = { headers: { 'if-match': etagOf(started) } };
  const late = await cora.patch(path, { status: 'resolved' }, stale);
  t.equal(late.status, 412);
  t.equal(late.body.code, 'stale');
  t.equal((await cora.get(path)).body.status, 'open', 'and nothing has changed');
  const fresh = { headers: { 'if-match': etagOf(reply) } };
  const resolved = await cora.patch(path, { status: 'resolved', assignee: 'carl' }, fresh);
  t.equal(resolved.status, 200, resolved.text);
  t.match(resolved.body, { status: 'resolved', assignee: 'carl' });
  t.equal((await carl.patch(path, { status: 'open', assignee: null })).body.status, 'open', 'without a tag it merges');
  t.equal((await carl.get(path)).body.assignee, null);

  t.equal((await cora.delete(path)).status, 403, 'deleting a thread is for owners');
  t.equal((await olga.delete(path, stale)).status, 412);
  t.equal((await olga.delete(path)).status, 204);
  t.equal((await olga.get(path)).body.code, 'thread_not_found');
  t.equal((await olga.delete(path)).body.code, 'thread_not_found');
});

void t.test('a comment is edited by its author with its history, and deleted with a mark', async (t) => {
  await newForm('edits');
  const { id } = (await startThread(cora, 'edits', { type: 'form' })).body;
  const comments = `/forms/edits/threads/${id}/comments`;
  const reply = await carl.post(comments, { body: 'Becuase' });
  const path = `${comments}/${reply.body.id}`;

  t.equal((await cora.patch(path, { body: 'Mine now' })).status, 403);
  t.equal((await olga.patch(path, { body: 'Mine now' })).status, 403, 'an owner neither');
  const stale = { headers: { 'if-match': '"nonsense"' } };
  t.equal((await carl.patch(path, { body: 'Because' }, stale)).body.code, 'stale');
  const edited = await carl.patch(path, { body: 'Because' }, { headers: { 'if-match': etagOf(reply) } });
  t.equal(edited.status, 200, edited.text);
  t.equal(edited.body.body, 'Because');
  t.type(edited.body.editedAt, 'string');
  const read = await vera.get(path);
  t.same(
    read.body.history.map(({ body }: { body: string }) => body),
    ['Becuase'],
  );

  t.equal((await cora.delete(path)).status, 403);
  t.equal((await carl.delete(path, stale)).status, 412);
  t.equal((await carl.delete(path)).status, 204);
  t.equal((await carl.delete(path)).status, 204, 'twice is once');
  const marked = (await vera.get(`/forms/edits/threads/${id}`)).body.comments[1];
  t.match(marked, { id: reply.body.id, author: { id: 'carl' }, body: '', reactions: {} });
  t.type(marked.deletedAt, 'string');
  t.same((await vera.get(path)).body.history, [], 'the words are gone from the history too');
  for (const refused of [
    await carl.patch(path, { body: 'Back' }),
    await cora.put(`${path}/reactions/like`, undefined),
    await cora.delete(`${path}/reactions/like`),
  ]) {
    t.equal(refused.status, 409);
    t.equal(refused.body.code, 'comment_deleted');
  }
  const other = await carl.post(comments, { body: 'Spam' });
  t.equal((await olga.delete(`${comments}/${other.body.id}`)).status, 204, 'an owner takes down what others said');
});

void t.test('six reactions, one of each per user', async (t) => {
  await newForm('reactions');
  const { id, comments } = (await startThread(cora, 'reactions', { type: 'form' })).body;
  const path = `/forms/reactions/threads/${id}/comments/${comments[0].id}/reactions`;
  for (const reaction of ['like', 'love', 'laugh', 'wow', 'sad', 'angry']) {
    t.equal((await carl.put(`${path}/${reaction}`, undefined)).status, 200, reaction);
  }
  await carl.put(`${path}/like`, undefined);
  const liked = await cora.put(`${path}/like`, undefined);
  t.same(liked.body.reactions.like, ['carl', 'cora']);
  t.same(Object.keys(liked.body.reactions).length, 6);
  t.equal((await carl.delete(`${path}/like`)).status, 204);
  t.equal((await carl.delete(`${path}/like`)).status, 204, 'twice is once');
  t.equal((await carl.delete(`${path}/love`, { headers: { 'if-match': etagOf(liked) } })).status, 412);
  const now = (await vera.get(`/forms/reactions/threads/${id}`)).body.comments[0].reactions;
  t.same(now.like, ['cora']);
  t.same(now.love, ['carl']);
  t.equal((await carl.put(`${path}/shrug`, undefined)).status, 422);
});

void t.test('threads are listed oldest first, by status, field and assignee, page after page', async (t) => {
  await newForm('lists');
  const started: Answer[] = [];
  for (const anchor of [
    { type: 'form' },
    { type: 'field', fieldId: 'f1' },
    { type: 'option', fieldId: 'f2', optionId: 'o1' },
    { type: 'text', fieldId: 'f1', property: 'title', language: 'en', start: 6, end: 13 },
    { type: 'text', target: 'form', property: 'title', language: 'en', start: 0, end: 6 },
  ]) {
    started.push(await startThread(cora, 'lists', anchor));
  }
  const ids = started.map(({ body }) => body.id as string);
  const list = (query: string): Promise<Answer> => vera.get(`/forms/lists/threads${query}`);
  const all = await list('');
  t.same(idsOf(all).sort(), [...ids].sort());
  t.equal(all.body.nextCursor, null);
  await carl.patch(`/forms/lists/threads/${ids[0]}`, { status: 'resolved', assignee: 'carl' });
  t.same(idsOf(await list('?status=resolved')), [ids[0]]);
  t.equal((await list('?status=open')).body.data.length, 4);
  t.same(idsOf(await list('?assignee=carl')), [ids[0]]);
  t.same(idsOf(await list('?fieldId=f1')).sort(), [ids[1]!, ids[3]!].sort(), 'the field and its texts');
  t.same(idsOf(await list('?fieldId=f2')), [ids[2]], 'and its options');
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await list(`?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    t.ok(page.body.data.length <= 2);
    seen.push(...idsOf(page));
    cursor = page.body.nextCursor;
  }
  t.same(seen, idsOf(all), 'each once, in the same order');
  t.equal((await list('?status=closed')).status, 422);
  t.equal((await list('?cursor=x')).status, 422);
});

void t.test('an anchored text follows its words through live edits, and says when they are gone', async (t) => {
  await newForm('anchors');
  const anchors = [
    { type: 'text', fieldId: 'f1', property: 'title', language: 'en', start: 6, end: 13 },
    { type: 'field', fieldId: 'f1' },
    { type: 'option', fieldId: 'f2', optionId: 'o1' },
  ];
  const ids: string[] = [];
  for (const anchor of anchors) ids.push((await startThread(cora, 'anchors', anchor)).body.id as string);
  const anchorOf = async (index: number): Promise<unknown> =>
    (await vera.get(`/forms/anchors/threads/${ids[index]}`)).body.anchor;
  t.match(await anchorOf(0), { fieldId: 'f1', start: 6, end: 13, quote: 'opening', isOrphaned: false });

  const token = await tokenFor('ed', 'editor');
  const editor = stockClient(server.ws, 'form/anchors', { params: { token } });
  t.teardown(() => editor.destroy());
  await editor.synced();
  const fields = editor.doc.getMap<Y.Map<Y.Map<Y.Text>>>('fields');
  const title = fields.get('f1')!.get('title') as unknown as Y.Map<Y.Text>;
  const tag = etagOf(await vera.get(`/forms/anchors/threads/${ids[0]}`));
  title.get('en')!.insert(0, 'Say: ');
  title.get('en')!.insert(14, '-');
  await editor.saved();
  t.match(await anchorOf(0), { start: 11, end: 19, quote: 'opening', isOrphaned: false });
  t.equal(etagOf(await vera.get(`/forms/anchors/threads/${ids[0]}`)), tag, 'typing in the form makes no tag stale');

  const removed = await admin.patch('/forms/anchors', {
    operations: [
      { op: 'removeField', fieldId: 'f1' },
      { op: 'removeOption', fieldId: 'f2', optionId: 'o1' },
    ],
  });
  t.equal(removed.status, 200, removed.text);
  t.match(await anchorOf(0), { fieldId: 'f1', start: null, end: null, quote: 'opening', isOrphaned: true });
  t.same(await anchorOf(1), { type: 'field', fieldId: 'f1', isOrphaned: true });
  t.same(await anchorOf(2), { type: 'option', fieldId: 'f2', optionId: 'o1', isOrphaned: true });
  t.equal((await vera.get('/forms/anchors/threads?fieldId=f1')).body.data.length, 2, 'they can still be found');
  t.equal((await cora.post(`/forms/anchors/threads/${ids[1]}/comments`, { body: 'Gone.' })).status, 201);
});

void t.test(
  'row 10: who may comment threads and reacts, and can change neither form nor threads by sync',
  async (t) => {
    await newForm('row10');
    const token = await tokenFor('cora', 'commenter');
    const watcher = stockClient(server.ws, 'form/row10/comments', { params: { token } });
    t.teardown(() => watcher.destroy());
    await watcher.synced();
    const seen = () => projectThreads(watcher.doc, 'row10');

    const { id, comments } = (await startThread(cora, 'row10', { type: 'field', fieldId: 'f1' }, 'Live?')).body;
    await until(() => seen()[0]?.comments[0]?.body === 'Live?', { what: 'the thread appears at a connected client' });
    await carl.put(`/forms/row10/threads/${id}/comments/${comments[0].id}/reactions/wow`, undefined);
    await until(() => seen()[0]?.comments[0]?.reactions.wow?.[0] === 'carl', { what: 'so does a reaction' });

    const patch = { operations: [{ op: 'setTitle', language: 'en', value: 'Mine' }] };
    t.equal((await cora.patch('/forms/row10', patch)).status, 403);
    const before = await admin.get('/forms/row10');

    const states = new Map<string, Uint8Array>();
    for (const document of ['form/row10', 'form/row10/comments']) {
      states.set(document, await admin.bytes(`/documents/${encodeURIComponent(document)}/state`));
    }
    /** Sends a deletion, then an addition; resolves when the server has refused the latter. */
    const attack = async (document: string, bearer: string): Promise<void> => {
      const attacker = new Y.Doc();
      Y.applyUpdate(attacker, states.get(document)!);
      const updates: Uint8Array[] = [];
      attacker.on('update', (update: Uint8Array) => updates.push(update));
      attacker.transact(() => {
        for (const root of ['threads', 'fields', 'pages']) attacker.getMap(root).clear();
      });
      attacker.getMap('threads').set('evil', new Y.Map([['status', 'open']]));
      attacker.getMap<Y.Map<unknown>>('fields').set('evil', new Y.Map([['type', 'text']]));
      const raw = await rawClient(`${server.ws}/${encodeURIComponent(document)}?token=${bearer}`);
      t.teardown(() => raw.destroy());
      raw.send(syncStep1());
      for (const update of updates) raw.send(updateMessage(update));
      await until(() => raw.ofType(2).length > 0, { what: `${document}: told that it may not` });
      t.equal(raw.closed, undefined, 'and stays connected');
      raw.send(message(3));
    };
    await attack('form/row10', token);
    await attack('form/row10/comments', token);
    await attack('form/row10/comments', ADMIN);
    t.same((await admin.get('/forms/row10')).body, before.body, 'the form is as it was');
    t.same(idsOf(await cora.get('/forms/row10/threads')), [id], 'and so are the threads');
    const refused = await admin.post('/documents/form%2Frow10%2Fcomments/updates', states.get('form/row10/comments'));
    t.equal(refused.status, 403);
    t.equal(refused.body.code, 'server_written');

    await cora.post(`/forms/row10/threads/${id}/comments`, { body: 'Still live' });
    await until(() => seen()[0]?.comments[1]?.body === 'Still live');
    t.equal(seen().length, 1, 'nobody saw what was refused');
  },
);

void t.test('comments cannot be read over sync by a respondent or a stranger', async (t) => {
  await newForm('secret');
  for (const [who, token] of [
    ['a respondent', await tokenFor('rita', 'respondent')],
    ['a stranger', await tokenFor('sam', 'owner', 'form/other')],
  ] as const) {
    const client = stockClient(server.ws, 'form/secret/comments', { params: { token } });
    t.teardown(() => client.destroy());
    await until(() => client.closes.includes(4403), { what: `${who} is closed with 4403` });
    t.notOk(client.provider.synced, who);
  }
});

interface Endpoint {
  readonly method: 'get' | 'post' | 'patch' | 'put' | 'delete';
  readonly path: string;
  readonly body?: unknown;
  /** What a viewer gets. */
  readonly viewer: number;
}
const call = (client: RestClient, { method, path, body }: Endpoint, options: CallOptions = {}): Promise<Answer> =>
  method === 'get' || method === 'delete' ? client[method](path, options) : client[method](path, body, options);

void t.test('every endpoint: 401 without a token, 403 without the right, 404 for what is not there', async (t) => {
  await newForm('rights');
  const { id, comments } = (await startThread(olga, 'rights', { type: 'form' })).body;
  const endpointsAt = (form: string, thread: string, comment: string): Endpoint[] => {
    const one = `/forms/${form}/threads/${thread}`;
    const ofComment = `${one}/comments/${comment}`;
    return [
      { method: 'get', path: `/forms/${form}/threads`, viewer: 200 },
      { method: 'post', path: `/forms/${form}/threads`, body: { anchor: { type: 'form' }, body: 'x' }, viewer: 403 },
      { method: 'post', path: `/forms/${form}/activity`, body: { activity: 'viewing' }, viewer: 403 },
      { method: 'get', path: `/forms/${form}/subscription`, viewer: 403 },
      { method: 'put', path: `/forms/${form}/subscription`, body: { mode: 'mute' }, viewer: 403 },
      { method: 'delete', path: `/forms/${form}/subscription`, viewer: 403 },
      { method: 'get', path: one, viewer: 200 },
      { method: 'patch', path: one, body: { status: 'resolved' }, viewer: 403 },
      { method: 'get', path: `${one}/subscription`, viewer: 403 },
      { method: 'put', path: `${one}/subscription`, body: { mode: 'mute' }, viewer: 403 },
      { method: 'delete', path: `${one}/subscription`, viewer: 403 },
      { method: 'post', path: `${one}/comments`, body: { body: 'x' }, viewer: 403 },
      { method: 'get', path: ofComment, viewer: 200 },
      { method: 'patch', path: ofComment, body: { body: 'y' }, viewer: 403 },
      { method: 'put', path: `${ofComment}/reactions/like`, viewer: 403 },
      { method: 'delete', path: `${ofComment}/reactions/like`, viewer: 403 },
      { method: 'delete', path: ofComment, viewer: 403 },
      { method: 'delete', path: one, viewer: 403 },
    ];
  };
  const codeOf = ({ status, body }: Answer): string => `${status} ${body?.code ?? ''}`.trim();
  for (const endpoint of endpointsAt('rights', id as string, comments[0].id as string)) {
    const name = `${endpoint.method} ${endpoint.path.replace(/[0-9a-zA-Z_-]{12,}/g, ':id')}`;
    t.equal(codeOf(await call(anybody, endpoint)), '401 token_missing', `${name}: nobody`);
    t.equal(codeOf(await call(sam, endpoint)), '404 form_not_found', `${name}: a stranger`);
    t.equal(codeOf(await call(rita, endpoint)), '403 forbidden', `${name}: a respondent`);
    t.equal((await call(vera, endpoint)).status, endpoint.viewer, `${name}: a viewer`);
    if (endpoint.viewer === 200) continue;
    if (endpoint.body === undefined) continue;
    const send = async (body: unknown, type = 'application/json'): Promise<string> =>
      codeOf(await call(olga, { ...endpoint, body }, { headers: { 'content-type': type } }));
    t.equal(await send('{"a'), '400 malformed_json', name);
    t.equal(await send('<a/>', 'application/xml'), '415 unsupported_media_type', name);
    t.equal(await send({ ...endpoint.body, extra: 1 }), '422 validation_failed', name);
    t.equal(await send([]), '422 validation_failed', name);
  }
  for (const endpoint of endpointsAt('nowhere', 't', 'c')) {
    t.equal(codeOf(await call(olga, endpoint)), '404 form_not_found', `${endpoint.method} ${endpoint.path}`);
  }
  for (const endpoint of endpointsAt('rights', 'nothread', 'c').filter(({ path }) => path.includes('nothread'))) {
    t.equal(codeOf(await call(olga, endpoint)), '404 thread_not_found', `${endpoint.method} ${endpoint.path}`);
  }
  for (const endpoint of endpointsAt('rights', id as string, 'noone').filter(({ path }) => path.includes('noone'))) {
    t.equal(codeOf(await call(olga, endpoint)), '404 comment_not_found', `${endpoint.method} ${endpoint.path}`);
  }
  t.equal((await vera.get('/forms/rights/threads')).body.data.length, 1, 'and nothing has changed');
  t.equal((await vera.get(`/forms/rights/threads/${id}`)).body.status, 'open');
});

void t.test('wrong values are named with their place', async (t) => {
  await newForm('wrong');
  const { id } = (await startThread(cora, 'wrong', { type: 'form' })).body;
  const text = { type: 'text', fieldId: 'f1', property: 'title', language: 'en', start: 0, end: 5 };
  const anchored = (anchor: unknown): object => ({ anchor, body: 'x' });
  const cases: [string, object, string][] = [
    ['/threads', anchored({ type: 'page', pageId: 'p1' }), 'anchor.type'],
    ['/threads', anchored({ type: 'field' }), 'anchor.fieldId'],
    ['/threads', anchored({ type: 'field', fieldId: 'f9' }), 'anchor.fieldId'],
    ['/threads', anchored({ type: 'option', fieldId: 'f2', optionId: 'o9' }), 'anchor.optionId'],
    ['/threads', anchored({ ...text, end: 500 }), 'anchor.end'],
    ['/threads', anchored({ ...text, start: 5 }), 'anchor.end'],
    ['/threads', anchored({ ...text, start: -1 }), 'anchor.start'],
    ['/threads', anchored({ ...text, language: 'fr' }), 'anchor.property'],
    ['/threads', anchored({ ...text, property: 'colour' }), 'anchor.property'],
    ['/threads', { anchor: { type: 'form' } }, 'body'],
    [`/threads/${id}/comments`, { body: ' \n ' }, 'body'],
    [`/threads/${id}/comments`, { body: 'x'.repeat(10_001) }, 'body'],
    [`/threads/${id}/comments`, { body: 7 }, 'body'],
    [`/threads/${id}/comments`, { body: Array.from({ length: 51 }, (_, i) => `@[u${i}]`).join('') }, 'body'],
    ['/activity', { activity: 'sleeping' }, 'activity'],
  ];
  for (const [path, body, at] of cases) {
    const answer = await cora.post(`/forms/wrong${path}`, body);
    t.equal(answer.status, 422, JSON.stringify(body).slice(0, 100));
    t.equal(answer.body.code, 'validation_failed');
    t.equal(answer.body.errors[0].path, at, answer.text.slice(0, 300));
  }
  for (const body of [{}, { status: 'closed' }, { assignee: '' }, { assignee: 7 }]) {
    t.equal((await cora.patch(`/forms/wrong/threads/${id}`, body)).status, 422, JSON.stringify(body));
  }
  t.equal((await cora.put('/forms/wrong/subscription', { mode: 'shout' })).body.errors[0].path, 'mode');
  t.equal((await cora.get('/forms/wrong/threads/no%20id')).status, 422);
  const elsewhere = await cora.post('/forms/wrong/activity', { activity: 'typing', threadId: 'nowhere' });
  t.equal(elsewhere.body.code, 'thread_not_found');
  t.equal((await vera.get('/forms/wrong/threads')).body.data.length, 1);
});

void t.test('the same request with an Idempotency-Key says it once', async (t) => {
  await newForm('once');
  const headers = { 'idempotency-key': 'thread-1' };
  const body = { anchor: { type: 'form' }, body: 'Once' };
  const [first, second] = [
    await cora.post('/forms/once/threads', body, { headers }),
    await cora.post('/forms/once/threads', body, { headers }),
  ];
  t.same(second.body, first.body);
  t.equal(second.headers.get('idempotency-replayed'), 'true');
  const other = await cora.post('/forms/once/threads', { ...body, body: 'Twice' }, { headers });
  t.equal(other.status, 409);
  t.equal(other.body.code, 'idempotency_key_reused');
  t.equal((await cora.get('/forms/once/threads')).body.data.length, 1);
});

void t.test('many at once in one thread: everything said and every reaction is there', async (t) => {
  await newForm('busy');
  const { id, comments } = (await startThread(cora, 'busy', { type: 'form' })).body;
  const path = `/forms/busy/threads/${id}`;
  const people = await Promise.all(Array.from({ length: 10 }, (_, i) => as(`p${i}`, 'commenter', 'form/busy')));
  await Promise.all(
    people.flatMap((person, i) => [
      person.post(`${path}/comments`, { body: `first of ${i}` }),
      person.put(`${path}/comments/${comments[0].id}/reactions/like`, undefined),
      person.post(`${path}/comments`, { body: `second of ${i}` }),
    ]),
  );
  const thread = (await vera.get(path)).body;
  t.equal(new Set(thread.comments.map(({ body }: { body: string }) => body)).size, 21);
  t.equal(thread.comments[0].reactions.like.length, 10);
});

void t.test('activity that is posted stands in presence beside the sockets, for ten seconds', async (t) => {
  t.equal(posted.status, 204, posted.text);
  await newForm('present');
  const { id } = (await startThread(cora, 'present', { type: 'form' })).body;
  const editor = stockClient(server.ws, 'form/present', { params: { token: await tokenFor('ed', 'editor') } });
  t.teardown(() => editor.destroy());
  await editor.synced();
  editor.provider.awareness.setLocalState({ activity: 'typing', field: 'f1', threadId: id });
  await cora.post('/forms/present/activity', { activity: 'viewing' });
  await cora.post('/forms/present/activity', { activity: 'commenting', threadId: id });
  const here = (by: RestClient): Promise<Answer> => by.get('/forms/present/presence');
  await until(async () => (await here(vera)).body.data.length === 2, { what: 'a socket and a poster' });
  const byUser = (answer: Answer, user: string): unknown =>
    answer.body.data.find((each: { user: { id: string } }) => each.user.id === user);
  const seen = await here(vera);
  t.match(byUser(seen, 'ed'), { role: 'editor', activity: 'typing', field: 'f1', threadId: id });
  t.match(byUser(seen, 'cora'), {
    user: { id: 'cora', name: 'cora' },
    role: 'commenter',
    activity: 'commenting',
    threadId: id,
    clientId: null,
  });
  t.equal((await here(rita)).status, 403, 'who works on the form is nothing for respondents');
  await until(async () => (await vera.get('/forms/activity/presence')).body.data.length === 0, {
    what: 'what was posted first is forgotten',
  });
});

void t.test('threads outlive a crash', async (t) => {
  await newForm('crash');
  const { id } = (await startThread(cora, 'crash', { type: 'form' }, 'Kept')).body;
  await server.kill();
  const again = await startServer({
    env: { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters!!', ADMIN_TOKEN: ADMIN },
    dataDir: server.dataDir,
    port: server.port,
  });
  t.teardown(() => again.kill());
  t.equal((await vera.get(`/forms/crash/threads/${id}`)).body.comments[0].body, 'Kept');
});
