import t from 'tap';
import type { Test } from 'tap';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';
import { verify, webhookReceiver, type WebhookReceiver } from '../harness/webhook-receiver.js';

const ADMIN = 'an-admin-token-that-is-long-enough-1';
const SECRET = 'a-secret-of-at-least-32-characters-xx';
/** Receivers of the tests are on loopback. */
const PRIVATE = { WEBHOOK_PRIVATE_TARGETS: 'true' };
const ENV = { ...PRIVATE, AUTH: 'jwt', JWT_SECRET: SECRET, ADMIN_TOKEN: ADMIN };
const SCHEDULE = { firstMs: 20, maxMs: 200, maxTries: 1_000 };

const server = await composeServer({ env: ENV, webhookSchedule: SCHEDULE });
t.teardown(() => server.cleanup());
const api = restClient(server.http, ADMIN);

async function receiverFor(t: Test): Promise<WebhookReceiver> {
  const receiver = await webhookReceiver();
  t.teardown(() => receiver.goDown());
  return receiver;
}

async function hook(api: RestClient, settings: object): Promise<{ id: string; secret: string; path: string }> {
  const created = await api.post('/webhooks', settings);
  if (created.status !== 201) throw new Error(created.text);
  const { id, secret } = created.body as { id: string; secret: string };
  return { id, secret, path: `/webhooks/${id}` };
}

const newForm = (id: string): object => ({ id, pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text' }] }] });
const labelsOf = (receiver: WebhookReceiver, formId: string): unknown[] =>
  receiver.accepted.filter(({ body }) => body.formId === formId).map(({ body }) => body.data.snapshot);

/** Takes snapshots: each is one event of its form. Answers their ids. */
async function takeSnapshots(api: RestClient, formId: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await api.post(`/documents/form%2F${formId}/snapshots`, {})).body.id as string);
  }
  return ids;
}

void t.test(
  'row 34: the receiver is down for a while: all is delivered afterwards, in order per document, signed',
  async (t) => {
    const receiver = await receiverFor(t);
    const { secret, path } = await hook(api, { url: receiver.url, types: ['snapshot.created'] });
    const forms = ['down-a', 'down-b', 'down-c'];
    for (const form of forms) await api.post('/forms', newForm(form));
    const wanted = new Map<string, string[]>();
    for (const form of forms) wanted.set(form, await takeSnapshots(api, form, 2));
    await until(() => receiver.accepted.length === 6, { what: 'while it is up' });

    await receiver.goDown();
    for (const form of forms) wanted.get(form)!.push(...(await takeSnapshots(api, form, 5)));
    await until(async () => {
      const { body } = await api.get(`${path}/deliveries?status=pending&limit=200`);
      const failed = body.data.filter(({ attempts }: { attempts: { error: string }[] }) => attempts.length > 0);
      return body.data.length === 15 && failed.length === 3 && failed[0].attempts[0].error === 'ECONNREFUSED';
    });
    t.equal((await api.get(`${path}/deliveries?status=dead`)).body.data.length, 0);

    // Back, but not well at first.
    let refusals = 7;
    receiver.answer = () => ({ status: refusals-- > 0 ? 503 : 200 });
    await receiver.comeUp();
    await until(() => receiver.accepted.length >= 21, { what: 'everything' });
    for (const form of forms) t.same(labelsOf(receiver, form), wanted.get(form), `in order: ${form}`);
    t.equal(new Set(receiver.accepted.map(({ headers }) => headers['webhook-id'])).size, 21, 'each once');
    for (const received of receiver.requests) t.same(verify(secret, received), received.body, 'the signature is right');
    await until(async () => (await api.get(`${path}/deliveries?status=pending`)).body.data.length === 0);
    const { body } = await api.get(`${path}/deliveries?limit=200`);
    t.equal(body.data.length, 21);
    t.ok(body.data.every(({ status }: { status: string }) => status === 'delivered'));
  },
);

void t.test('what is sent is what the feed tells, and each attempt of it has the same id', async (t) => {
  const receiver = await receiverFor(t);
  const { path } = await hook(api, { url: receiver.url, types: ['form.published'], formIds: ['sent'] });
  let isFirst = true;
  receiver.answer = () => {
    const status = isFirst ? 500 : 200;
    isFirst = false;
    return { status };
  };
  for (const id of ['sent', 'not-sent']) {
    await api.post('/forms', newForm(id));
    await api.post(`/forms/${id}/publish`);
  }
  await until(() => receiver.accepted.length === 1);
  t.equal(receiver.requests.length, 2);
  t.equal(receiver.requests[0]!.headers['webhook-id'], receiver.requests[1]!.headers['webhook-id']);
  const { body, headers } = receiver.accepted[0]!;
  t.equal(headers['content-type'], 'application/json');
  t.match(headers['webhook-id'], /^msg_/);
  t.match(body, { type: 'form.published', formId: 'sent', userId: 'admin', data: { version: 1 } });
  await until(async () => (await api.get(`${path}/deliveries`)).body.data[0].status === 'delivered');
  const [delivery] = (await api.get(`${path}/deliveries`)).body.data;
  t.same(delivery.event, body);
  t.same(
    delivery.attempts.map(({ status }: { status: number }) => status),
    [500, 200],
  );
});

