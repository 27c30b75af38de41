/** Row 20 on Redis: a node that dies takes its people with it, and nothing that was echoed. */
import t from 'tap';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { composeServer } from '../harness/composed-server.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

void t.test(
  'row 20 on Redis: kill -9 of a node: its presence is gone in 35 s, its echoed edits are kept',
  async (t) => {
    const redis = await RedisTestServer.start();
    t.teardown(() => redis.stop());
    const env = { REDIS_URL: redis.url };
    const [one, two] = await Promise.all([startServer({ env }), composeServer({ env })]);
    t.teardown(() => Promise.all([one, two].map((node) => node.cleanup())));
    const [ada, ben] = [stockClient(one.ws, 'doc'), stockClient(two.ws, 'doc')];
    t.teardown(() => [ada, ben].forEach((client) => client.destroy()));
    await Promise.all([ada.synced(), ben.synced()]);
    ada.provider.awareness.setLocalState({ here: true });
    await until(() => ben.provider.awareness.getStates().get(ada.doc.clientID)?.['here'] === true);
    ada.doc.getText('text').insert(0, 'echoed');
    await ada.saved();
    await one.kill();
    // A stock client forgets by itself whom it has not heard of for 30 s: the server has to be sooner.
    await until(() => !ben.provider.awareness.getStates().has(ada.doc.clientID), { limitMs: 28_000 });
    await until(() => ben.doc.getText('text').toString() === 'echoed');
    const late = await composeServer({ env });
    t.teardown(() => late.cleanup());
    const reader = stockClient(late.ws, 'doc');
    t.teardown(() => reader.destroy());
    await reader.synced();
    t.equal(reader.doc.getText('text').toString(), 'echoed');
  },
);
