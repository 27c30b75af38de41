import t from 'tap';
import { storageContract } from '../storage.contract.js';
import { bytesOf } from '../testing/embedded-folder.js';
import { openFor } from './testing/opened-storage.js';
import { RedisTestServer, startCluster, startSentinelGroup } from './testing/redis-test-server.js';

async function mediumOf(servers: readonly RedisTestServer[]): Promise<Buffer> {
  return Buffer.concat(await Promise.all(servers.map(({ folder }) => bytesOf(folder))));
}

void t.test('one server keeps the contracts of all ports', async (t) => {
  const server = await RedisTestServer.start();
  t.teardown(() => server.stop());
  await storageContract(
    t,
    (t, node = 'one') => openFor(t, { url: server.url, purgeGatherMs: 100, node }),
    () => mediumOf([server]),
  );
});

void t.test('Sentinels with replicas that confirm each write keep the contracts of all ports', async (t) => {
  const group = await startSentinelGroup();
  t.teardown(() => group.stop());
  const sentinels = group.sentinels.map((sentinel) => sentinel.address);
  await storageContract(
    t,
    (t, node = 'one') => openFor(t, { sentinels, sentinelName: 'formloom', waitReplicas: 1, purgeGatherMs: 100, node }),
    () => mediumOf([group.master]),
  );
});

void t.test('a Cluster keeps the contracts of all ports', async (t) => {
  const cluster = await startCluster();
  t.teardown(() => cluster.stop());
  const addresses = cluster.nodes.map((node) => node.address);
  await storageContract(
    t,
    (t, node = 'one') => openFor(t, { cluster: addresses, purgeGatherMs: 100, node }),
    () => mediumOf(cluster.nodes),
  );
});
