import t, { type Test } from 'tap';
import type * as Y from 'yjs';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { rawClient, upgradeStatus } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { converged, stockClient, type StockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const textOf = (doc: Y.Doc): string => doc.getText('text').toString();

async function startRedis(t: Test, settings: readonly string[] = []): Promise<RedisTestServer> {
  const redis = await RedisTestServer.start(settings);
  t.teardown(() => redis.stop());
  return redis;
}

async function startNode(t: Test, redis: RedisTestServer, env: Record<string, string> = {}): Promise<ComposedServer> {
  const node = await composeServer({ env: { REDIS_URL: redis.url, ...env } });
  t.teardown(() => node.cleanup());
  return node;
}

function clientOf(t: Test, node: ComposedServer, document: string, params: Record<string, string> = {}): StockClient {
  const client = stockClient(node.ws, document, { params });
  t.teardown(() => client.destroy());
  return client;
}

void t.test('two nodes, one document: edits, presence, REST and erasure meet', async (t) => {
  const redis = await startRedis(t);
  const [one, two] = await Promise.all([startNode(t, redis), startNode(t, redis)]);
  const [ada, ben] = [
    clientOf(t, one, 'form/shared', { user: 'ada' }),
    clientOf(t, two, 'form/shared', { user: 'ben' }),
  ];
  t.equal((await restClient(one.http).post('/forms', { id: 'shared', title: { en: 'Shared' } })).status, 201);
  await Promise.all([ada.synced(), ben.synced()]);
  await converged([ada, ben], (doc) => doc.getMap('meta').toJSON());

  ada.provider.awareness.setLocalState({ user: { name: 'Ada' }, field: 'f1' });
  ben.provider.awareness.setLocalState({ user: { name: 'Ben' }, field: 'f2' });
  const sees = (client: StockClient, other: StockClient): boolean =>
    client.provider.awareness.getStates().get(other.doc.clientID)?.['field'] !== undefined;
  await until(() => sees(ada, ben) && sees(ben, ada), { what: 'each sees the other' });
  t.match(ben.provider.awareness.getStates().get(ada.doc.clientID), { user: { id: 'ada' }, field: 'f1' });
  for (const node of [one, two]) {
    const { data } = (await restClient(node.http).get('/forms/shared/presence')).body;
    t.strictSame(data.map((state: { user: { id: string } }) => state.user.id).sort(), ['ada', 'ben']);
  }
  const third = await startNode(t, redis);
  const seen = (await restClient(third.http).get('/forms/shared/presence')).body.data;
  t.equal(seen.length, 2, 'also at a node that nobody is connected to');

  ada.provider.awareness.setLocalStateField('field', 'f3');
  await until(() => ben.provider.awareness.getStates().get(ada.doc.clientID)?.['field'] === 'f3');
  ben.destroy();
  await until(() => !sees(ada, ben), { what: 'who leaves a node leaves the others' });

  const patch = { operations: [{ op: 'setTitle', target: 'form', language: 'en', value: 'From node two' }] };
  const patched = await restClient(two.http).patch('/forms/shared', patch);
  t.equal(patched.status, 200, patched.text);
  await until(() => JSON.stringify(ada.doc.getMap('meta').toJSON()).includes('From node two'));

  t.equal((await restClient(two.http).delete('/forms/shared')).status, 200);
  await until(() => ada.closes.includes(4404), { what: 'erased at one node, closed with 4404 at the other' });
});

void t.test('row 9: revoked at one node, out at the other within a second', async (t) => {
  const redis = await startRedis(t);
  const env = {
    AUTH: 'jwt',
    JWT_SECRET: 'a secret that is long enough for HS256',
    ADMIN_TOKEN: 'administration-token',
  };
  const [one, two] = await Promise.all([startNode(t, redis, env), startNode(t, redis, env)]);
  const admin = restClient(one.http, env.ADMIN_TOKEN);
  const minted = await admin.post('/tokens', {
    ...{ sub: 'ada', name: 'Ada', ttlSeconds: 600 },
    grants: [{ document: 'doc', role: 'editor' }],
  });
  const ada = await rawClient(`${two.ws}/doc?token=${minted.body.token}`);
  t.teardown(() => ada.destroy());
  await until(() => ada.frames.length > 0);
  t.equal((await admin.post('/tokens/revoke', { jti: minted.body.jti })).status < 300, true);
  t.equal((await ada.closing()).code, 4401);
});

void t.test('Redis comes back empty: what live rooms hold is stored again, echoes mean saved', async (t) => {
  const redis = await startRedis(t);
  const [one, two] = await Promise.all([startNode(t, redis), startNode(t, redis)]);
  const [ada, ben] = [clientOf(t, one, 'doc'), clientOf(t, two, 'doc')];
  await Promise.all([ada.synced(), ben.synced()]);
  ada.doc.getText('text').insert(0, 'before the loss ');
  await ada.saved();
  await converged([ada, ben], textOf);
  await redis.kill();
  redis.forget();
  await redis.launch();
  ben.doc.getText('text').insert(0, 'after the loss ');
  await ben.saved();
  await converged([ada, ben], textOf);
  const late = clientOf(t, await startNode(t, redis), 'doc');
  await late.synced();
  await converged([ada, ben, late], textOf);
  t.match(textOf(late.doc), /before the loss/);
  t.match(textOf(late.doc), /after the loss/);
});

void t.test(
  'encryption is switched on at one node first: the other gives up what it cannot read, and loses nothing',
  async (t) => {
    const redis = await startRedis(t);
    const ENCRYPTION_KEYS = `new:${Buffer.alloc(32, 1).toString('base64')}`;
    const two = await startNode(t, redis);
    const ben = clientOf(t, two, 'doc');
    await ben.synced();
    ben.doc.getText('text').insert(0, 'plain ');
    await ben.saved();
    const one = await startNode(t, redis, { ENCRYPTION_KEYS });
    const ada = clientOf(t, one, 'doc');
    await ada.synced();
    ada.doc.getText('text').insert(0, 'encrypted ');
    await ada.saved();
    await until(() => ben.closes.includes(1013), { what: 'who cannot see an edit does not go on without it' });
    ben.doc.getText('text').insert(0, 'meanwhile ');
    await two.close();
    const three = await startNode(t, redis, { ENCRYPTION_KEYS });
    const [late, again] = [clientOf(t, three, 'doc'), stockClient(three.ws, 'doc', { doc: ben.doc })];
    t.teardown(() => again.destroy());
    await Promise.all([late.synced(), again.synced()]);
    await converged([ada, late, again], textOf);
    for (const words of ['plain', 'encrypted', 'meanwhile']) t.match(textOf(late.doc), words);
  },
);

void t.test(
  'row 26 on Redis: 400 PATCHes at a third node among editors at two others: each exactly once',
  async (t) => {
    const redis = await startRedis(t);
    const [one, two, three] = await Promise.all([startNode(t, redis), startNode(t, redis), startNode(t, redis)]);
    const api = restClient(three.http);
    const title = { en: 'Many hands' };
    t.equal((await api.post('/forms', { id: 'many', title, pages: [{ id: 'p1', title, fields: [] }] })).status, 201);
    const [ada, ben] = [clientOf(t, one, 'form/many'), clientOf(t, two, 'form/many')];
    await Promise.all([ada.synced(), ben.synced()]);
    // On the embedded store 1,000: test/api/forms.test.ts.
    const PATCHES = 400;
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < PATCHES; i = next++) {
        // One in ten adds a field, the others a letter: an edit that is made twice shows in either.
        const field = { id: `f${i}`, type: 'text', title: { en: `Question ${i}` } };
        const letter = {
          op: 'insertText',
          target: 'form',
          property: 'description',
          language: 'en',
          index: 0,
          text: 'x',
        };
        const body = { operations: [i % 10 === 0 ? { op: 'addField', page: 'p1', field } : letter] };
        const headers = { 'idempotency-key': `patch-${i}` };
        const first = await api.patch('/forms/many', body, { headers });
        if (first.status !== 200) throw new Error(first.text);
        // A network that lost the answer: the client asks again.
        if (i % 7 === 0) await api.patch('/forms/many', body, { headers });
        ada.doc.getMap('settings').set('counter', i);
      }
    };
    // As many as share the commits of an append-only file that is flushed for each.
    await Promise.all(Array.from({ length: 16 }, worker));
    interface Form {
      readonly description: { readonly en?: string };
      readonly pages: readonly { readonly fields: readonly { readonly id: string }[] }[];
    }
    const seen = (form: Form): unknown => ({
      letters: form.description.en?.length,
      fields: form.pages.flatMap((page) => page.fields.map((field) => field.id)).sort(),
    });
    const added = Array.from({ length: PATCHES / 10 }, (_, i) => `f${i * 10}`).sort();
    const expected = { letters: PATCHES - PATCHES / 10, fields: added };
    for (const node of [one, two, three]) {
      const read = async (): Promise<unknown> => seen((await restClient(node.http).get('/forms/many')).body);
      await until(async () => JSON.stringify(await read()) === JSON.stringify(expected), {
        what: 'all PATCHes are there',
      });
      t.strictSame(await read(), expected);
    }
    await converged([ada, ben], (doc) => [...doc.getMap('fields').keys()].sort());
  },
);

void t.test('roles: a sync node serves editors, an api node REST, both the same documents', async (t) => {
  const redis = await startRedis(t);
  const [sync, api] = await Promise.all([startNode(t, redis, { ROLE: 'sync' }), startNode(t, redis, { ROLE: 'api' })]);
  const rest = restClient(api.http);
  t.equal((await rest.post('/forms', { id: 'split', title: { en: 'Split' } })).status, 201);
  const editor = clientOf(t, sync, 'form/split');
  await editor.synced();
  t.match(JSON.stringify(editor.doc.getMap('meta').toJSON()), /Split/);
  const refused = await restClient(sync.http).get('/forms/split');
  t.equal(refused.status, 421);
  t.equal(refused.body.code, 'wrong_role');
  t.equal((await upgradeStatus(`${api.ws}/form/split`)).status, 421);
  const loadTest = await rest.post('/optimization/load-tests', { scenario: 'basic' });
  t.match([loadTest.status, loadTest.body], [421, { code: 'wrong_role', detail: /ROLE=all/ }]);
  t.same((await rest.get('/optimization/load-tests')).body.data, [], 'none was started');
  t.equal((await fetch(`${sync.http}/metrics`)).status, 200);
});
