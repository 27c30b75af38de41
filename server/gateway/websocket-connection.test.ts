import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { factsOfEditor } from '../../test/harness/connection-facts.js';
import { until } from '../../test/harness/until.js';
import { WebSocketConnection } from './websocket-connection.js';

const IDLE_MS = 30_000;
const PING_EVERY_MS = 10_000;

/** A connection over a real socket, and how many pings the client got. */
async function connectionOn(t: Test): Promise<{ connection: WebSocketConnection; pings: () => number }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong: false });
  t.teardown(() => {
    client.terminate();
    server.close();
  });
  let pings = 0;
  client.on('ping', () => (pings += 1));
  const [[ws, { socket }]] = await Promise.all([once(server, 'connection'), once(client, 'open')]);
  const connection = new WebSocketConnection(ws, socket, factsOfEditor(IDLE_MS), '');
  return { connection, pings: () => pings };
}

void t.test('who is silent is pinged every ten seconds, and gone after the idle timeout', async (t) => {
  const { connection, pings } = await connectionOn(t);
  const start = performance.now();
  connection.checkLife(start + 9_000, PING_EVERY_MS);
  connection.checkLife(start + 11_000, PING_EVERY_MS);
  await until(() => pings() === 1, { what: 'the first ping, and none before it' });
  connection.checkLife(start + 12_000, PING_EVERY_MS);
  connection.checkLife(start + 22_000, PING_EVERY_MS);
  await until(() => pings() === 2, { what: 'the second' });
  connection.checkLife(start + IDLE_MS + 1_000, PING_EVERY_MS);
  t.equal(connection.isOpen, false);
});

void t.test('who is heard is pinged now and then all the same', async (t) => {
  const { connection, pings } = await connectionOn(t);
  const start = performance.now();
  const heard = (afterMs: number): void => {
    // As if it were that late, and the last message had come at this moment.
    connection.excuse(start + afterMs - performance.now());
    connection.checkLife(start + afterMs, PING_EVERY_MS);
    connection.excuse(performance.now() - start - afterMs);
  };
  for (let seconds = 1; seconds <= 24; seconds++) {
    connection.heard(10);
    heard(seconds * 1_000);
  }
  connection.heard(10);
  heard(26_000);
  await until(() => pings() > 0, { what: 'a ping' });
  t.equal(pings(), 1, 'one in 26 seconds: it lives, which it has shown by itself');
});
