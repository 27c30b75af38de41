/** What a connection keeps while nothing happens on it. */
import { IncomingMessage } from 'node:http';
import v8 from 'node:v8';
import t from 'tap';
import { Y_WEBSOCKET } from '../../loadtest/load/clients/dialects.js';
import { LoadNetwork } from '../../loadtest/load/clients/load-socket.js';
import { SyncClient } from '../../loadtest/load/clients/sync-client.js';
import { composeServer } from '../harness/composed-server.js';
import { until } from '../harness/until.js';

const CONNECTIONS = 20;

t.test('the request of an upgrade is let go once the connection is open', async (t) => {
  const server = await composeServer({ env: { AUTH: 'off' } });
  t.teardown(() => server.cleanup());
  // Raw sockets: a client of `http` would have such objects of its own in this process.
  const endpoint = { port: Number(new URL(server.http).port), dialect: Y_WEBSOCKET };
  const network = new LoadNetwork();
  // Collects garbage before it counts.
  const requests = (): number => v8.queryObjects(IncomingMessage, { format: 'count' });
  const before = requests();
  const join = (): Promise<SyncClient> => SyncClient.join(network, endpoint, 'idle');
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, join));
  t.teardown(() => Promise.all(clients.map((client) => client.close())));
  // Node's HTTP parsers keep their last request until they are used again: a few, however many connect.
  await until(() => requests() - before < CONNECTIONS / 2);
  t.equal(clients.filter(({ isGone }) => isGone).length, 0, 'all are open');
});
