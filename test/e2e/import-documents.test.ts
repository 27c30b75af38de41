import { execFile, execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import * as Y from 'yjs';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { restClient } from '../harness/rest-client.js';
import { FORMLOOM, startServer, temporaryFolder } from '../harness/server-process.js';

const server = await startServer({ env: { AUTH: 'off' } });
t.teardown(() => server.cleanup());

/** Has no types of its own. */
const SQL_JS: string = 'sql.js';

const run = (args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const all = [FORMLOOM, 'import-documents', ...args, '--url', server.http];
    execFile(process.execPath, all, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });

async function folderFor(t: Test): Promise<string> {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function docAt(name: string): Promise<Y.Doc> {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, await restClient(server.http).bytes(`/documents/${encodeURIComponent(name)}/state`));
  return doc;
}

function docWith(text: string): Y.Doc {
  const doc = new Y.Doc();
  doc.getText('text').insert(0, text);
  return doc;
}

for (const version of ['0.1.2', '0.2.0']) {
  void t.test(`what y-leveldb ${version} wrote`, async (t) => {
    const folder = await folderFor(t);
    execFileSync('tar', ['-C', folder, '-xzf', path.join(import.meta.dirname, `../data/y-leveldb/${version}.tar.gz`)]);
    const before = await readdir(folder);
    const from = ['--from', 'y-leveldb', folder, '--prefix', `${version}/`, '--json'];
    const dry = JSON.parse((await run([...from, '--dry-run'])).out);
    t.same(
      dry.documents.map(({ outcome }: { outcome: string }) => outcome),
      Array(3).fill('would be imported'),
    );
    t.equal(
      (await restClient(server.http).get(`/documents?prefix=${version}/`)).body.data.length,
      0,
      'nothing was written',
    );
    const { out, err, code } = await run(from);
    t.equal(code, 0, err);
    t.same(
      JSON.parse(out).documents.map(({ document, outcome }: Record<string, string>) => [document, outcome]),
      ['many', 'second', 'notes/früh & spät'].map((name) => [`${version}/${name}`, 'equal']),
    );
    t.equal(
      (await docAt(`${version}/notes/früh & spät`)).getText('text').toString(),
      'The document of y-websocket-server.',
    );
    t.same((await docAt(`${version}/second`)).getMap('m').toJSON(), { a: 1, b: [1, 2, { c: 'x' }] });
    t.same((await docAt(`${version}/many`)).getArray('a').toJSON(), [...Array(710).keys()]);
    t.same(await readdir(folder), before, 'the source is as it was');
    t.match((await run(from)).out, /"outcome":"equal"/, 'a second run changes nothing');
  });
}

void t.test('what Hocuspocus keeps in SQLite', async (t) => {
  const file = path.join(await folderFor(t), 'db.sqlite');
  // The table as Hocuspocus' extension makes it, in a file that SQLite itself writes.
  const { default: start } = (await import(SQL_JS)) as {
    default: () => Promise<{
      Database: new () => { run(sql: string, values?: unknown[]): void; export(): Uint8Array };
    }>;
  };
  const { Database } = await start();
  const db = new Database();
  db.run('CREATE TABLE IF NOT EXISTS "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))');
  const large = 'Many words. '.repeat(300_000);
  for (const [name, text] of [
    ['one', 'Hello'],
    ['larger than a request', large],
    ['form/x/../y', 'no name of ours'],
  ] as const) {
    db.run('INSERT INTO documents VALUES (?, ?)', [name, Y.encodeStateAsUpdate(docWith(text))]);
  }
  await writeFile(file, db.export());
  const { out, err, code } = await run(['--from', 'hocuspocus-sqlite', file, '--prefix', 'h/', '--json']);
  t.equal(code, 1, 'one of them has a name that is not allowed');
  t.same(
    JSON.parse(out).documents.map(({ outcome }: { outcome: string }) => outcome),
    ['failed', 'equal', 'equal'],
  );
  t.match(err, /document_name_invalid/);
  t.equal((await docAt('h/larger than a request')).getText('text').length, large.length);
});

void t.test('a Redis and a folder of files; what was there before is merged, what is broken is told', async (t) => {
  const redis = await RedisTestServer.start();
  t.teardown(() => redis.stop());
  const client = new Redis(redis.url);
  t.teardown(() => client.disconnect());
  const list = new Y.Doc();
  const updates: Buffer[] = [];
  list.on('update', (update: Uint8Array) => updates.push(Buffer.from(update)));
  for (const word of ['a ', 'list ', 'of ', 'updates']) list.getText('text').insert(list.getText('text').length, word);
  await client.rpush('room [1]:updates', ...updates);
  await client.rpush('torn:updates', ...updates.slice(1));
  const torn = await run(['--from', 'redis', redis.url, '--prefix', 'r/']);
  t.equal(torn.code, 1);
  t.match(torn.out, /2 documents, \d+ bytes: .*1 equal/);
  t.match(torn.err, /torn: it is not whole at the source/);
  t.equal((await docAt('r/room [1]')).getText('text').toString(), 'a list of updates');
  await client.set('state:plain', Buffer.from(Y.encodeStateAsUpdate(docWith('one state'))));
  t.match(
    (await run(['--from', 'redis', redis.url, '--key', 'state:{name}'])).out,
    /^1 documents, \d+ bytes: 1 equal\.\n$/,
  );
  // Messages on their way between servers: not where documents rest.
  await client.xadd('y:room:plain:index', '*', 'm', 'a message');
  const stream = await run(['--from', 'redis', redis.url, '--key', 'y:room:{name}:index']);
  t.equal(stream.code, 2);
  t.match(stream.err, /holds a stream; documents are strings or lists/);

  const folder = path.join(await folderFor(t), 'export');
  await mkdir(folder);
  await writeFile(
    path.join(folder, `${encodeURIComponent('r/room [1]')}.bin`),
    Y.encodeStateAsUpdate(docWith('before ')),
  );
  await writeFile(path.join(folder, 'broken'), 'no update');
  const merged = await run(['--from', 'files', folder]);
  t.match(merged.out, /1 failed, 1 merged/);
  t.match(merged.err, /broken: /);
  t.match((await docAt('r/room [1]')).getText('text').toString(), /a list of updates/);
});

void t.test('wrong use is one clear line', async (t) => {
  const folder = await folderFor(t);
  for (const [args, code, words] of [
    [['--from', 'y-leveldb', folder], 2, /is no folder of LevelDB/],
    [['--from', 'hocuspocus-sqlite', path.join(folder, 'none')], 2, /cannot be read/],
    [['--from', 'hocuspocus-sqlite', FORMLOOM], 2, /is no SQLite file/],
    [['--from', 'redis', 'redis://127.0.0.1:9'], 2, /no Redis answers/],
    [['--from', 'redis', 'redis://127.0.0.1:9', '--key', 'x'], 2, /\{name\} once/],
    [['--from', 'paper', folder], 2, /Allowed choices are y-leveldb/],
  ] as const) {
    const result = await run(args);
    t.equal(result.code, code, args.join(' '));
    t.match(result.err, words);
  }
});
