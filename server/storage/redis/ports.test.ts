import t from 'tap';
import { portSuite } from './ports.contract.js';
import { RedisTestServer, startCluster, startSentinelGroup } from './testing/redis-test-server.js';
import { openFor } from './testing/opened-storage.js';

void t.test('one server', async (t) => {
  const server = await RedisTestServer.start();
  t.teardown(() => server.stop());
  await portSuite(t, (t, node) => openFor(t, { url: server.url, node }));
});

void t.test('Sentinels, each write confirmed by a replica', async (t) => {
  const group = await startSentinelGroup();
  t.teardown(() => group.stop());
  const sentinels = group.sentinels.map((sentinel) => sentinel.address);
  await portSuite(t, (t, node) => openFor(t, { sentinels, sentinelName: 'formloom', waitReplicas: 1, node }));
});

void t.test('a Cluster', async (t) => {
  const cluster = await startCluster();
  t.teardown(() => cluster.stop());
  const addresses = cluster.nodes.map((node) => node.address);
  await portSuite(t, (t, node) => openFor(t, { cluster: addresses, node }));
});
