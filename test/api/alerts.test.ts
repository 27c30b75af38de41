import t from 'tap';
import { alertsOf, fired, resolved } from '../harness/alerts.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-admin-token-that-is-long-enough-1';
const ENV = { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters-xx', ADMIN_TOKEN: ADMIN };
const server = await composeServer({ env: ENV, alertsEveryMs: 50 });
t.teardown(() => server.cleanup());
const api = restClient(server.http, ADMIN);

async function tokenFor(sub: string, role: string): Promise<string> {
  const answer = await api.post('/tokens', { sub, name: sub, grants: [{ document: '*', role }], ttlSeconds: 600 });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body.token as string;
}

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
  const unknown = { name: 'n', condition: { kind: 'metric', metric: 'luck', comparison: 'above', threshold: 1 } };
  t.match((await api.post('/alert-rules', unknown)).body.errors, [{ path: 'condition.metric' }]);
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
