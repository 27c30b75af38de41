import t from 'tap';
import * as Y from 'yjs';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { composeServer } from '../harness/composed-server.js';
import { readSocket, readStream, type FeedReader } from '../harness/feed-reader.js';
import { upgradeStatus } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ADMIN = 'an-admin-token-that-is-long-enough-1';
const SECRET = 'a-secret-of-at-least-32-characters-xx';

const server = await composeServer({ env: { AUTH: 'jwt', JWT_SECRET: SECRET, ADMIN_TOKEN: ADMIN } });
t.teardown(() => server.cleanup());
const api = restClient(server.http, ADMIN);
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function tokenFor(sub: string, document: string, role: string, ttlSeconds = 3_600): Promise<string> {
  const minted = await api.post('/tokens', { sub, grants: [{ document, role }], ttlSeconds });
  if (minted.status !== 201) throw new Error(minted.text);
  return minted.body.token as string;
}

const newForm = (id: string): object => ({
  id,
  title: { en: 'Secret words' },
  pages: [{ id: 'p1', fields: [{ id: 'f1', type: 'text' }] }],
});

const TRANSPORTS: Record<string, (query?: string, headers?: Record<string, string>) => Promise<FeedReader>> = {
  'server-sent events': (query, headers) => readStream(server.http, query, headers),
  WebSocket: (query, headers) => readSocket(server.ws, query, headers),
};

