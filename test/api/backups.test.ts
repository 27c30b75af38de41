import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import * as Y from 'yjs';
import {
  ArchiveDamagedError,
  compareWithArchive,
  restoreArchive,
  StoreNotEmptyError,
  verifyArchive,
  writeArchive,
} from '../../server/backup/index.js';
import { KeyRing } from '../../server/storage/encrypted/index.js';
import { openRedisStorage } from '../../server/storage/redis/index.js';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import type { Storage } from '../../server/storage/index.js';
import { newDataFolder, openFolder } from '../../server/storage/testing/embedded-folder.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { readStream } from '../harness/feed-reader.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const NO_KEYS = new KeyRing([]);
const NAMES = ['one', 'two', 'three'];

async function serve(t: Test, dataDir?: string): Promise<ComposedServer> {
  const server = await composeServer(dataDir === undefined ? {} : { dataDir });
  t.teardown(() => server.cleanup());
  return server;
}

/** Makes a backup through REST and answers where the archive is. */
async function backUpThrough(server: ComposedServer): Promise<{ id: string; file: string; result: unknown }> {
  const api = restClient(server.http);
  const started = await api.post('/backups', {});
  if (started.status !== 202) throw new Error(started.text);
  const { id } = started.body;
  let operation = started.body;
  await until(async () => {
    operation = (await api.get(`/operations/${id}`)).body;
    return operation.state !== 'running';
  });
  if (operation.state !== 'done') throw new Error(operation.error);
  return { id, file: path.join(server.dataDir, 'backups', `${id}.formloom-backup`), result: operation.result };
}

const stateJson = async (storage: Storage, document: string): Promise<string> => {
  const { snapshot, updates } = await storage.documents.load(document);
  const doc = new Y.Doc();
  if (snapshot !== undefined) Y.applyUpdate(doc, snapshot);
  for (const { update } of updates) Y.applyUpdate(doc, update);
  return JSON.stringify({ text: doc.getText('text').toJSON(), map: doc.getMap('map').toJSON() });
};

