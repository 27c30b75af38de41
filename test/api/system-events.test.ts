import t from 'tap';
import { composeServer } from '../harness/composed-server.js';
import { readSocket, readStream } from '../harness/feed-reader.js';
import { rawClient } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-admin-token-that-is-long-enough-1';
const ENV = { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters-xx', ADMIN_TOKEN: ADMIN };
const server = await composeServer({ env: { ...ENV, MAX_FRAME_BYTES: '65536' }, alertsEveryMs: 50 });
t.teardown(() => server.cleanup());
const api = restClient(server.http, ADMIN);

void t.test('the state of the node, now and over the last hour', async (t) => {
  const { status, body } = await api.get('/system/metrics');
  t.equal(status, 200);
  t.match(body.now, { store: 'ok', redis: null, connections: 0, disk: { totalBytes: Number, freeBytes: Number } });
  t.ok(body.now.memory.rssBytes > 0 && body.now.memory.percent > 0 && body.now.memory.percent < 100);
  t.ok(body.lastHour.length >= 1);
  t.match(body.now, { editsPerSecond: 0, echo: null, append: null });
  const form = { title: { en: 'Visit' }, description: {}, languages: ['en'], settings: {}, pages: [] };
  t.equal((await api.post('/forms', form)).status, 201);
  await until(async () => (await api.get('/system/metrics')).body.now.append?.p99Ms > 0, {
    what: 'edits are measured',
  });
});

void t.test('the feed tells administrators who ask for it how the node is doing, and keeps none of it', async (t) => {
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
  const grants = [{ document: '*', role: 'owner' }];
  const { token } = (await api.post('/tokens', { sub: 'ada', grants, ttlSeconds: 60 })).body;
  const readers = [
    await readSocket(server.ws, '?types=system.health', bearer(ADMIN)),
    await readStream(server.http, '?types=system.*&after=0', bearer(ADMIN)),
  ];
  const owner = await readSocket(server.ws, '?types=system.health,form.created', bearer(token));
  const unfiltered = await readSocket(server.ws, '?after=0', bearer(ADMIN));
  t.teardown(() => Promise.all([...readers, owner, unfiltered].map((reader) => reader.close())));
  for (const reader of readers) {
    await until(() => reader.events.length >= 2, { what: 'two samples are told' });
    const [event] = reader.events;
    const { now } = (await api.get('/system/metrics')).body;
    t.equal(event?.type, 'system.health');
    t.match(event?.data, { node: String, state: 'ok', store: 'ok', redis: null, connections: 0, rooms: Number });
    t.strictSame(Object.keys(event?.data ?? {}), ['node', 'state', ...Object.keys(now)]);
    t.match(event?.id, /^[0-9]+$/);
  }
  // Those who did not ask, or may not hear it, hear what comes after it, and nothing else.
  await api.post('/forms', { id: 'after-health', pages: [] });
  for (const reader of [owner, unfiltered]) {
    await until(() => reader.events.some(({ formId }) => formId === 'after-health'));
    t.notOk(reader.types().includes('system.health'));
  }
  // It goes on from the id of what was not kept, and misses nothing.
  const after = readers[0]?.events[0]?.id ?? '';
  const later = await readStream(server.http, `?types=system.*,form.created&after=${after}`, bearer(ADMIN));
  t.teardown(() => later.close());
  await until(() => later.events.some(({ formId }) => formId === 'after-health'));
});

void t.test('without performance monitoring the feed tells nothing of it', async (t) => {
  const quiet = await composeServer({ env: { ...ENV, PERFORMANCE_MONITORING: 'false' }, alertsEveryMs: 50 });
  t.teardown(() => quiet.cleanup());
  const client = restClient(quiet.http, ADMIN);
  const reader = await readSocket(quiet.ws, '?types=system.*,form.created', { authorization: `Bearer ${ADMIN}` });
  t.teardown(() => reader.close());
  const samples = async (): Promise<number> => (await client.get('/system/metrics')).body.lastHour.length;
  const before = await samples();
  await until(async () => (await samples()) >= before + 2);
  await client.post('/forms', { id: 'heard', pages: [] });
  await until(() => reader.events.length > 0);
  t.strictSame(reader.types(), ['form.created']);
});

void t.test('host applications tell of activity, which is found by type, user, form, severity and time', async (t) => {
  const before = new Date(Date.now() - 1).toISOString();
  const one = await api.post('/events', { type: 'login', userId: 'ada', data: { ip: '10.0.0.1' } });
  t.equal(one.status, 201, one.text);
  const two = await api.post('/events', {
    events: [
      { type: 'upload', userId: 'ben', formId: 'f-1', severity: 'warning' },
      { type: 'custom.invoice_paid', userId: 'ada', formId: 'f-1' },
    ],
  });
  t.equal(two.body.ids.length, 2);
  const typesOf = async (query: string): Promise<string[]> =>
    (await api.get(`/events?source=host&${query}`)).body.data.map(({ type }: { type: string }) => type);
  t.strictSame(await typesOf('user=ada'), ['custom.invoice_paid', 'login']);
  t.strictSame(await typesOf('form=f-1'), ['custom.invoice_paid', 'upload']);
  t.strictSame(await typesOf('severity=warning'), ['upload']);
  t.strictSame(await typesOf('type=custom.*'), ['custom.invoice_paid']);
  t.equal((await typesOf(`since=${before}`)).length, 3);
  t.strictSame(await typesOf(`until=${before}`), []);
  const first = await api.get('/events?source=host&limit=2');
  t.equal(first.body.data.length, 2);
  t.strictSame(await typesOf(`limit=2&cursor=${first.body.nextCursor}`), ['login']);
});

void t.test('what the product does is activity too', async () => {
  await api.post('/forms', { id: 'watched', pages: [] });
  await until(async () => (await api.get('/events?form=watched&source=product')).body.data.length > 0);
});

void t.test('refusals are security events with their facts, many equal ones as one', async (t) => {
  for (let i = 0; i < 5; i++) await api.get('/forms', { token: 'wrong' });
  await until(
    async () => {
      const { data } = (await api.get('/security/events?type=authentication_failed&address=127.0.0.1')).body;
      return data.reduce((sum: number, { count }: { count: number }) => sum + count, 0) === 5;
    },
    { what: 'five failed authentications are told' },
  );
  const client = await rawClient(`${server.ws}/large?token=${ADMIN}`);
  await until(() => client.frames.length > 0);
  client.send(new Uint8Array(70_000));
  t.equal((await client.closing()).code, 4413);
  await until(
    async () => (await api.get('/security/events?type=oversized_frame&document=large')).body.data.length === 1,
  );
  const unknown = await api.get('/forms', { headers: { authorization: '' } });
  t.equal(unknown.status, 401);
});

void t.test('wrong inputs and callers are refused', async (t) => {
  const wrong = [
    {},
    { type: 'form.published' },
    { type: 'login', userId: '' },
    { type: 'login', formId: '../x' },
    { type: 'login', data: { deep: { er: 1 } } },
    { type: 'login', surprise: 1 },
    { events: [] },
  ];
  for (const body of wrong) t.equal((await api.post('/events', body)).status, 422, JSON.stringify(body));
  for (const query of ['since=yesterday', 'severity=loud', 'limit=0', 'cursor=../x', 'type=*']) {
    t.equal((await api.get(`/events?${query}`)).status, 422, query);
  }
  const minted = await api.post('/tokens', {
    sub: 'ed',
    name: 'Ed',
    grants: [{ document: '*', role: 'editor' }],
    ttlSeconds: 60,
  });
  const token = minted.body.token as string;
  for (const path of ['/events', '/security/events', '/system/metrics']) {
    t.equal((await api.get(path, { token })).status, 403);
  }
  t.equal((await api.post('/events', { type: 'login' }, { token })).status, 403);
});
