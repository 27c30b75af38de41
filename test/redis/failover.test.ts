import t from 'tap';
import * as Y from 'yjs';
import { startSentinelGroup } from '../../server/storage/redis/testing/redis-test-server.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

void t.test('a master killed under Sentinel takes no echoed edit with it; editors notice a pause', async (t) => {
  const group = await startSentinelGroup();
  t.teardown(() => group.stop());
  const env = {
    REDIS_SENTINELS: group.sentinels.map((sentinel) => sentinel.address).join(','),
    REDIS_SENTINEL_NAME: 'formloom',
    REDIS_WAIT_REPLICAS: '1',
  };
  const nodes = await Promise.all([startServer({ env }), startServer({ env })]);
  t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
  const clients = Array.from({ length: 6 }, (_, i) => stockClient(nodes[i % 2]!.ws, `doc-${i % 3}`));
  t.teardown(() => clients.forEach((client) => client.destroy()));
  await Promise.all(clients.map((client) => client.synced()));

  let isWriting = true;
  let count = 0;
  const writers = clients.map(async (client) => {
    while (isWriting) {
      client.doc.getMap('edits').set(`k${count++}`, 1);
      await client.saved();
    }
  });
  await until(() => count > 200);
  await group.killMaster();
  const before = count;
  await until(() => count > before + 200, { what: 'editing goes on with the new master' });
  isWriting = false;
  await Promise.all(writers);

  const late = await startServer({ env });
  t.teardown(() => late.cleanup());
  for (const index of [0, 1, 2]) {
    const reader = stockClient(late.ws, `doc-${index}`);
    t.teardown(() => reader.destroy());
    await reader.synced();
    for (const writer of [clients[index]!, clients[index + 3]!]) {
      const own = Y.getState(writer.doc.store, writer.doc.clientID);
      t.equal(Y.getState(reader.doc.store, writer.doc.clientID), own, 'everything that was echoed is there');
    }
  }
});
