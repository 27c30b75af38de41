import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { RecordKey } from '../record-store.js';
import { RedisTestServer } from './testing/redis-test-server.js';
import { openFor } from './testing/opened-storage.js';
import { bytesOf } from '../testing/embedded-folder.js';
import { eventually, saying, textsOf } from '../testing/store-under-test.js';

const DOCUMENTS = 200;

/** How often clients sent each command; what scripts do inside isn't counted twice. */
async function sentCommands(server: RedisTestServer): Promise<Map<string, number>> {
  const info = await server.with((client) => client.info('commandstats'));
  const calls = [...info.matchAll(/cmdstat_([a-z|]+):calls=(\d+)/g)];
  return new Map(calls.map(([, name, count]) => [name!, Number(count)]));
}

async function startFor(t: Test, settings: string[] = []): Promise<RedisTestServer> {
  const server = await RedisTestServer.start(settings);
  t.teardown(() => server.stop());
  return server;
}

void t.test('an edit costs one command, and the replicas’ confirmation one more per turn', async (t) => {
  const server = await startFor(t);
  await startFor(t, ['--replicaof', '127.0.0.1', String(server.port)]);
  const storage = await openFor(t, { url: server.url, waitReplicas: 1 });
  const reader = await openFor(t, { url: server.url, node: 'node-2' });
  const documents = Array.from({ length: DOCUMENTS }, (_, i) => `doc ${i}`);
  let received = 0;
  const isComplete = new Promise<void>((resolve) => {
    for (const document of documents) {
      void reader.documents.subscribe(document, '', (updates) => {
        received += updates.length;
        if (received === 2 * DOCUMENTS) resolve();
      });
    }
  });
  await Promise.all(documents.map((document) => storage.documents.append(document, [saying('first')])));
  const before = await sentCommands(server);
  await Promise.all(documents.map((document) => storage.documents.append(document, [saying('second')])));
  await isComplete;
  const after = await sentCommands(server);
  const sent = ['evalsha', 'eval', 'wait', 'xrange', 'exists', 'get', 'zadd', 'multi'].reduce(
    (sum, name) => sum + (after.get(name) ?? 0) - (before.get(name) ?? 0),
    0,
  );
  t.ok(sent / DOCUMENTS <= 1.1, `${sent} commands for ${DOCUMENTS} edits and as many deliveries`);
});

void t.test('a user with rights to its own keys and channels alone is enough', async (t) => {
  const server = await startFor(t);
  await server.with((client) =>
    client.call(
      ...['acl', 'setuser', 'formloom', 'on', '>s3cret%'],
      ...['resetkeys', '~formloom:*', 'resetchannels', '&formloom:*'],
      ...[
        '-@all',
        '+@read',
        '+@write',
        '+@pubsub',
        '+@scripting',
        '+@connection',
        '+info',
        '+time',
        '+wait',
        '+bgrewriteaof',
      ],
    ),
  );
  const storage = await openFor(t, { url: `redis://formloom:s3cret%25@127.0.0.1:${server.port}` });
  const seen: string[] = [];
  const subscription = await storage.documents.subscribe('doc', '', (updates) => void seen.push(...textsOf(updates)));
  const position = await storage.documents.append('doc', [saying('a')]);
  t.equal(await storage.documents.compact('doc', position, Buffer.from('state')), 'done');
  t.equal((await storage.documents.list('', null, 1)).data.length, 1);
  await storage.records.put(['a'], Buffer.from('b'));
  await storage.events.append('stream', [1]);
  t.ok(await storage.leases.acquire('duty', 'me', 1_000));
  await storage.bus.publish('channel', Buffer.from('message'));
  await storage.documents.erase('doc');
  await subscription.close();
  t.strictSame(seen, ['a']);
  await server.with((client) => client.call('acl', 'setuser', 'formloom', '-time'));
  await t.rejects(openFor(t, { url: `redis://formloom:s3cret%25@127.0.0.1:${server.port}` }), {
    code: 'storage_unavailable',
    message: /lacks a right/,
  });
  await t.rejects(openFor(t, { url: `redis://formloom:wrong@127.0.0.1:${server.port}`, deadlineMs: 200 }), {
    code: 'storage_unavailable',
    message: /WRONGPASS/,
  });
});