void t.test('row 39: a backup made under load opens elsewhere, with the same content in every store', async (t) => {
  const server = await serve(t);
  const api = restClient(server.http);
  t.equal((await api.post('/forms', { id: 'kept', title: { en: 'Kept' } })).status, 201);
  t.equal((await api.post('/forms', { id: 'gone', title: { en: 'Gone' } })).status, 201);
  t.equal((await api.delete('/forms/gone')).status < 300, true);
  t.equal((await api.post('/documents/form%2Fkept/snapshots', { label: 'named' })).status, 201);
  const clients = NAMES.map((name) => stockClient(server.ws, `doc/${name}`));
  t.teardown(() => clients.forEach((client) => client.destroy()));
  await Promise.all(clients.map((client) => client.synced()));
  let typed = 0;
  const typing = setInterval(() => {
    typed += 1;
    for (const { doc } of clients) {
      doc.getText('text').insert(0, `${typed} `);
      doc.getMap('map').set('typed', typed);
    }
  }, 1);
  t.teardown(() => clearInterval(typing));
  await until(() => typed > 50);
  const before = typed;
  const feed = await readStream(server.http, '?types=operation.*');
  t.teardown(() => feed.close());
  const { id, file, result } = await backUpThrough(server);
  await until(() => feed.events.length > 0, { what: 'its end is told' });
  t.match(feed.events, [{ type: 'operation.done', data: { operationId: id, kind: 'backup' } }]);
  await until(() => typed > before + 20, { what: 'typing went on' });
  clearInterval(typing);

  const verified = (await api.post(`/backups/${id}/verify`)).body;
  t.match(verified, { isWhole: true, damage: [], unreadable: [], totals: { tombstones: 2 } });
  t.equal(verified.totals.documents >= 4, true);
  t.strictSame((await api.get('/backups')).body.data, [result], 'the operation answers what the list shows');
  t.ok(Buffer.from(await api.bytes(`/backups/${id}/archive`)).equals(await readFile(file)), 'the archive is streamed');
  const rest = { headers: { range: 'bytes=100-' } };
  t.ok(Buffer.from(await api.bytes(`/backups/${id}/archive`, rest)).equals((await readFile(file)).subarray(100)));

  // Embedded to embedded, that to Redis, that to embedded again.
  const into = await openFolder(t, await newDataFolder(t));
  await restoreArchive(file, NO_KEYS, into);
  t.strictSame(await compareWithArchive(file, NO_KEYS, into), []);
  const redisServer = await RedisTestServer.start();
  t.teardown(() => redisServer.stop());
  const redis = await openRedisStorage({ url: redisServer.url, node: 'n', logger: pino({ level: 'silent' }) });
  t.teardown(() => redis.close());
  const lastFolder = await newDataFolder(t);
  const last = await openFolder(t, lastFolder);
  const hops: Storage[] = [into, redis, last];
  for (const [from, to] of [[into, redis] as const, [redis, last] as const]) {
    const hop = path.join(await newDataFolder(t), 'hop');
    await writeArchive(hop, from, NO_KEYS, { id: 'hop', version: 'test' });
    await restoreArchive(hop, NO_KEYS, to, { isMove: to === redis });
    t.strictSame(await compareWithArchive(file, NO_KEYS, to), [], 'the same documents as in the first archive');
  }
  const epochs = await Promise.all(hops.map(async ({ documents }) => (await documents.load('doc/one')).epoch));
  t.equal(epochs[0], epochs[1], 'a move goes on with the life of a document');
  t.not(epochs[1], epochs[2], 'a restore begins a new one');
  for (const name of NAMES) {
    const states = await Promise.all(hops.map((storage) => stateJson(storage, `doc/${name}`)));
    t.equal(new Set(states).size, 1, 'byte for byte');
    const { map } = JSON.parse(states[0] ?? '') as { map: { typed: number } };
    t.ok(map.typed >= before - 1 && map.typed <= typed, 'what was typed before the backup is in it');
  }
  for (const storage of hops) {
    const snapshots: string[] = [];
    for await (const { value } of storage.records.scan(['snapshot', 'form/kept']))
      snapshots.push((JSON.parse(Buffer.from(value).toString()) as { label: string }).label);
    t.strictSame(snapshots, ['named'], 'records are there');
    const audit = await storage.events.range('audit');
    t.ok(
      audit.some(({ data }) => JSON.stringify(data).includes('"form.erased"')),
      'events are there',
    );
    await t.rejects(storage.documents.load('form/gone'), { code: 'document_deleted' }, 'what was erased stays so');
  }

  await last.close();
  const moved = await serve(t, lastFolder);
  const there = restClient(moved.http);
  t.equal((await there.get('/forms/kept')).body.title.en, 'Kept');
  const changes = (await there.get('/forms/kept/changes')).body.data as { target: string; id: string }[];
  t.strictSame(
    changes.map(({ target }) => target),
    ((await api.get('/forms/kept/changes')).body.data as { target: string }[]).map(({ target }) => target),
    'no change is told twice',
  );
});

void t.test('a restore that was cut off is not served, nor taken for an empty store', async (t) => {
  const source = await openFolder(t, await newDataFolder(t));
  await source.records.put(['some', 'record'], Buffer.from('value'));
  await source.files.write({ formId: 'f', submissionId: 's', fileId: 'file' }, Readable.from([Buffer.from('file')]));
  const archive = path.join(await newDataFolder(t), 'archive');
  await writeArchive(archive, source, NO_KEYS, { id: 'a', version: 'test' });
  const dataDir = await newDataFolder(t);
  const target = await openFolder(t, dataDir);
  // Files come last, and the folder of this one has no place here.
  await mkdir(path.join(dataDir, 'files'));
  await writeFile(path.join(dataDir, 'files', 'f'), '');
  await t.rejects(restoreArchive(archive, NO_KEYS, target));
  t.ok(await target.records.get(['some', 'record']));
  await t.rejects(restoreArchive(archive, NO_KEYS, target), /what an interrupted restore has left/);
  await target.close();
  await t.rejects(composeServer({ dataDir }), { code: 'storage_unavailable', message: /did not come to its end/ });
});

