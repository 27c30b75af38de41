/** Threats by who pretends to be somebody, or somewhere: see the threat model in docs/security.md. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { TOKEN_COOKIE } from '../../server/auth/index.js';
import { readSocket } from '../harness/feed-reader.js';
import { rawClient } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-administrator-token-of-32-bytes!!';
const SECRET = 'a-secret-of-at-least-32-characters!!';
const server = await startServer({
  env: { AUTH: 'jwt', JWT_SECRET: SECRET, ADMIN_TOKEN: ADMIN, LOG_LEVEL: 'trace' },
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);
const ROOT = path.join(import.meta.dirname, '../..');

const tokenFor = async (sub: string, role: string, document: string): Promise<string> =>
  (await admin.post('/tokens', { sub, grants: [{ document, role }], ttlSeconds: 600 })).body.token as string;

void t.test('T1: no token reaches a log, a problem or the audit, whichever way it comes', async (t) => {
  const token = await tokenFor('ann', 'editor', 'notes/*');
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  const sockets = [
    await rawClient(`${server.ws}/notes/a?token=${token}`),
    await rawClient(`${server.ws}/notes/a?token=${forged}`),
    await rawClient(`${server.ws}/notes/a`, { authorization: `Bearer ${token}` }),
    await rawClient(`${server.ws}/notes/a`, { cookie: `${TOKEN_COOKIE}=${token}`, origin: server.http }),
  ];
  for (const socket of sockets) socket.destroy();
  const anybody = restClient(server.http);
  const answers = [
    await anybody.get(`/documents/notes%2Fa?token=${token}`),
    await anybody.get(`/documents/notes%2Fnone?token=${token}`),
    await anybody.get(`/nowhere?token=${token}&secret=${SECRET}`),
    await anybody.get('/forms', { token: forged }),
    await anybody.post(`/forms?token=${token}`, '{"broken', { headers: { 'content-type': 'application/json' } }),
    await admin.get('/audit'),
    await admin.get('/security/events'),
    await admin.get('/events'),
    await admin.get('/connections'),
  ];
  const places = { log: server.output(), ...Object.fromEntries(answers.map(({ text }, i) => [`answer ${i}`, text])) };
  t.match(places.log, /"level":"(debug|trace)"/, 'everything is logged');
  for (const [place, text] of Object.entries(places)) {
    for (const secret of [token, forged, token.split('.')[2]!, ADMIN, SECRET]) {
      t.notOk(text.includes(secret), `${place} holds no token`);
    }
  }
});

void t.test('T2: a page of another site gets nowhere with the cookie, over no door', async (t) => {
  const token = await tokenFor('ben', 'editor', 'notes/*');
  const cookie = `${TOKEN_COOKIE}=${token}`;
  const ofTheApp = { cookie, origin: server.http };
  const evil = { cookie, origin: 'https://evil.example' };
  const hijacked = await rawClient(`${server.ws}/notes/b`, evil);
  t.equal((await hijacked.closing()).code, 4401, 'a WebSocket to a document');
  const own = await rawClient(`${server.ws}/notes/b`, ofTheApp);
  t.teardown(() => own.destroy());
  own.send(new Uint8Array([0, 0, 1, 0]));
  t.equal(own.closed, undefined, 'the app itself is let in');
  const [strange, feed] = [await readSocket(server.ws, '', evil), await readSocket(server.ws, '', ofTheApp)];
  await until(() => strange.ended !== undefined);
  t.equal(strange.ended?.code, 4401, 'the event feed');
  t.equal(feed.ended, undefined);
  await feed.close();
  const write = { headers: { ...evil, 'content-type': 'application/json' } };
  t.equal((await restClient(server.http).get('/forms', { headers: evil })).status, 401, 'REST');
  t.equal((await restClient(server.http).post('/analytics/events', { events: [] }, write)).status, 401);
  // Without an Origin a browser says where a request comes from in another way; a form of another site says so too.
  const crossSite = { headers: { cookie, 'sec-fetch-site': 'cross-site' } };
  t.equal((await restClient(server.http).get('/forms', crossSite)).status, 401);
});

void t.test('T3: headers say nothing about who or where somebody is, unless a trusted proxy wrote them', async (t) => {
  const token = await tokenFor('cid', 'editor', 'notes/*');
  const lies = {
    'x-user': 'root',
    'x-forwarded-for': '203.0.113.9',
    'x-real-ip': '203.0.113.9',
    forwarded: 'for=203.0.113.9',
    'x-forwarded-user': 'root',
  };
  const client = await rawClient(`${server.ws}/notes/c?user=root`, { ...lies, authorization: `Bearer ${token}` });
  t.teardown(() => client.destroy());
  const [connection] = (await admin.get('/connections')).body.data.filter(
    ({ document }: { document: string }) => document === 'notes/c',
  );
  t.equal(connection.user?.id ?? connection.userId ?? connection.principal?.id, 'cid');
  t.notOk(JSON.stringify(connection).includes('203.0.113.9'));
  t.equal((await restClient(server.http).get('/forms?user=root', { headers: lies })).status, 401);
});

void t.test('T4: an answer that was kept for one caller is not replayed to another', async (t) => {
  const [dee, eve] = await Promise.all([
    tokenFor('dee', 'commenter', 'form/idem'),
    tokenFor('eve', 'commenter', 'form/idem'),
  ]);
  await admin.post('/forms', { id: 'idem' });
  const headers = { 'idempotency-key': 'the-same' };
  const body = { anchor: { type: 'form' }, body: 'Mine' };
  const [first, second] = [
    await admin.post('/forms/idem/threads', body, { token: dee, headers }),
    await admin.post('/forms/idem/threads', body, { token: eve, headers }),
  ];
  t.equal(first.body.comments[0].author.id, 'dee');
  t.equal(second.body.comments?.[0].author.id, 'eve', second.text);
});

void t.test('T5: AUTH=off starts on loopback alone', async (t) => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    const open = await startServer({ env: { AUTH: 'off', HOST: host }, isExpectedToFail: true });
    t.teardown(() => open.cleanup());
    const code = await new Promise((resolve) => open.child.once('exit', resolve));
    t.equal(code, 2, host);
    await open.said(/AUTH: off gives everybody/);
  }
});

void t.test('T6: what the browser shows runs no script but its own, and stands in no frame', async (t) => {
  for (const [page, isApp] of [
    ['/app/', true],
    ['/app/forms/x', true],
    ['/api/v1/docs', false],
    ['/api/v1/openapi.json', false],
    ['/api/v1/forms', false],
  ] as const) {
    const { headers } = await fetch(`${server.http}${page}`, { redirect: 'follow' });
    const policy = headers.get('content-security-policy') ?? '';
    t.match(policy, /default-src '(none|self)'/, page);
    t.match(policy, /frame-ancestors '(none|self)'/, page);
    t.notMatch(policy, /unsafe-eval|\*/, page);
    const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? '';
    t.notMatch(scripts, /unsafe-inline|https?:|data:/, page);
    t.equal(headers.get('x-content-type-options'), 'nosniff', page);
    if (isApp) t.equal(headers.get('referrer-policy'), 'no-referrer');
  }
});

void t.test('T7: secrets are compared in constant time, by digests of equal length', async (t) => {
  // Where secrets of callers are looked at; nobody outside chooses what storage and configuration compare.
  const folders = ['server/auth', 'server/gateway', 'api'];
  const files = (await Promise.all(folders.map((folder) => sourcesIn(path.join(ROOT, folder))))).flat();
  t.ok(files.length > 100);
  // A secret beside === or !==; comparing it with `undefined`, '' or a type is none.
  const comparison =
    /\b\w*(?:secret|token|password|digest|signature|hmac)\w*\s*[!=]==\s*(?!undefined\b|null\b|''|'[a-z]+')[\w.]+/gi;
  const found: string[] = [];
  for (const file of files) {
    for (const [match] of (await readFile(file, 'utf8')).matchAll(comparison)) {
      found.push(`${path.relative(ROOT, file)}: ${match}`);
    }
  }
  t.same(found, []);
  const authenticator = await readFile(path.join(ROOT, 'server/auth/authenticator.ts'), 'utf8');
  t.match(authenticator, /timingSafeEqual\(tokenDigest, this\.#adminDigest\)/);
});

async function sourcesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$/.test(name))
    .map((name) => path.join(folder, name));
}