for (const [transport, read] of Object.entries(TRANSPORTS)) {
  const formId = `life-${transport.length}`;
  const path = `/documents/${encodeURIComponent(`form/${formId}`)}`;

  void t.test(`${transport}: everything that happens to a form is told, in order, and by ids alone`, async (t) => {
    const reader = await read(`?formId=${formId}`, bearer(ADMIN));
    t.teardown(() => reader.close());
    const ada = await tokenFor('ada', '*', 'owner');
    const as = { token: ada };
    await api.post('/forms', newForm(formId), as);
    await until(() => reader.types().includes('form.changed'), { what: 'creating it changes it' });
    await api.post(`/forms/${formId}/publish`, undefined, as);
    const taken = await api.post(`${path}/snapshots`, { label: 'words' }, as);
    const thread = await api.post(`/forms/${formId}/threads`, { anchor: { type: 'form' }, body: '@[ben] look' }, as);
    t.equal(thread.status, 201, thread.text);
    await api.patch(`/forms/${formId}/threads/${thread.body.id}`, { status: 'resolved' }, as);
    await api.post(`${path}/snapshots/${taken.body.id}/restore`, undefined, as);
    await api.delete(`/forms/${formId}`, as);
    await until(() => reader.types().includes('form.deleted'), { what: () => reader.types().join() });
    t.same(
      // These two come when they have gathered.
      reader.types().filter((type) => type !== 'form.changed' && type !== 'analytics.updated'),
      [
        'form.created',
        // What is published is kept as a snapshot, as is what a restore replaces.
        'snapshot.created',
        'form.published',
        'snapshot.created',
        'comment.created',
        'notification.created',
        'comment.resolved',
        'snapshot.created',
        'snapshot.restored',
        'form.deleted',
      ],
      reader.types().join(),
    );
    t.equal(reader.types()[0], 'form.created', 'before the first change');
    t.same(
      reader.events.map(({ id }) => id),
      reader.events.map(({ id }) => id).sort(),
      'ids grow',
    );
    const find = (type: string) => reader.events.find((event) => event.type === type)!;
    t.equal(find('form.created').userId, 'ada');
    t.equal(find('form.published').data.version, 1);
    t.equal(find('snapshot.restored').data.snapshot, taken.body.id);
    t.equal(find('comment.created').data.threadId, thread.body.id);
    t.equal(find('notification.created').userId, 'ben');
    t.match(find('form.created').time, /^\d{4}-\d\d-\d\dT.*Z$/);
    t.notMatch(JSON.stringify(reader.events), /Secret words|look/, 'content would outlive its erasure');
  });

  void t.test(`${transport}: a consumer that comes back by id misses nothing and hears nothing twice`, async (t) => {
    await api.post('/forms', newForm(`resume-${formId}`));
    const query = `?types=snapshot.created&formId=resume-${formId}`;
    const snapshots = `/documents/form%2Fresume-${formId}/snapshots`;
    let reader = await read(query, bearer(ADMIN));
    const wanted: string[] = [];
    const heard: string[] = [];
    for (let round = 0; round < 5; round++) {
      const take = async (): Promise<void> => {
        wanted.push((await api.post(snapshots, {})).body.id as string);
      };
      await take();
      await until(() => reader.events.length > 0, { what: 'the first of this round' });
      await reader.close();
      const last = reader.events.at(-1)!.id;
      heard.push(...reader.events.map(({ data }) => data.snapshot as string));
      for (let i = 0; i < 4; i++) await take();
      // By the header, as a browser does, and by the query, as a program does.
      reader = await (round % 2 === 0
        ? read(query, { ...bearer(ADMIN), 'last-event-id': last })
        : read(`${query}&after=${last}`, bearer(ADMIN)));
      await until(() => heard.length + reader.events.length >= wanted.length, { what: 'what was missed' });
    }
    heard.push(...reader.events.map(({ data }) => data.snapshot as string));
    await reader.close();
    t.same(heard, wanted);
  });

  void t.test(`${transport}: only what the token may see`, async (t) => {
    const [mine, other] = [`mine-${formId}`, `other-${formId}`];
    const readers = {
      viewer: await read('', bearer(await tokenFor('vera', `form/${mine}`, 'viewer'))),
      respondent: await read('', bearer(await tokenFor('rob', `form/${mine}`, 'respondent'))),
      another: await read('', bearer(await tokenFor('rosa', `form/${mine}`, 'respondent'))),
      ben: await read('', bearer(await tokenFor('ben', 'form/*', 'viewer'))),
      admin: await read('', bearer(ADMIN)),
    };
    t.teardown(() => Promise.all(Object.values(readers).map((reader) => reader.close())));
    for (const id of [other, mine]) {
      await api.post('/forms', newForm(id));
      await api.post(`/forms/${id}/threads`, { anchor: { type: 'form' }, body: '@[ben] please' });
      await api.post(`/forms/${id}/publish`);
    }
    const token = await tokenFor('rob', `form/${mine}`, 'respondent');
    t.equal((await api.post(`/forms/${mine}/submissions`, undefined, { token })).status, 201);
    await api.post(`/forms/${mine}/publish`);
    const isComplete = (reader: FeedReader): boolean =>
      reader.events.some(
        ({ type, data, formId: id }) => type === 'form.published' && id === mine && data.version === 2,
      );
    await until(() => Object.values(readers).every(isComplete), { what: 'the last event reaches all' });
    const of = (reader: FeedReader, type: string): unknown[] =>
      reader.events.filter((event) => event.type === type).map((event) => event.formId);
    t.same(of(readers.viewer, 'form.created'), [mine]);
    t.same(of(readers.viewer, 'comment.created'), [mine]);
    t.same(of(readers.respondent, 'form.created'), [mine]);
    t.same(of(readers.respondent, 'comment.created'), [], 'comments are the talk of editors');
    t.same(of(readers.respondent, 'submission.started'), [mine], 'what they began, under each of their tokens');
    t.same(of(readers.another, 'submission.started'), [], 'and nobody else who fills the form');
    t.same(of(readers.ben, 'comment.created'), [other, mine]);
    t.same(of(readers.ben, 'notification.created'), [other, mine], 'his own');
    t.same(of(readers.viewer, 'notification.created'), [], 'of nobody else');
    t.same(of(readers.admin, 'notification.created'), [other, mine]);
  });

  void t.test(`${transport}: filters by type and group`, async (t) => {
    const reader = await read('?types=form.published,snapshot.*', bearer(ADMIN));
    t.teardown(() => reader.close());
    await api.post('/forms', newForm(`types-${formId}`));
    await api.post(`/documents/form%2Ftypes-${formId}/snapshots`, {});
    await api.post(`/forms/types-${formId}/publish`);
    await until(() => reader.types().includes('form.published'));
    t.same(reader.types(), ['snapshot.created', 'snapshot.created', 'form.published'], 'publishing takes one too');
  });

  void t.test(
    `${transport}: an id that this feed never had is answered with a gap, then with what happens`,
    async (t) => {
      const reader = await read('?after=9999999999999999', bearer(ADMIN));
      t.teardown(() => reader.close());
      await until(() => reader.events.length > 0);
      t.equal(reader.events[0]?.type, 'feed.gap');
      t.equal(reader.events[0]?.data.reason, 'unknown');
      await api.post('/forms', newForm(`gap-${formId}`));
      await until(() => reader.types().includes('form.created'));
    },
  );

  void t.test(`${transport}: a token that is revoked or expires ends the stream`, async (t) => {
    const revoked = await read('', bearer(await tokenFor(`gone-${formId}`, 'form/*', 'viewer')));
    const expired = await read('', bearer(await tokenFor(`short-${formId}`, 'form/*', 'viewer', 1)));
    const stays = await read('', bearer(await tokenFor(`stays-${formId}`, 'form/*', 'viewer')));
    t.teardown(() => stays.close());
    await api.post('/tokens/revoke', { sub: `gone-${formId}` });
    await until(() => revoked.ended !== undefined && expired.ended !== undefined);
    if (transport === 'WebSocket') t.same([revoked.ended?.code, expired.ended?.code], [4401, 4401]);
    t.equal(stays.ended, undefined);
  });
}