void t.test('a stop ends a backup, and what a killed process has left goes with the next one', async (t) => {
  const dataDir = await newDataFolder(t);
  const server = await composeServer({ dataDir });
  for (let i = 0; i < 30; i++) {
    const doc = new Y.Doc();
    doc.getMap('map').set('noise', randomBytes(500_000).toString('base64'));
    const sent = await fetch(`${server.http}/api/v1/documents/large%2F${i}/updates`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Y.encodeStateAsUpdate(doc),
    });
    if (sent.status !== 204) throw new Error(await sent.text());
  }
  const folder = path.join(dataDir, 'backups');
  const names = (): Promise<string[]> => readdir(folder).catch(() => []);
  const started = await restClient(server.http).post('/backups', {});
  await until(async () => (await names()).some((name) => name.endsWith('.partial')), { what: 'it is being written' });
  await server.close();
  t.same(await names(), [], 'nothing is left of it');

  const [old, young] = [randomUUID(), randomUUID()];
  for (const name of [`${old}.formloom-backup.partial`, `${old}.formloom-backup`, `${young}.formloom-backup.partial`]) {
    await writeFile(path.join(folder, name), 'FORM');
    if (name.startsWith(old)) await utimes(path.join(folder, name), 0, 0);
  }
  const again = await serve(t, dataDir);
  const ended = (await restClient(again.http).get(`/operations/${String(started.body.id)}`)).body;
  t.match(ended, { state: 'failed', error: 'The server was stopped.' });
  const { id } = await backUpThrough(again);
  t.same((await names()).sort(), [`${young}.formloom-backup.partial`, `${id}.formloom-backup`, `${id}.json`].sort());
});

void t.test('a damaged archive is named exactly, and nothing of it is restored', async (t) => {
  const source = await openFolder(t, await newDataFolder(t));
  const attribution = { principal: 'ada', at: Date.now(), source: 'sync' } as const;
  const doc = new Y.Doc();
  doc.getText('text').insert(0, 'hello');
  await source.documents.append('doc/a', [{ update: Y.encodeStateAsUpdate(doc), attribution }]);
  await source.records.put(['some', 'record'], Buffer.from('value'));
  const folder = await newDataFolder(t);
  const whole = path.join(folder, 'whole');
  await writeArchive(whole, source, NO_KEYS, { id: 'a', version: 'test' });
  t.strictSame((await verifyArchive(whole, NO_KEYS)).damage, []);
  const bytes = await readFile(whole);
  const frames: { at: number; end: number }[] = [];
  for (let at = 18; at < bytes.length;) {
    const end = at + 36 + bytes.readUInt32BE(at);
    frames.push({ at, end });
    at = end;
  }
  const target = await openFolder(t, await newDataFolder(t));
  for (const [index, { at, end }] of frames.entries()) {
    const damaged = path.join(folder, `damaged ${index}`);
    await writeFile(damaged, bytes);
    const handle = await open(damaged, 'r+');
    await handle.write(Buffer.of((bytes[end - 1] ?? 0) ^ 1), 0, 1, end - 1);
    await handle.close();
    const { damage } = await verifyArchive(damaged, NO_KEYS);
    t.match(damage[0], { frame: index, offset: at, detail: 'the checksum is wrong' });
    await t.rejects(restoreArchive(damaged, NO_KEYS, target), ArchiveDamagedError);
    const cut = path.join(folder, `cut ${index}`);
    await writeFile(cut, bytes);
    await truncate(cut, end - 1);
    t.match((await verifyArchive(cut, NO_KEYS)).damage[0], { frame: index, offset: at });
    await t.rejects(restoreArchive(cut, NO_KEYS, target), ArchiveDamagedError);
    await truncate(cut, at);
    const error: unknown = await restoreArchive(cut, NO_KEYS, target).catch((reason: unknown) => reason);
    t.match(error, { name: 'ArchiveDamagedError', damage: [{ frame: index, offset: at }] });
  }
  t.strictSame((await target.documents.list('', null, 10)).data, []);
  await restoreArchive(whole, NO_KEYS, target, { isDryRun: true });
  t.strictSame((await target.documents.list('', null, 10)).data, [], 'a dry run writes nothing');
  await restoreArchive(whole, NO_KEYS, target);
  t.match((await target.documents.load('doc/a')).updates, [{ attribution }], 'authors are kept');
  await t.rejects(restoreArchive(whole, NO_KEYS, target), StoreNotEmptyError);
});

void t.test('the archive of an encrypted store is encrypted, and opens with its key alone', async (t) => {
  const ring = new KeyRing([{ id: 'k', key: Buffer.alloc(32, 7) }]);
  const source = await openFolder(t, await newDataFolder(t));
  await source.records.put(['secret'], Buffer.from('needle'));
  const folder = await newDataFolder(t);
  const file = path.join(folder, 'sealed');
  await writeArchive(file, source, ring, { id: 'a', version: 'test' });
  t.match(await verifyArchive(file, ring), { damage: [], totals: { records: 1 } });
  await t.rejects(verifyArchive(file, NO_KEYS), { name: 'EncryptionKeyMissingError' });
});
