import type { Socket } from 'node:net';
import t from 'tap';
import { composeServer } from '../harness/composed-server.js';
import { rawClient } from '../harness/raw-client.js';
import { streamClient } from '../harness/stream-client.js';
import { until } from '../harness/until.js';

void t.test('clients that hang hold up no stop', async (t) => {
  const server = await composeServer();
  const hung = await rawClient(`${server.ws}/room`);
  (hung.ws as unknown as { _socket: Socket })._socket.pause();
  const stream = await streamClient(server.http, 'room');
  stream.isReading = false;
  t.teardown(() => {
    hung.destroy();
    stream.cut();
  });
  let isStopped = false;
  const stop = server.cleanup().then(() => (isStopped = true));
  // `ws` waits 30 s for the answer to a close; Kubernetes waits as long before it kills.
  await until(() => isStopped, { what: 'the server has stopped', limitMs: 25_000 });
  await stop;
  t.equal(hung.closed, undefined, 'the client has not even noticed');
});
