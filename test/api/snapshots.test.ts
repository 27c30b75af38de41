/** Snapshots that the server takes by itself, through the interfaces of people and programs. */
import { rm } from 'node:fs/promises';
import t from 'tap';
import { composeServer } from '../harness/composed-server.js';
import { readStream } from '../harness/feed-reader.js';
import { restClient } from '../harness/rest-client.js';
import { temporaryFolder } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const env = { AUTH: 'jwt', JWT_SECRET: 'a secret that is long enough for HS256', ADMIN_TOKEN: 'administration-token' };
interface Shown {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly createdBy: string;
}

void t.test('a policy takes snapshots while people edit, on publishing and before a restore', async (t) => {
  const dataDir = await temporaryFolder();
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  let server = await composeServer({ env, dataDir });
  t.teardown(() => server.close());
  const admin = restClient(server.http, env.ADMIN_TOKEN);
  t.match((await admin.get('/snapshots/policy')).body, { every: { updates: 1_000, minutes: 15 } }, 'by default');

  const policy = { every: { updates: 5 }, retention: { recent: 50, daily: 7 } };
  const set = await admin.put('/snapshots/policy', policy);
  t.equal(set.status, 200, set.text);
  t.strictSame(set.body, {
    every: { updates: 5, minutes: null },
    ...{ onPublish: true, beforeRestore: true },
    retention: { recent: 50, hourly: 0, daily: 7, weekly: 0 },
  });
  const wrong = await admin.put('/snapshots/policy', { every: { updates: 0 }, other: 1 });
  t.equal(wrong.status, 422, wrong.text);
  const grants = [{ document: '*', role: 'owner' }];
  const minted = await admin.post('/tokens', { sub: 'ada', name: 'Ada', grants, ttlSeconds: 600 });
  const ada = restClient(server.http, minted.body.token);
  t.equal((await ada.put('/snapshots/policy', policy)).status, 403);
  t.equal((await ada.get('/snapshots/policy')).status, 403);

  const feed = await readStream(server.http, '?types=snapshot.*', { authorization: `Bearer ${minted.body.token}` });
  t.equal((await ada.post('/forms', { id: 'kept', title: { en: 'Kept' } })).status, 201);
  const path = '/documents/form%2Fkept/snapshots';
  const list = async (): Promise<Shown[]> => (await ada.get(path)).body.data;
  const client = stockClient(server.ws, 'form/kept', { params: { token: minted.body.token } });
  t.teardown(() => client.destroy());
  await client.synced();
  const edit = async (value: number): Promise<void> => {
    client.doc.getMap('meta').set('edited', value);
    await client.saved();
  };
  for (let i = 0; i < 8; i++) await edit(i);
  await until(async () => (await list()).length > 0);
  const [first] = await list();
  t.match(first, { kind: 'automatic', label: 'automatic', createdBy: 'system' });

  t.equal((await ada.post('/forms/kept/publish')).status, 201);
  const [published] = await list();
  t.match(published, { kind: 'publish', label: 'publish (version 1)', createdBy: 'ada' });
  for (const [role, status] of [
    ['viewer', 200],
    ['respondent', 403],
  ] as const) {
    const token = await admin.post('/tokens', { sub: role, grants: [{ document: 'form/kept', role }] });
    const reader = restClient(server.http, token.body.token);
    for (const part of ['', '/diff'])
      t.equal((await reader.get(`${path}/${published!.id}${part}`)).status, status, `${role} ${part}`);
  }
  const restored = await ada.post(`${path}/${first!.id}/restore`);
  t.equal(restored.status, 200, restored.text);
  const before = (await list()).find(({ id }) => id === restored.body.before);
  t.match(before, { kind: 'before-restore', label: `before restore of ${first!.id}` });
  await until(() => feed.types().includes('snapshot.restored'));
  const created = feed.events.filter(({ type }) => type === 'snapshot.created');
  t.strictSame(created.map(({ data }) => data.kind).slice(0, 3), ['automatic', 'publish', 'before-restore']);
  t.match(created[0], { formId: 'kept', userId: 'system', data: { document: 'form/kept', snapshot: first!.id } });
  await feed.close();

  client.destroy();
  await server.close();
  server = await composeServer({ env, dataDir });
  const again = restClient(server.http, env.ADMIN_TOKEN);
  t.strictSame((await again.get('/snapshots/policy')).body, set.body, 'a restart changes nothing');
  const kept = (await again.get(path)).body.data as Shown[];
  t.equal(
    kept.some(({ id }) => id === first!.id),
    true,
  );
  t.match(
    (await again.get('/audit')).body.data.map(({ action }: { action: string }) => action),
    ['snapshot.restored'],
  );

  const off = { every: { updates: null, minutes: null }, onPublish: false, beforeRestore: false };
  t.equal((await again.put('/snapshots/policy', off)).status, 200);
  t.equal((await again.post('/forms/kept/publish')).status, 201);
  t.equal((await again.post(`${path}/${first!.id}/restore`)).body.before, null);
  t.equal((await again.get(path)).body.data.length, kept.length, 'with all of it off there are no more');
});
