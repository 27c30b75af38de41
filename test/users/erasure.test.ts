/** Row 33, on both stores: what is erased is on no medium, in no kept answer, and comes back through nobody. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { bytesOf } from '../../server/storage/testing/embedded-folder.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

/** As bytes, and as base64 wherever it begins in what is encoded: kept answers are. */
function spellings(secret: string): Buffer[] {
  const encoded = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]).toString('base64');
    return whole.slice(Math.ceil((before * 4) / 3) + 1, -4);
  });
  return [secret, ...encoded].map((text) => Buffer.from(text));
}

async function suite(t: Test, one: ComposedServer, two: ComposedServer, folders: readonly string[]): Promise<void> {
  const secret = randomBytes(24).toString('hex');
  const wanted = spellings(secret);
  const found = async (): Promise<number> => {
    const medium = Buffer.concat(await Promise.all(folders.map((folder) => bytesOf(folder))));
    return wanted.filter((spelling) => medium.includes(spelling)).length;
  };
  const [here, there] = [restClient(one.http), restClient(two.http)];
  const key = (name: string): { headers: Record<string, string> } => ({ headers: { 'idempotency-key': name } });
  const ok = (answer: { status: number; text: string }): void => {
    if (answer.status >= 300) throw new Error(answer.text);
  };
  const fields = [
    { id: 'name', type: 'text', title: { en: secret } },
    { id: 'cv', type: 'file' },
  ];
  ok(await here.post('/forms', { id: 'f', title: { en: secret }, pages: [{ id: 'p', fields }] }, key('create')));
  const operations = [{ op: 'setTitle', target: 'form', language: 'en', value: `again ${secret}` }];
  ok(await here.patch('/forms/f', { operations }, key('patch')));
  t.equal((await here.patch('/forms/f', { operations }, key('patch'))).headers.get('idempotency-replayed'), 'true');
  ok(await here.post('/documents/form%2Ff/snapshots', { label: secret }));
  ok(await here.post('/forms/f/publish', undefined, key('publish')));
  ok(await here.post('/forms/f/threads', { anchor: { type: 'form' }, body: secret }, key('thread')));
  const sheet = await here.post('/forms/f/submissions', undefined, key('start'));
  ok(sheet);
  const path = `/forms/f/submissions/${sheet.body.id}`;
  const body = new FormData();
  body.append('cv', new File([`a life: ${secret}`], `${secret}.txt`, { type: 'text/plain' }));
  const uploaded = await fetch(`${one.http}/api/v1${path}/files`, { method: 'POST', body });
  t.equal(uploaded.status, 201);
  const file = (await uploaded.json()) as { id: string };
  const download = await fetch(`${two.http}/api/v1${path}/files/${file.id}`);
  t.equal(await download.text(), `a life: ${secret}`, 'a file is read wherever it was uploaded');
  ok(await here.patch(`${path}/answers`, { answers: { name: secret } }, key('answer')));
  const opaque = stockClient(one.ws, 'notes');
  const late = stockClient(one.ws, 'form/f');
  t.teardown(() => [opaque, late].forEach((client) => client.destroy()));
  await Promise.all([opaque.synced(), late.synced()]);
  opaque.doc.getText('text').insert(0, secret);
  await opaque.saved();
  late.disconnect();
  late.doc.getMap('meta').set('late', secret);
  t.ok((await found()) >= 1, 'the medium is what is searched here; kept answers are encrypted');

  const receipt = await there.delete('/forms/f', key('erase'));
  t.equal(receipt.status, 200, receipt.text);
  t.strictSame((await there.delete('/forms/f', key('erase'))).body, receipt.body, 'the receipt is kept');
  ok(await there.delete('/documents/notes'));
  await until(() => opaque.closes.includes(4404), { what: 'who is connected elsewhere is sent away' });
  late.provider.connect();
  await until(() => late.closes.includes(4404), { what: 'who comes late cannot bring it back' });
  for (const [name, answer] of [
    ['patch', await here.patch('/forms/f', { operations }, key('patch'))],
    ['start', await here.post('/forms/f/submissions', undefined, key('start'))],
  ] as const) {
    t.equal(answer.status, 404, `${name}: ${answer.text}`);
    t.equal(answer.headers.get('idempotency-replayed'), null);
  }
  t.equal((await fetch(`${two.http}/api/v1${path}/files/${file.id}`)).status, 404);
  await Promise.all([one.close(), two.close()]);
  await until(async () => (await found()) === 0, { what: 'no byte of it is left' });
}

void t.test('row 33: embedded', async (t) => {
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  await suite(t, server, server, [server.dataDir]);
});

void t.test('row 33: two nodes on Redis', async (t) => {
  const redis = await RedisTestServer.start();
  t.teardown(() => redis.stop());
  const env = { REDIS_URL: redis.url };
  const [one, two] = await Promise.all([composeServer({ env }), composeServer({ env })]);
  t.teardown(() => Promise.all([one, two].map(({ dataDir }) => rm(dataDir, { recursive: true, force: true }))));
  await suite(t, one, two, [redis.folder, one.dataDir, two.dataDir]);
});
