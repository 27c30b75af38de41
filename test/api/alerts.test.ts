import t from 'tap';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import * as Y from 'yjs';
import { composeServer } from '../harness/composed-server.js';
import { awarenessMessage, rawClient, syncStep1, updateMessage, upgradeStatus } from '../harness/raw-client.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-admin-token-that-is-long-enough-1';
const ENV = { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters-xx', ADMIN_TOKEN: ADMIN };
const server = await composeServer({ env: { ...ENV, CONNECTION_POOL_SIZE: '3' }, alertsEveryMs: 50 });
t.teardown(() => server.cleanup());
const api = restClient(server.http, ADMIN);

interface ShownAlert {
  readonly id: string;
  readonly state: string;
  readonly labels: Record<string, string>;
  readonly evidence: Record<string, unknown>;
  readonly isSilenced: boolean;
}

/** The same rule, sooner over and easier to set off. */
async function hasten(rest: RestClient, id: string, condition: object = {}, more: object = {}): Promise<void> {
  const facts = ['id', 'isBuiltIn', 'changedAt', 'changedBy'];
  const rule = (await rest.get(`/alert-rules/${id}`)).body as { condition: object };
  const settings = Object.fromEntries(Object.entries(rule).filter(([member]) => !facts.includes(member)));
  const quick = { forSeconds: 0, resolveAfterSeconds: 0, ...more };
  const body = { ...settings, ...quick, condition: { ...rule.condition, ...condition } };
  const answer = await rest.put(`/alert-rules/${id}`, body);
  if (answer.status !== 200) throw new Error(answer.text);
}

async function alertsOf(rest: RestClient, rule: string, state = 'open'): Promise<ShownAlert[]> {
  return (await rest.get(`/alerts?rule=${rule}&state=${state}`)).body.data;
}

async function fired(rest: RestClient, rule: string, again: () => unknown = () => undefined): Promise<ShownAlert> {
  let found: ShownAlert | undefined;
  await until(
    async () => {
      await again();
      return (found = (await alertsOf(rest, rule))[0]) !== undefined;
    },
    { what: `${rule} fires` },
  );
  return found!;
}

async function resolved(rest: RestClient, rule: string): Promise<void> {
  await until(
    async () => (await alertsOf(rest, rule)).length === 0 && (await alertsOf(rest, rule, 'resolved')).length > 0,
    { what: `${rule} is resolved` },
  );
}

async function tokenFor(sub: string, role: string): Promise<string> {
  const answer = await api.post('/tokens', { sub, name: sub, grants: [{ document: '*', role }], ttlSeconds: 600 });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body.token as string;
}

void t.test('malformed frames, from a named address, fire and resolve', async (t) => {
  await hasten(api, 'malformed-frames', { count: 2, windowSeconds: 1 });
  for (let i = 0; i < 2; i++) {
    const client = await rawClient(`${server.ws}/doc-malformed?token=${ADMIN}`);
    await until(() => client.frames.length > 0);
    client.send(new Uint8Array([0, 2, 255]));
    t.equal((await client.closing()).code, 4400);
  }
  const alert = await fired(api, 'malformed-frames');
  t.equal(alert.labels['address'], '127.0.0.1');
  t.match(alert.evidence, { value: 2, examples: [{ document: 'doc-malformed' }] });
  await resolved(api, 'malformed-frames');
});

void t.test('failed authentications over WebSocket and REST fire together', async (t) => {
  await hasten(api, 'authentication-failures', { count: 3, windowSeconds: 1 });
  const client = await rawClient(`${server.ws}/doc?token=wrong`);
  t.equal((await client.closing()).code, 4401);
  for (let i = 0; i < 2; i++) t.equal((await api.get('/forms', { token: 'wrong' })).status, 401);
  await fired(api, 'authentication-failures');
  await resolved(api, 'authentication-failures');
});

void t.test('a forged presence names its author', async (t) => {
  await hasten(api, 'forged-presence', { count: 1, windowSeconds: 1 });
  const [victim, forger] = await Promise.all(
    ['victim', 'forger'].map(async (sub) =>
      rawClient(`${server.ws}/doc-forged?token=${await tokenFor(sub, 'editor')}`),
    ),
  );
  await until(() => victim!.frames.length > 0 && forger!.frames.length > 0);
  victim!.send(awarenessMessage(77, 1, { user: { name: 'victim' } }));
  await until(() => forger!.ofType(1).length > 0, { what: 'the presence of the victim is there' });
  forger!.send(awarenessMessage(77, 5, { user: { name: 'not the victim' } }));
  const alert = await fired(api, 'forged-presence');
  t.equal(alert.labels['userId'], 'forger');
  const events = await api.get('/security/events?type=forged_presence&user=forger');
  t.match(events.body.data[0], { document: 'doc-forged', address: '127.0.0.1', severity: 'error' });
  for (const client of [victim!, forger!]) client.destroy();
  await resolved(api, 'forged-presence');
});

void t.test('writes of a reader fire', async (t) => {
  await hasten(api, 'forbidden-writes', { count: 2, windowSeconds: 1 });
  const reader = await rawClient(`${server.ws}/doc-read?token=${await tokenFor('reader', 'viewer')}`);
  await until(() => reader.frames.length > 0);
  reader.send(syncStep1());
  for (let i = 0; i < 3; i++) {
    const doc = new Y.Doc();
    doc.getText('text').insert(0, 'no');
    reader.send(updateMessage(Y.encodeStateAsUpdate(doc)));
  }
  const alert = await fired(api, 'forbidden-writes');
  t.equal(alert.labels['userId'], 'reader');
  reader.destroy();
  await resolved(api, 'forbidden-writes');
});

void t.test('who asks for many things that are not there is a scan', async () => {
  await hasten(api, 'enumeration-scan', { windowSeconds: 1 });
  await Promise.all(Array.from({ length: 40 }, (_, i) => api.get(`/forms/guess-${i}`)));
  await fired(api, 'enumeration-scan');
  await resolved(api, 'enumeration-scan');
});

void t.test('a full pool fires and resolves when somebody leaves', async (t) => {
  await hasten(api, 'pool-full');
  const url = `${server.ws}/doc-pool?token=${await tokenFor('crowd', 'editor')}`;
  const clients = await Promise.all([1, 2, 3].map(() => rawClient(url)));
  t.equal((await upgradeStatus(url)).status, 503);
  const alert = await fired(api, 'pool-full');
  t.match(alert.evidence, { value: 100, name: 'default' });
  for (const client of clients) client.destroy();
  await resolved(api, 'pool-full');
});

void t.test(
  'disk, memory, CPU and event loop: thresholds that always hold fire, and resolve when set back',
  async () => {
    const always = {
      'disk-low': { threshold: 100.1, clearThreshold: 100.1 },
      memory: { threshold: 0, clearThreshold: 0 },
      cpu: { threshold: -1, clearThreshold: -1 },
      'event-loop-delay': { threshold: -1, clearThreshold: -1 },
    };
    for (const [rule, condition] of Object.entries(always)) await hasten(api, rule, condition);
    for (const rule of Object.keys(always)) await fired(api, rule);
    for (const rule of Object.keys(always)) await api.delete(`/alert-rules/${rule}`);
    for (const rule of ['disk-low', 'memory', 'cpu', 'event-loop-delay']) {
      await hasten(api, rule, {
        threshold: rule === 'disk-low' ? 0 : 1e9,
        clearThreshold: rule === 'disk-low' ? 0 : 1e9,
      });
      await resolved(api, rule);
    }
  },
);

void t.test('a rule of one’s own: fires once, is acknowledged, resolved by hand, and stays so', async (t) => {
  const made = await api.post('/alert-rules', {
    id: 'many-logins',
    name: 'Ada logs in a lot',
    condition: {
      kind: 'event',
      type: 'login',
      count: 2,
      windowSeconds: 600,
      where: { userId: 'ada' },
      groupBy: ['userId'],
    },
    resolveAfterSeconds: 0,
    channels: ['feed', 'notifications'],
    recipients: ['anonymous-operator'],
  });
  t.equal(made.status, 201, made.text);
  t.equal(made.headers.get('location'), '/api/v1/alert-rules/many-logins');
  const login = { type: 'login', userId: 'ada', data: { device: 'phone' } };
  t.match((await api.post('/alert-rules/many-logins/test')).body, { isOver: false, observations: [] });
  await api.post('/events', { events: [login, login, { type: 'login', userId: 'ben' }] });
  t.match((await api.post('/alert-rules/many-logins/test')).body, { isOver: true, observations: [{ value: 2 }] });
  const { id, labels } = await fired(api, 'many-logins');
  t.strictSame(labels, { userId: 'ada', rule: 'many-logins', severity: 'warning' });
  const acknowledged = await api.post(`/alerts/${id}/acknowledge`, { note: 'looking' });
  t.match(acknowledged.body, { state: 'acknowledged', history: [{ action: 'fired' }, { note: 'looking' }] });
  t.equal((await api.post(`/alerts/${id}/resolve`)).body.state, 'resolved');
  t.equal((await api.post(`/alerts/${id}/resolve`)).status, 409);
  t.equal((await api.get(`/alerts/${id}`)).body.state, 'resolved');
  await until(
    async () =>
      (await api.get('/events?type=alert.resolved')).body.data.some(
        (e: { data: { alertId: string } }) => e.data.alertId === id,
      ),
    {
      what: 'the activity tells of it',
    },
  );
  t.equal((await alertsOf(api, 'many-logins')).length, 0, 'the events are still in the window');
  const inbox = await api.get('/notifications', { token: await tokenFor('anonymous-operator', 'viewer') });
  t.match(inbox.body.data[0], { reason: 'alert' });
  t.equal((await api.delete('/alert-rules/many-logins')).status, 204);
  t.equal((await api.get('/alert-rules/many-logins')).status, 404);
});

void t.test('a silence keeps an alert quiet; when it ends, the alert is told', async (t) => {
  const told = async (): Promise<number> =>
    (await api.get('/events?type=alert.fired')).body.data.filter(
      ({ data }: { data: { ruleId: string } }) => data.ruleId === 'silent',
    ).length;
  const silence = await api.post('/alerts/silences', {
    labels: { rule: 'silent' },
    until: new Date(Date.now() + 600_000).toISOString(),
    comment: 'maintenance',
  });
  t.equal(silence.status, 201, silence.text);
  t.equal((await api.get('/alerts/silences')).body.data.length, 1);
  const condition = { kind: 'metric', metric: 'memory.rss_bytes', comparison: 'above', threshold: 1 };
  await api.post('/alert-rules', { id: 'silent', name: 'Always', condition });
  t.equal((await fired(api, 'silent')).isSilenced, true);
  t.equal(await told(), 0);
  t.equal((await api.delete(`/alerts/silences/${silence.body.id}`)).status, 204);
  await until(async () => (await told()) === 1);
  t.equal((await fired(api, 'silent')).isSilenced, false);
  t.equal((await api.delete(`/alerts/silences/${silence.body.id}`)).status, 404);
  await api.delete('/alert-rules/silent');
  await resolved(api, 'silent');
});

void t.test('wrong inputs are refused with the place of the mistake', async (t) => {
  const rule = { name: 'x', condition: { kind: 'metric', metric: 'cpu.percent', comparison: 'above', threshold: 1 } };
  const wrong = [
    {},
    { ...rule, condition: { ...rule.condition, metric: 'no.such' } },
    { ...rule, condition: { ...rule.condition, clearThreshold: 2 } },
    { ...rule, condition: { kind: 'event', type: 'login', count: 0 } },
    { ...rule, severity: 'awful' },
    { ...rule, forSeconds: -1 },
    { ...rule, surprise: true },
    { ...rule, id: 'a b' },
  ];
  for (const body of wrong) t.equal((await api.post('/alert-rules', body)).status, 422, JSON.stringify(body));
  t.equal((await api.post('/alert-rules', { ...rule, id: 'cpu' })).status, 409);
  t.equal((await api.put('/alert-rules/none', rule)).body.code, 'alert_rule_not_found');
  t.equal((await api.get('/alerts/none')).body.code, 'alert_not_found');
  t.equal((await api.post('/alerts/none/acknowledge', {})).status, 404);
  const past = { labels: { rule: 'x' }, until: '2020-01-01T00:00:00Z' };
  t.equal((await api.post('/alerts/silences', past)).status, 422);
  t.equal((await api.post('/alerts/silences', { ...past, labels: {} })).status, 422);
  t.equal((await api.get('/alerts?state=loud')).status, 422);
  const editor = await tokenFor('ed', 'editor');
  for (const path of ['/alerts', '/alert-rules', '/alerts/silences']) {
    t.equal((await api.get(path, { token: editor })).status, 403);
  }
});

void t.test('Redis that stops answering fires on every list, though nothing can be stored', async (t) => {
  const redis = await RedisTestServer.start();
  t.teardown(() => redis.stop());
  const node = await composeServer({ env: { ...ENV, REDIS_URL: redis.url }, alertsEveryMs: 50 });
  t.teardown(() => node.cleanup());
  const rest = restClient(node.http, ADMIN);
  for (const rule of ['redis-unreachable', 'store-failing']) await hasten(rest, rule);
  redis.signal('SIGSTOP');
  const alert = await fired(rest, 'redis-unreachable');
  t.match(alert.evidence, { metric: 'redis.unreachable', value: 1 });
  await fired(rest, 'store-failing');
  t.equal((await rest.get('/system/metrics')).body.now.redis, 'unreachable');
  redis.signal('SIGCONT');
  await resolved(rest, 'redis-unreachable');
  await until(async () => (await rest.get('/events?type=alert.fired')).body.data.length >= 2, {
    what: 'the feed tells of it afterwards',
  });
});
