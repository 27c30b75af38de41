import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import type * as Y from 'yjs';
import { restClient } from '../harness/rest-client.js';
import { openFolder } from '../../server/storage/testing/embedded-folder.js';
import { composeServer } from '../harness/composed-server.js';
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

const tokenFor = async (sub: string, role: string, document = 'form/*', more: object = {}): Promise<string> => {
  const minted = await admin.post('/tokens', {
    sub,
    name: sub,
    grants: [{ document, role, ...more }],
    ttlSeconds: 600,
  });
  if (minted.status !== 201) throw new Error(minted.text);
  return minted.body.token as string;
};

void t.test('who may do what: 401 without a token, 404 without any right, 403 without this right', async (t) => {
  await admin.post('/forms', { id: 'rights', title: { en: 'R' } });
  const patch = { operations: [{ op: 'setTitle', target: 'form', language: 'en', value: 'S' }] };
  const roles = {
    viewer: restClient(server.http, await tokenFor('vera', 'viewer')),
    editor: restClient(server.http, await tokenFor('ed', 'editor')),
    owner: restClient(server.http, await tokenFor('olga', 'owner')),
    stranger: restClient(server.http, await tokenFor('sam', 'owner', 'form/other')),
  };
  const missing = await anybody.get('/forms/rights');
  t.equal(missing.status, 401);
  t.equal(missing.body.code, 'token_missing');
  t.match(missing.headers.get('www-authenticate'), /Bearer/);
  t.equal((await restClient(server.http, 'nonsense').get('/forms/rights')).body.code, 'token_invalid');
  t.equal((await roles.stranger.get('/forms/rights')).status, 404, 'its existence is a secret');
  t.same((await roles.stranger.get('/forms')).body.data, []);
  t.equal((await roles.viewer.get('/forms/rights')).status, 200);
  t.equal((await roles.viewer.patch('/forms/rights', patch)).status, 403);
  t.equal((await roles.editor.patch('/forms/rights', patch)).status, 200);
  t.equal((await roles.editor.delete('/forms/rights')).status, 403);
  t.equal((await roles.viewer.post('/forms', { id: 'mine' })).status, 403);
  t.equal((await roles.editor.post('/forms', { id: 'mine' })).status, 201);
  for (const path of ['/documents', '/connections', '/audit']) t.equal((await roles.owner.get(path)).status, 403, path);
  t.equal((await roles.owner.post('/tokens', { sub: 'x', grants: [{ document: '*', role: 'admin' }] })).status, 403);
  t.equal((await roles.owner.delete('/forms/rights')).status, 200);
});

void t.test('row 12: an editor limited to French changes French texts alone', async (t) => {
  await admin.post('/forms', { id: 'langs', title: { en: 'Hi', fr: 'Salut' }, languages: ['en', 'fr'] });
  const translator = restClient(server.http, await tokenFor('tr', 'editor', 'form/langs', { languages: ['fr'] }));
  const set = (language: string, value: string) => ({
    operations: [{ op: 'setTitle', target: 'form', language, value }],
  });
  t.equal((await translator.patch('/forms/langs', set('fr', 'Bonjour'))).status, 200);
  const refused = await translator.patch('/forms/langs', set('en', 'Hello'));
  t.equal(refused.status, 403);
  t.equal(refused.body.code, 'out_of_scope');
  t.same(refused.body.errors[0].path, 'form.title.en');
  t.same((await admin.get('/forms/langs')).body.title, { en: 'Hi', fr: 'Bonjour' });
});