void t.test('edits over WebSocket and REST give form.changed, with who, at most one a second', async (t) => {
  await api.post('/forms', newForm('edited'));
  const reader = await readStream(server.http, '?types=form.changed&formId=edited', bearer(ADMIN));
  t.teardown(() => reader.close());
  const editor = stockClient(server.ws, 'form/edited', { params: { token: await tokenFor('grace', '*', 'editor') } });
  t.teardown(() => editor.destroy());
  await editor.synced();
  for (let i = 0; i < 200; i++) {
    editor.doc
      .getMap<Y.Map<unknown>>('fields')
      .get('f1')!
      .set('required', i % 2 === 0);
    await editor.saved();
  }
  const operations = [{ op: 'setTitle', target: 'form', language: 'en', value: 'again' }];
  await api.patch('/forms/edited', { operations }, { token: await tokenFor('ada', '*', 'editor') });
  const users = (): string[] => [...new Set(reader.events.flatMap(({ data }) => data.users as string[]))].sort();
  await until(() => users().includes('ada') && users().includes('grace'), { what: () => users().join() });
  const spans = reader.events.map(({ data }) => [Date.parse(data.from as string), Date.parse(data.to as string)]);
  t.ok(
    spans.every(([from, to], i) => from! <= to! && (i === 0 || from! >= spans[i - 1]![1]!)),
    'each tells of the edits since the one before',
  );
});

void t.test('wrong requests are refused with a reason', async (t) => {
  const viewer = await tokenFor('vera', 'form/mine', 'viewer');
  const get = (query: string, headers: Record<string, string>) =>
    api.get(`/feed${query}`, { headers: { accept: 'text/event-stream', ...headers } });
  t.equal((await fetch(`${server.http}/api/v1/feed`)).status, 401);
  t.equal((await get('?formId=not-mine', bearer(viewer))).body.code, 'form_not_found');
  for (const query of ['?after=x', '?types=', '?types=form', '?formId=a%20b', '?types=form.changed,']) {
    const answer = await get(query, bearer(ADMIN));
    t.equal(answer.status, 422, query);
    t.equal(answer.body.code, 'validation_failed');
    t.equal((await upgradeStatus(`${server.ws}/api/v1/feed${query}`, bearer(ADMIN))).status, 422, query);
  }
  t.equal((await get('', { ...bearer(ADMIN), 'last-event-id': 'no id' })).status, 422);
  t.equal((await get('', { ...bearer(ADMIN), accept: 'application/json' })).status, 406);
  const closing = async (query: string, headers: Record<string, string>): Promise<number | undefined> => {
    const reader = await readSocket(server.ws, query, headers);
    await until(() => reader.ended !== undefined);
    return reader.ended?.code;
  };
  t.equal(await closing('', {}), 4401);
  t.equal(await closing('?formId=not-mine', bearer(viewer)), 4403);
  t.equal((await fetch(`${server.http}/api/v1/feed`, { method: 'HEAD', headers: bearer(ADMIN) })).status, 405);
});

void t.test('documents beside the feed still open, whatever they are called', async (t) => {
  const client = stockClient(server.ws, 'api/v1/feeds', { params: { token: ADMIN } });
  t.teardown(() => client.destroy());
  await client.synced();
});

void t.test('a drain ends every stream, so that its reader goes elsewhere', async (t) => {
  const draining = await composeServer();
  t.teardown(() => draining.cleanup());
  const readers = [await readStream(draining.http), await readSocket(draining.ws)];
  t.equal((await restClient(draining.http).post('/drain')).status, 202);
  await until(() => readers.every(({ ended }) => ended !== undefined));
  t.same(
    readers.map(({ ended }) => ended?.code),
    [0, 1012],
  );
  const refused = await restClient(draining.http).get('/feed');
  t.equal(refused.status, 503);
  t.equal(refused.body.code, 'draining');
});

void t.test('after a restart the feed goes on where it was', async (t) => {
  const first = await composeServer();
  await restClient(first.http).post('/forms', newForm('one'));
  const reader = await readStream(first.http, '?after=0');
  await until(() => reader.types().includes('form.created'));
  const created = reader.events.find(({ type }) => type === 'form.created')!;
  await reader.close();
  await first.close();
  const second = await composeServer({ dataDir: first.dataDir });
  t.teardown(() => second.cleanup());
  await restClient(second.http).post('/forms/one/publish');
  const resumed = await readSocket(second.ws, `?after=${created.id}`);
  t.teardown(() => resumed.close());
  await until(() => resumed.types().includes('form.published'));
  t.notOk(resumed.types().includes('form.created'), 'that was heard');
  t.notOk(resumed.types().includes('feed.gap'));
  t.ok(resumed.types().includes('form.changed'), 'what waited at the end was told');
});

void t.test('on Redis a listener hears of what happens on every node, once and in one order', async (t) => {
  const redis = await RedisTestServer.start();
  t.teardown(() => redis.stop());
  const env = { REDIS_URL: redis.url };
  const nodes = [await composeServer({ env }), await composeServer({ env })];
  t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
  const readers = [
    await readStream(nodes[0]!.http, '?types=form.created'),
    await readSocket(nodes[1]!.ws, '?types=form.created'),
  ];
  t.teardown(() => Promise.all(readers.map((reader) => reader.close())));
  const ids = Array.from({ length: 20 }, (_, i) => `node-${i}`);
  await Promise.all(ids.map((id, i) => restClient(nodes[i % 2]!.http).post('/forms', newForm(id))));
  await until(() => readers.every(({ events }) => events.length >= ids.length));
  const heard = readers.map(({ events }) => events.map(({ formId }) => formId));
  t.same(heard[0], heard[1]);
  t.same([...heard[0]!].sort(), [...ids].sort());
});