void t.test('deployments with different namespaces share a server without seeing each other', async (t) => {
  const server = await startFor(t);
  const [one, two] = [
    await openFor(t, { url: server.url, namespace: 'one' }),
    await openFor(t, { url: server.url, namespace: 'two' }),
  ];
  await one.documents.append('doc', [saying('a')]);
  await one.records.put(['key'], Buffer.from('value'));
  t.equal(await two.documents.info('doc'), undefined);
  t.strictSame((await two.documents.list('', null, 10)).data, []);
  t.equal(await two.records.get(['key']), undefined);
  t.equal(await two.records.erase(['key']), 0);
  t.ok(await one.records.get(['key']));
});

void t.test('records are scanned in the order of their segments’ bytes, over all parts of the index', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  const segment = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', 'a', 'a\0', 'a\0\x01', 'b'));
  const keys = fc.uniqueArray(fc.tuple(segment, segment), { minLength: 1, maxLength: 60, selector: (key) => hex(key) });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(keys, fc.boolean(), fc.nat(70), async (pairs, reverse, limit) => {
      const root = `run ${++run}`;
      const all = pairs.map((pair): RecordKey => [root, ...pair]);
      await Promise.all(all.map((key) => storage.records.put(key, Buffer.from(hex(key)))));
      const sorted = all.toSorted((a, b) => compare(a, b) * (reverse ? -1 : 1));
      const after = sorted[limit % sorted.length]!;
      t.strictSame(await scan(root, { reverse }), sorted.map(hex));
      t.strictSame(
        await scan(root, { reverse, after, limit }),
        sorted.slice(sorted.indexOf(after) + 1, sorted.indexOf(after) + 1 + limit).map(hex),
      );
    }),
    { numRuns: 15 },
  );

  async function scan(root: string, options: object): Promise<string[]> {
    const found: string[] = [];
    for await (const { key, value } of storage.records.scan([root], options)) {
      if (hex(key) !== Buffer.from(value).toString()) t.fail(`${hex(key)} has the value of another record`);
      found.push(hex(key));
    }
    return found;
  }
});

/** Lone surrogates have no UTF-8 of their own, so keys are told apart as bytes. */
function hex(key: readonly string[]): string {
  return key.map((segment) => Buffer.from(segment, 'utf8').toString('hex')).join('/');
}

function compare(a: RecordKey, b: RecordKey): number {
  for (const [i, segment] of a.entries()) {
    const order = Buffer.from(segment, 'utf8').compare(Buffer.from(b[i] ?? '', 'utf8'));
    if (order !== 0) return order;
  }
  return 0;
}

void t.test('what is erased while the append-only file is being rewritten leaves it too', async (t) => {
  // A tenth of a second for each key: long enough for what comes next.
  const server = await startFor(t, ['--rdb-key-save-delay', '100000']);
  const storage = await openFor(t, { url: server.url, purgeGatherMs: 50 });
  for (let i = 0; i < 20; i++) await storage.records.put(['kept', String(i)], Buffer.from('kept'));
  const rewriting = async (): Promise<boolean> =>
    (await server.with((client) => client.info('persistence'))).includes('aof_rewrite_in_progress:1');
  await server.with((client) => client.bgrewriteaof());
  await eventually('the file is being rewritten', rewriting);
  await storage.records.put(['secret', 'a'], Buffer.from('a needle in the log'));
  await storage.records.erase(['secret']);
  const holdsIt = async (): Promise<boolean> => (await bytesOf(server.folder)).includes('a needle in the log');
  t.ok((await rewriting()) && (await holdsIt()), 'it was written and erased meanwhile');
  // The next one may hurry.
  await server.with((client) => client.config('SET', 'rdb-key-save-delay', '0'));
  await eventually('nothing of it is left', async () => !(await holdsIt()));
});