void t.test('paths of a token mean the same over REST and sync, for owners too', async (t) => {
  const field = (id: string, title: string) => ({ id, type: 'text', title: { en: title } });
  const pages = [{ id: 'p', title: { en: 'P' }, fields: [field('f1', 'One'), field('f2', 'Two')] }];
  await admin.post('/forms', { id: 'paths', title: { en: 'Hi' }, pages });
  const paths = ['fields/f1/title', 'pages/'];
  const token = await tokenFor('pat', 'owner', 'form/paths', { paths });
  const limited = restClient(server.http, token);
  const set = async (target: string, path: string, value: unknown) =>
    (await limited.patch('/forms/paths', { operations: [{ op: 'setProperty', target, path, value }] })).status;
  const kept = await admin.post('/documents/form%2Fpaths/snapshots', { label: 'kept' });
  await admin.patch('/forms/paths', {
    operations: [{ op: 'setTitle', target: 'fields/f2', language: 'en', value: '2' }],
  });
  const results = [
    await set('fields/f1', 'title.en', 'First'),
    await set('pages/p', 'title.en', 'Page'),
    await set('fields/f1', 'required', true),
    await set('fields/f2', 'title.en', 'Second'),
    await set('form', 'title.en', 'Form'),
  ];
  t.same(results, [200, 200, 403, 403, 403]);
  const restored = await limited.post(`/documents/form%2Fpaths/snapshots/${String(kept.body.id)}/restore`);
  t.match([restored.status, restored.body.code], [403, 'out_of_scope']);
  t.match(
    restored.body.errors.map(({ path }: { path: string }) => path),
    ['fields/f2.title.en'],
  );
  const policy = await limited.put('/forms/paths/policy', { default: 'manual', fields: {} });
  t.match([policy.status, policy.body.code], [403, 'out_of_scope']);

  const socket = stockClient(server.ws, 'form/paths', { params: { token } });
  t.teardown(() => socket.destroy());
  await socket.synced();
  const fields = socket.doc.getMap<Y.Map<Y.Map<Y.Text>>>('fields');
  const titleOf = (id: string): Y.Text | undefined => fields.get(id)?.get('title')?.get('en');
  socket.doc.transact(() => {
    titleOf('f2')?.insert(0, 'not ');
    titleOf('f1')?.insert(0, 'The ');
  });
  await until(async () => (await admin.get('/forms/paths')).body.pages[0].fields[0].title.en === 'The First');
  t.equal((await admin.get('/forms/paths')).body.pages[0].fields[1].title.en, '2');
});

void t.test('row 9: a revoked token is out everywhere within a second', async (t) => {
  await admin.post('/forms', { id: 'revoked' });
  const token = await tokenFor('rita', 'editor', 'form/revoked');
  const socket = stockClient(server.ws, 'form/revoked', { params: { token } });
  t.teardown(() => socket.destroy());
  await socket.synced();
  t.equal((await admin.post('/tokens/revoke', { sub: 'rita' })).status, 204);
  await until(() => socket.closes.includes(4401), { what: 'the socket is closed with 4401' });
  t.equal((await restClient(server.http, token).get('/forms/revoked')).body.code, 'token_revoked');
  const anew = await tokenFor('rita', 'editor', 'form/revoked');
  t.equal((await restClient(server.http, anew).get('/forms/revoked')).status, 200, 'a token minted later is good');
});

