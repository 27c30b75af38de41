/** Every change through the API is in the audit log, once, and is there after the server was killed. */
import t from 'tap';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';

const ADMIN = 'an-admin-token-that-is-long-enough-1';
const ENV = { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters-xx', ADMIN_TOKEN: ADMIN };

interface Entry {
  readonly action: string;
  readonly user: { readonly id: string };
  readonly details: Record<string, unknown>;
}

void t.test('each change has one entry with its author, and survives kill -9', async (t) => {
  const first = await startServer({ env: ENV });
  t.teardown(() => first.cleanup());
  const api = restClient(first.http, ADMIN);
  const field = { id: 'a', type: 'text', title: { en: 'A' } };
  const form = { id: 'f1', title: { en: 'T' }, languages: ['en'], pages: [{ id: 'p1', title: {}, fields: [field] }] };
  const operations = [{ op: 'setTitle', target: 'form', language: 'en', value: 'U' }];
  const anchor = { type: 'form' };
  const changes: readonly [string, () => Promise<{ readonly status: number; readonly text: string }>][] = [
    ['forms.created', () => api.post('/forms', form)],
    ['forms.changed', () => api.patch('/forms/f1', { operations })],
    ['form.published', () => api.post('/forms/f1/publish', {})],
    ['forms.fields.lock.changed', () => api.put('/forms/f1/fields/a/lock', { seconds: 10 })],
    ['forms.threads.created', () => api.post('/forms/f1/threads', { anchor, body: 'why?' })],
    ['documents.snapshots.created', () => api.post('/documents/form%2Ff1/snapshots', { label: 'x' })],
    ['optimization.pool.changed', () => api.put('/optimization/pools/default', { size: 900 })],
    ['optimization.queue.changed', () => api.put('/optimization/queues/system', { capacity: 1_900 })],
    ['optimization.tuner.changed', () => api.put('/optimization/tuner', { mode: 'off' })],
    ['optimization.breaker.reset', () => api.post('/optimization/breakers/store/reset')],
    ['token.revoked', () => api.post('/tokens/revoke', { sub: 'mallory' })],
    ['alert-rule.deleted', () => api.delete('/alert-rules/cpu')],
  ];
  for (const [action, change] of changes) {
    const { status, text } = await change();
    t.ok(status >= 200 && status < 300, `${action}: ${status} ${text.slice(0, 200)}`);
  }
  t.equal((await api.post('/forms/f1/publish?dryRun=true', {})).status, 200);
  t.equal((await api.post('/alert-rules/memory/test')).status, 200);
  t.equal((await api.put('/optimization/pools/default', { size: -1 })).status, 422);
  const key = { 'idempotency-key': 'once' };
  const mint = { sub: 'ada', grants: [{ document: 'form/*', role: 'editor' }] };
  const [minted, again] = [
    await api.post('/tokens', mint, { headers: key }),
    await api.post('/tokens', mint, { headers: key }),
  ];
  t.equal(again.body.jti, minted.body.jti);

  const wanted = [...changes.map(([action]) => action), 'token.minted'];
  const oldestFirst = async (rest = api): Promise<Entry[]> =>
    ((await rest.get('/audit?limit=200')).body.data as Entry[]).reverse();
  const before = await oldestFirst();
  t.strictSame(
    before.map(({ action }) => action),
    wanted,
    'what is only asked, refused or repeated changes nothing',
  );
  t.ok(before.every(({ user }) => user.id === 'admin'));
  t.match(before[1], { details: { formId: 'f1' } });
  t.notMatch(JSON.stringify(before), minted.body.token, 'no secret is kept');

  await first.kill();
  const second = await startServer({ env: ENV, dataDir: first.dataDir });
  t.teardown(() => second.cleanup());
  const later = restClient(second.http, ADMIN);
  t.strictSame(await oldestFirst(later), before);

  // By page and by filter.
  const page = (await later.get('/audit?limit=5')).body;
  const rest = (await later.get(`/audit?limit=200&cursor=${page.nextCursor}`)).body;
  t.strictSame([...page.data, ...rest.data].reverse(), before);
  const optimization = (await later.get('/audit?action=optimization.*&user=admin')).body.data as Entry[];
  t.equal(optimization.length, 4);
  t.equal((await later.get('/audit?user=nobody')).body.data.length, 0);
  t.equal((await later.get('/audit?since=2999-01-01T00:00:00Z')).body.data.length, 0);
  t.equal((await later.get('/audit', { token: minted.body.token })).status, 403);
});