void t.test('after the last try a delivery is dead, the next one goes, and a replay brings the dead one', async (t) => {
  const impatient = await composeServer({
    env: PRIVATE,
    webhookSchedule: { firstMs: 1, maxMs: 2, maxTries: 3 },
  });
  t.teardown(() => impatient.cleanup());
  const api = restClient(impatient.http);
  const receiver = await receiverFor(t);
  const { path } = await hook(api, { url: receiver.url, types: ['snapshot.created'] });
  await api.post('/forms', newForm('dead'));
  let refused = '';
  receiver.answer = ({ body }) => {
    refused ||= body.data.snapshot as string;
    return { status: body.data.snapshot === refused ? 302 : 200, headers: { location: receiver.url } };
  };
  const [first, second] = await takeSnapshots(api, 'dead', 2);
  await until(() => receiver.accepted.length === 1);
  t.same(labelsOf(receiver, 'dead'), [second]);
  t.equal(receiver.requests.length, 4, 'three tries, and redirects are not followed');
  const dead = await api.get(`${path}/deliveries?status=dead`);
  t.equal(dead.body.data.length, 1);
  t.equal(dead.body.data[0].attemptCount, 3);
  receiver.answer = () => ({ status: 200 });
  const replayed = await api.post(`${path}/deliveries/${dead.body.data[0].id}/replay`);
  t.equal(replayed.status, 202, replayed.text);
  t.equal(replayed.body.status, 'pending');
  await until(() => receiver.accepted.length === 2);
  t.same(labelsOf(receiver, 'dead'), [second, first]);
  await until(async () => (await api.get(`${path}/deliveries?status=dead`)).body.data.length === 0);
});

void t.test('a secret is shown once; while it is rotated both sign', async (t) => {
  const receiver = await receiverFor(t);
  const settings = { url: receiver.url, types: ['snapshot.created'], formIds: ['rotated'] };
  const { secret, path } = await hook(api, settings);
  t.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  t.notMatch((await api.get('/webhooks')).text, /whsec_/);
  t.notMatch((await api.get(path)).text, /whsec_/);
  await api.post('/forms', newForm('rotated'));
  const rotated = await api.put(path, { ...settings, rotateSecret: true });
  t.equal(rotated.status, 200, rotated.text);
  t.not(rotated.body.secret, secret);
  t.ok(rotated.body.oldSecretUntil);
  await takeSnapshots(api, 'rotated', 1);
  await until(() => receiver.accepted.length === 1);
  const [received] = receiver.accepted;
  t.same(verify(secret, received!), received!.body);
  t.same(verify(rotated.body.secret as string, received!), received!.body);
  t.throws(() => verify(`whsec_${Buffer.alloc(32).toString('base64')}`, received!));
  t.notOk('secret' in (await api.put(path, settings)).body, 'only when it is new');
});

void t.test('a webhook hears nothing from before it was made, while it is off, or after its deletion', async (t) => {
  const receiver = await receiverFor(t);
  await api.post('/forms', newForm('times'));
  await takeSnapshots(api, 'times', 1);
  const settings = { url: receiver.url, types: ['snapshot.*'], formIds: ['times'] };
  const { path } = await hook(api, settings);
  const [during] = await takeSnapshots(api, 'times', 1);
  await until(() => receiver.accepted.length === 1);
  t.equal((await api.put(path, { ...settings, isEnabled: false })).body.isEnabled, false);
  await takeSnapshots(api, 'times', 1);
  await api.put(path, settings);
  const [again] = await takeSnapshots(api, 'times', 1);
  await until(() => receiver.accepted.length === 2);
  t.equal((await api.delete(path)).status, 204);
  t.equal((await api.get(path)).body.code, 'webhook_not_found');
  // Another one in the same lane of time: when it has heard, the deleted one would have.
  const witness = await receiverFor(t);
  await hook(api, { ...settings, url: witness.url });
  await takeSnapshots(api, 'times', 1);
  await until(() => witness.accepted.length === 1);
  t.same(labelsOf(receiver, 'times'), [during, again]);
});

void t.test('a receiver that is gone for good (410) is told nothing more', async (t) => {
  const receiver = await receiverFor(t);
  const { path } = await hook(api, { url: receiver.url, types: ['snapshot.*'], formIds: ['gone'] });
  receiver.answer = () => ({ status: 410 });
  await api.post('/forms', newForm('gone'));
  await takeSnapshots(api, 'gone', 1);
  await until(async () => (await api.get(path)).body.isEnabled === false);
  t.equal((await api.get(`${path}/deliveries`)).body.data[0].status, 'dead');
});