void t.test('what never reaches a route is a problem too', async (t) => {
  for (const [name, request, code] of [
    ['a path that cannot be decoded', 'GET /api/v1/forms/%E0%A4%A HTTP/1.1\r\nhost: x', '400 bad_request'],
    ['what is no HTTP', 'NONSENSE', '400 bad_request'],
    ['headers without end', `GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}`, '431 headers_too_large'],
  ] as const) {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${request}\r\nconnection: close\r\n\r\n`);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    t.match(head, /content-type: application\/problem\+json/i, name);
    const problem = JSON.parse(body) as { status: number; code: string };
    t.equal(`${problem.status} ${problem.code}`, code, name);
    t.match(head, new RegExp(`^HTTP/1.1 ${problem.status} `), name);
  }
});

void t.test('a body without a byte is none; one that is not UTF-8, or compressed, is refused', async (t) => {
  const json = { 'content-type': 'application/json' };
  const created = await admin.post('/forms', { id: 'bodies' });
  t.equal(created.status, 201);
  t.equal((await admin.post('/forms/bodies/publish', '', { headers: json })).status, 201, 'there is nothing to send');
  t.equal((await admin.post('/forms', '', { headers: json })).body.code, 'validation_failed', 'there should be a form');
  t.equal((await admin.delete('/forms/bodies', { headers: json })).status, 200);
  const latin = await admin.post('/forms', Buffer.from('{"title":{"en":"caf\u00e9"}}', 'latin1'), { headers: json });
  t.match([latin.status, latin.body.code], [400, 'malformed_json']);
  const gzip = await admin.post('/forms', gzipSync('{}'), { headers: { ...json, 'content-encoding': 'gzip' } });
  t.match([gzip.status, gzip.body.code], [415, 'unsupported_media_type']);
});

void t.test('what is not the same for every origin says so, whatever else it varies by', async (t) => {
  await admin.post('/forms', { id: 'varied', pages: [{ id: 'p', fields: [{ id: 'a', type: 'text' }] }] });
  await admin.post('/forms/varied/publish');
  const { id } = (await admin.post('/documents/form%2Fvaried/snapshots', {})).body;
  const sheet = (await admin.post('/forms/varied/submissions', {})).body;
  for (const path of [
    '/forms/varied',
    `/forms/varied/submissions/${sheet.id as string}`,
    `/documents/form%2Fvaried/snapshots/${id as string}`,
  ]) {
    const answer = await admin.get(path);
    t.match([answer.status, answer.headers.get('vary')], [200, /\borigin\b/i], path);
  }
});

void t.test('wrong input gets the stated problem, and nothing internal', async (t) => {
  await admin.post('/forms', { id: 'wrong' });
  const json = { 'content-type': 'application/json' };
  const cases: [
    string,
    () => Promise<{ status: number; body: { code: string; errors?: { path: string }[] }; text: string }>,
    number,
    string,
  ][] = [
    ['no JSON', () => admin.post('/forms', '{"id": ', { headers: json }), 400, 'malformed_json'],
    [
      'prototype pollution',
      () => admin.post('/forms', '{"__proto__": {"x": 1}}', { headers: json }),
      400,
      'malformed_json',
    ],
    [
      'another type',
      () => admin.post('/forms', 'id=1', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      415,
      'unsupported_media_type',
    ],
    ['a wrong member', () => admin.post('/forms', { id: 'x', pages: [{ id: 'p 1' }] }), 422, 'validation_failed'],
    ['an unknown member', () => admin.post('/forms', { id: 'x', admin: true }), 422, 'validation_failed'],
    [
      'an unknown format',
      () => admin.post('/forms', { import: { format: 'word', source: {} } }),
      422,
      'validation_failed',
    ],
    [
      'a source that is no form',
      () => admin.post('/forms', { import: { format: 'gcforms', source: [1, 2] } }),
      422,
      'invalid_source',
    ],
    [
      'two fields of one id',
      () =>
        admin.post('/forms', {
          id: 'x',
          pages: [
            {
              id: 'p',
              fields: [
                { id: 'f', type: 'text' },
                { id: 'f', type: 'text' },
              ],
            },
          ],
        }),
      422,
      'validation_failed',
    ],
    [
      'an unknown operation',
      () => admin.patch('/forms/wrong', { operations: [{ op: 'explode' }] }),
      422,
      'validation_failed',
    ],
    ['no operations', () => admin.patch('/forms/wrong', { operations: [] }), 422, 'validation_failed'],
    ['an id that is none', () => admin.get('/forms/no%20id'), 422, 'validation_failed'],
    ['an unknown form', () => admin.get('/forms/unknown'), 404, 'form_not_found'],
    ['a limit out of bounds', () => admin.get('/forms?limit=1000'), 422, 'validation_failed'],
    ['a document name', () => admin.get('/documents/a%2F..%2Fb'), 400, 'document_name_invalid'],
    ['an unknown path', () => admin.get('/nothing'), 404, 'not_found'],
    ['too large', () => admin.post('/forms', { title: { en: 'x'.repeat(9 * 1024 * 1024) } }), 413, 'too_large'],
    [
      'too deep',
      () => admin.post('/forms', `{"settings": ${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`, { headers: json }),
      422,
      'validation_failed',
    ],
    [
      'an empty key',
      () => admin.post('/forms', {}, { headers: { 'idempotency-key': 'x'.repeat(300) } }),
      400,
      'bad_request',
    ],
  ];
  for (const [name, answer, status, code] of cases) {
    const { status: got, body, text } = await answer();
    t.equal(got, status, `${name}: ${text.slice(0, 200)}`);
    t.equal(body.code, code, name);
    t.notMatch(text, /node_modules|at .*\.js|\.ts:/, `${name}: no stack`);
  }
  const problem = await admin.get('/forms/unknown?token=very-secret');
  t.match(problem.headers.get('content-type'), 'application/problem+json');
  t.match(problem.body, {
    type: 'urn:formloom:problem:form_not_found',
    title: String,
    status: 404,
    detail: String,
    instance: '/api/v1/forms/unknown',
  });
  t.notMatch(problem.text, 'very-secret');
  t.equal((await admin.get('/health/ready')).status, 200, 'the server is up');
  t.notMatch(server.output(), 'very-secret', 'no token in the log');
});

void t.test(
  'an answer that is kept gives its secrets to whoever repeats the request, not to who reads the store',
  async (t) => {
    const secret = 'a-secret-that-signs-tokens-in-tests!';
    const env = { AUTH: 'jwt', JWT_SECRET: secret, ADMIN_TOKEN: ADMIN };
    const first = await composeServer({ env });
    t.teardown(() => first.cleanup());
    const headers = { 'idempotency-key': 'mint-once' };
    const mint = (http: string, sub = 'ada') =>
      restClient(http, ADMIN).post('/tokens', { sub, grants: [{ document: 'x', role: 'viewer' }] }, { headers });
    const minted = await mint(first.http);
    t.equal(minted.status, 201, minted.text);
    const again = await mint(first.http);
    t.same([again.status, again.body], [201, minted.body]);
    t.equal(again.headers.get('idempotency-replayed'), 'true');
    t.equal((await mint(first.http, 'eve')).body.code, 'idempotency_key_reused');
    await first.close();

    const store = await openFolder(t, first.dataDir);
    const token = minted.body.token as string;
    let kept = 0;
    for await (const { key, value } of store.records.scan([])) {
      const text = `${key.join('/')} ${Buffer.from(value).toString('latin1')}`;
      if (key[0] === 'idempotency') kept += 1;
      for (const told of [token, Buffer.from(token).toString('base64').slice(4, 40), 'mint-once']) {
        t.notOk(text.includes(told), key.join('/'));
      }
    }
    t.equal(kept, 1);
    await store.close();
    const second = await composeServer({ env: { ...env, JWT_SECRET: `${secret}!` }, dataDir: first.dataDir });
    t.teardown(() => second.close());
    t.match((await mint(second.http)).body, { status: 409, code: 'conflict' }, 'not minted twice');
  },
);

void t.test('health needs no token and tells administrators more; metrics and the root answer', async (t) => {
  t.same((await anybody.get('/health')).body, { status: 'ok' });
  t.match((await admin.get('/health')).body, { status: 'ok', version: String, checks: { store: 'ok' } });
  t.same((await anybody.get('/health/live')).body, { status: 'ok' });
  const metrics = await (await fetch(`${server.http}/metrics`)).text();
  t.match(metrics, /formloom_http_request_duration_seconds_count\{/);
  t.match(await (await fetch(server.http)).json(), { name: 'Formloom', docs: '/api/v1/docs' });
});

void t.test('OpenAPI 3.1 describes every route, and its page loads nothing from elsewhere', async (t) => {
  const document = (await anybody.get('/openapi.json')).body;
  t.equal(document.openapi, '3.1.0');
  for (const path of [
    '/api/v1/forms',
    '/api/v1/forms/{formId}',
    '/api/v1/documents/{name}/snapshots/{id}/restore',
    '/api/v1/tokens/revoke',
    '/api/v1/health/ready',
  ]) {
    t.ok(path in document.paths, path);
  }
  const ids = Object.values(document.paths as Record<string, Record<string, { operationId: string }>>).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  );
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique');
  const refs = new Set(JSON.stringify(document).match(/#\/components\/schemas\/[A-Za-z0-9]+/g) ?? []);
  for (const ref of refs) t.ok(document.components.schemas[ref.split('/').pop()!] !== undefined, `${ref} is there`);
  const page = await fetch(`${server.http}/api/v1/docs`);
  t.equal(page.status, 200);
  t.notMatch(await page.text(), /(src|href)="(https?:)?\/\//);
});

void t.test('drain: unready at once, sockets closed with 1012', async (t) => {
  const socket = stockClient(server.ws, 'form/drained', { params: { token: await tokenFor('dora', 'editor') } });
  t.teardown(() => socket.destroy());
  await socket.synced();
  t.equal((await admin.post('/drain')).status, 202);
  await until(() => socket.closes.includes(1012));
  const ready = await anybody.get('/health/ready');
  t.equal(ready.status, 503);
  t.equal(ready.body.checks.gateway, 'draining');
});
