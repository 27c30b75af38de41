import t from 'tap';
import { Keys } from './keys.js';
import { startCluster, type RedisTestServer, type TestCluster } from './testing/redis-test-server.js';
import { failing, healed, openFor } from './testing/opened-storage.js';
import { eventually, saying, textsOf } from '../testing/store-under-test.js';

const keys = new Keys();

void t.test('a document whose slot moves to another node is followed without a gap', async (t) => {
  const cluster = await clusterFor(t);
  const addresses = cluster.nodes.map((node) => node.address);
  const writer = await openFor(t, { cluster: addresses });
  const reader = await openFor(t, { cluster: addresses, node: 'node-2' });
  const seen: string[] = [];
  await reader.documents.subscribe('doc', '', (updates) => void seen.push(...textsOf(updates)));
  const written: string[] = [];
  let isWriting = true;
  const writing = (async () => {
    for (let i = 0; isWriting; i++) {
      await writer.documents.append('doc', [saying(String(i))]);
      written.push(String(i));
    }
  })();
  await eventually('something is written', () => written.length > 20);
  await moveSlot(cluster.nodes, keys.document('doc').log);
  const before = written.length;
  await eventually('writing goes on', () => written.length > before + 200);
  isWriting = false;
  await writing;
  await eventually('the reader has followed', () => seen.length >= written.length);
  t.strictSame(seen, written);
  t.strictSame(textsOf((await reader.documents.load('doc')).updates), written);
});

void t.test('a killed node holds up its own documents only, and they go on when it is back', async (t) => {
  const cluster = await clusterFor(t);
  const storage = await openFor(t, { cluster: cluster.nodes.map((node) => node.address) });
  const documents = Array.from({ length: 12 }, (_, i) => `doc ${i}`);
  const seen = new Map<string, string[]>();
  for (const document of documents) {
    seen.set(document, []);
    await storage.documents.append(document, [saying('before')]);
    await storage.documents.subscribe(document, '', (updates) => void seen.get(document)!.push(...textsOf(updates)));
  }
  const [victim] = cluster.nodes;
  const isOfVictim = await ownedBy(victim!, documents);
  const mine = documents.filter((document) => isOfVictim.has(document));
  t.ok(mine.length > 0 && mine.length < documents.length, 'some documents are there, some not');
  // A Cluster stops as a whole by default when a part is missing.
  await Promise.all(
    cluster.nodes.map((node) => node.with((client) => client.config('SET', 'cluster-require-full-coverage', 'no'))),
  );
  await victim!.kill();
  const appends = documents.map((document) => storage.documents.append(document, [saying('meanwhile')]));
  await Promise.all(appends.filter((_, i) => !isOfVictim.has(documents[i]!)));
  await failing(storage, /./);
  await victim!.launch();
  await Promise.all(appends);
  await healed(storage);
  for (const document of documents) {
    t.strictSame(textsOf((await storage.documents.load(document)).updates), ['before', 'meanwhile'], document);
    await eventually('the subscriber has followed', () => seen.get(document)!.length === 2);
  }
});

async function clusterFor(t: { teardown(fn: () => unknown): unknown }): Promise<TestCluster> {
  const cluster = await startCluster();
  t.teardown(() => cluster.stop());
  return cluster;
}

async function ownedBy(node: RedisTestServer, documents: readonly string[]): Promise<Set<string>> {
  const found = await Promise.all(
    documents.map((document) =>
      node.with((client) =>
        client.exists(keys.document(document).meta).then(
          () => [document],
          () => [],
        ),
      ),
    ),
  );
  return new Set(found.flat());
}

/** As `redis-cli --cluster reshard` does it. https://redis.io/docs/latest/commands/cluster-setslot/ */
async function moveSlot(nodes: readonly RedisTestServer[], key: string): Promise<void> {
  const ids = await Promise.all(nodes.map((node) => node.with((client) => client.cluster('MYID'))));
  const slot = await nodes[0]!.with((client) => client.cluster('KEYSLOT', key));
  const counts = await Promise.all(nodes.map((node) => node.with((client) => client.cluster('COUNTKEYSINSLOT', slot))));
  const from = counts.findIndex((count) => count > 0);
  const to = (from + 1) % nodes.length;
  const [source, target] = [nodes[from]!, nodes[to]!];
  await target.with((client) => client.cluster('SETSLOT', slot, 'IMPORTING', ids[from]!));
  await source.with((client) => client.cluster('SETSLOT', slot, 'MIGRATING', ids[to]!));
  await source.with(async (client) => {
    const moving = await client.cluster('GETKEYSINSLOT', slot, 100);
    await client.migrate('127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...moving);
  });
  for (const node of [target, source, ...nodes]) {
    await node.with((client) => client.cluster('SETSLOT', slot, 'NODE', ids[to]!));
  }
}