void t.test('what waits survives a restart of the server', async (t) => {
  const options = { env: PRIVATE, webhookSchedule: SCHEDULE };
  const first = await composeServer(options);
  const receiver = await receiverFor(t);
  await receiver.goDown();
  const before = restClient(first.http);
  await before.post('/forms', newForm('kept'));
  const { secret } = await hook(before, { url: receiver.url, types: ['snapshot.created'] });
  const wanted = await takeSnapshots(before, 'kept', 8);
  await first.close();
  await receiver.comeUp();
  const second = await composeServer({ ...options, dataDir: first.dataDir });
  t.teardown(() => second.cleanup());
  wanted.push(...(await takeSnapshots(restClient(second.http), 'kept', 2)));
  await until(() => labelsOf(receiver, 'kept').length >= wanted.length);
  t.same(labelsOf(receiver, 'kept'), wanted);
  t.ok(receiver.accepted.every((received) => verify(secret, received) !== undefined));
});

void t.test('on Redis one node delivers; when it goes, the other one goes on', async (t) => {
  const redis = await RedisTestServer.start();
  t.teardown(() => redis.stop());
  const options = { env: { ...PRIVATE, REDIS_URL: redis.url }, webhookSchedule: SCHEDULE };
  const nodes = [await composeServer(options), await composeServer(options)];
  t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
  const receiver = await receiverFor(t);
  const [first, second] = nodes.map((node) => restClient(node.http));
  const { path } = await hook(second!, { url: receiver.url, types: ['snapshot.created'] });
  await first!.post('/forms', newForm('shared'));
  const wanted = [...(await takeSnapshots(first!, 'shared', 5)), ...(await takeSnapshots(second!, 'shared', 5))];
  await until(() => receiver.accepted.length >= 10);
  t.same(labelsOf(receiver, 'shared'), wanted);
  await nodes[0]!.close();
  wanted.push(...(await takeSnapshots(second!, 'shared', 5)));
  // What was on its way when the first node went is sent again under its id: at least once, and in order.
  const heard = (): unknown[] => [...new Set(labelsOf(receiver, 'shared'))];
  await until(() => heard().length >= 15);
  t.same(heard(), wanted, 'in order, none missing');
  t.equal((await second!.get(`${path}/deliveries`)).body.data.length, 15);
});

void t.test('only administrators, and only with right values', async (t) => {
  const receiver = await receiverFor(t);
  const { path } = await hook(api, { url: receiver.url, types: ['snapshot.created'], formIds: ['nowhere'] });
  const { token } = (await api.post('/tokens', { sub: 'ada', grants: [{ document: '*', role: 'owner' }] })).body;
  for (const [method, at] of [
    ['GET', '/webhooks'],
    ['POST', '/webhooks'],
    ['GET', path],
    ['PUT', path],
    ['DELETE', path],
    ['GET', `${path}/deliveries`],
    ['POST', `${path}/deliveries/1/replay`],
  ] as const) {
    const call = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${server.http}/api/v1${at}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(method === 'GET' ? {} : { body: '{}' }),
      });
    t.equal((await call({})).status, 401, `${method} ${at} without a token`);
    t.equal((await call({ authorization: `Bearer ${token as string}` })).status, 403, `${method} ${at} by an owner`);
  }
  for (const body of [
    {},
    { url: 'ftp://example.org/' },
    { url: 'no url' },
    { url: 'http://user:secret@example.org/' },
    { url: receiver.url, types: ['form'] },
    { url: receiver.url, types: [] },
    { url: receiver.url, types: ['system.health'] },
    { url: receiver.url, formIds: ['a b'] },
    { url: receiver.url, color: 'red' },
  ]) {
    const answer = await api.post('/webhooks', body);
    t.equal(answer.status, 422, JSON.stringify(body));
    t.equal(answer.body.code, 'validation_failed');
  }
  t.equal((await api.put('/webhooks/nope', { url: receiver.url })).body.code, 'webhook_not_found');
  t.equal((await api.delete('/webhooks/nope')).status, 404);
  t.equal((await api.get('/webhooks/nope/deliveries')).status, 404);
  t.equal((await api.post(`${path}/deliveries/1/replay`)).body.code, 'delivery_not_found');
  t.equal((await api.post(`${path}/deliveries/x/replay`)).status, 422);
  t.equal((await api.get(`${path}/deliveries?status=lost`)).status, 422);
});

void t.test('nobody can make the server call private addresses', async (t) => {
  const careful = await composeServer();
  t.teardown(() => careful.cleanup());
  const receiver = await receiverFor(t);
  const { port } = new URL(receiver.url);
  for (const host of [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0x7f.1',
    '2130706433',
    '10.0.0.1',
    '172.16.9.9',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '[fe80::1]',
    '[fd00::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '224.0.0.1',
  ]) {
    const answer = await restClient(careful.http).post('/webhooks', { url: `http://${host}:${port}/hook` });
    t.equal(answer.status, 422, host);
    t.equal(answer.body.errors?.[0].path, 'url', host);
  }
  t.equal(receiver.requests.length, 0);
});
