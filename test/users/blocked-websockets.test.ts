import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import * as Y from 'yjs';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { composeServer } from '../harness/composed-server.js';
import { awarenessMessage, message, upgradeStatus, updateMessage } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient } from '../harness/stock-client.js';
import { streamClient } from '../harness/stream-client.js';
import { until } from '../harness/until.js';

const SECRET = 'a secret that is long enough for HS256';
const ADMIN = 'administration-token';
const JWT = { AUTH: 'jwt', JWT_SECRET: SECRET, ADMIN_TOKEN: ADMIN };

/** As in many offices: plain HTTP passes, an upgrade is refused. */
async function proxyWithoutUpgrades(target: string): Promise<{ url: string; close(): void }> {
  const proxy = createServer((request, response) => {
    const onward = httpRequest(
      target + (request.url ?? ''),
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  proxy.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

const textOf = (doc: Y.Doc): string => doc.getText('text').toString();

void t.test('row 14: behind a proxy that blocks upgrades, an HTTP editor works with WebSocket editors', async (t) => {
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  const proxy = await proxyWithoutUpgrades(server.http);
  t.teardown(() => proxy.close());
  t.equal((await upgradeStatus(`${proxy.url.replace('http', 'ws')}/letters/one`)).status, 403, 'no WebSocket passes');

  const stock = stockClient(server.ws, 'letters/one');
  t.teardown(() => stock.destroy());
  await stock.synced();
  stock.doc.getText('text').insert(0, 'written before; ');
  await stock.saved();
  const blocked = await streamClient(proxy.url, 'letters/one');
  t.teardown(() => blocked.cut());
  await blocked.synced();
  t.equal(textOf(blocked.doc), 'written before; ', 'it has what was there before');

  await t.test('edits of both arrive on both sides', async (t) => {
    for (let i = 0; i < 20; i++) {
      blocked.doc.getText('text').insert(0, `h${i} `);
      stock.doc.getText('text').insert(0, `w${i} `);
    }
    await until(() => textOf(blocked.doc) === textOf(stock.doc) && textOf(stock.doc).includes('h19 '));
    await blocked.sent();
    t.strictSame([...new Set(blocked.posts)], [204]);
    const fresh = stockClient(server.ws, 'letters/one');
    t.teardown(() => fresh.destroy());
    await fresh.synced();
    t.equal(textOf(fresh.doc), textOf(blocked.doc), 'a fresh reader sees the same');
  });

  await t.test('each sees the other present, and gone', async (t) => {
    stock.provider.awareness.setLocalStateField('cursor', 3);
    blocked.awareness.setLocalStateField('cursor', 5);
    const seenBy = (states: Map<number, Record<string, unknown>>, id: number): unknown => states.get(id)?.['cursor'];
    await until(() => seenBy(stock.provider.awareness.getStates(), blocked.doc.clientID) === 5);
    await until(() => seenBy(blocked.awareness.getStates(), stock.doc.clientID) === 3);
    const guest = await streamClient(proxy.url, 'letters/one');
    guest.awareness.setLocalState({ cursor: 9 });
    await until(() => seenBy(stock.provider.awareness.getStates(), guest.doc.clientID) === 9);
    guest.cut();
    await until(() => !stock.provider.awareness.getStates().has(guest.doc.clientID), { what: 'the guest is gone' });
    t.equal(seenBy(stock.provider.awareness.getStates(), blocked.doc.clientID), 5);
  });

  await t.test('a line that was cut is opened again, and what was written meanwhile is merged', async (t) => {
    blocked.cut();
    blocked.doc.getText('text').insert(0, 'offline ');
    stock.doc.getText('text').insert(0, 'online ');
    const again = await streamClient(proxy.url, 'letters/one', { doc: blocked.doc });
    t.teardown(() => again.cut());
    await until(() => textOf(again.doc) === textOf(stock.doc), { what: 'both have both' });
    t.match(textOf(stock.doc), /offline/);
    t.match(textOf(stock.doc), /online/);
  });

  await t.test('a post that is sent again is handled once, and one too early is refused', async (t) => {
    const client = await streamClient(proxy.url, 'counted');
    t.teardown(() => client.cut());
    await client.synced();
    await client.sent();
    const next = client.posts.length + 1;
    const bytesIn = async (): Promise<number> =>
      (await restClient(server.http).get('/connections?document=counted')).body.data[0].bytesIn;
    const body = awarenessMessage(77, 1, { here: true });
    const before = await bytesIn();
    const early = await client.post(body, { sequence: next + 1 });
    t.match([early.status, await early.json()], [409, { code: 'conflict' }]);
    t.equal((await client.post(body, { sequence: next })).status, 204);
    t.equal((await client.post(body, { sequence: next })).status, 204);
    t.equal((await bytesIn()) - before, body.length);
  });
});

void t.test('row 14: the same authentication, rights and close codes as over a WebSocket', async (t) => {
  const server = await composeServer({ env: { ...JWT, MAX_FRAME_BYTES: '64kb', DRAIN_SECONDS: '0' } });
  t.teardown(() => server.cleanup());
  const admin = restClient(server.http, ADMIN);
  const mint = async (sub: string, role: string): Promise<{ token: string; jti: string }> =>
    (await admin.post('/tokens', { sub, grants: [{ document: 'room*', role }], ttlSeconds: 600 })).body;
  const [ada, eve, victor] = await Promise.all([
    mint('ada', 'editor'),
    mint('eve', 'editor'),
    mint('victor', 'viewer'),
  ]);
  const open = async (document: string, token?: string): ReturnType<typeof streamClient> => {
    const client = await streamClient(server.http, document, token === undefined ? {} : { token });
    t.teardown(() => client.cut());
    return client;
  };

  t.match(await (await open('room')).closing(), { code: 4401 }, 'without a token');
  t.match(await (await open('room', 'wrong')).closing(), { code: 4401 }, 'with a wrong token');
  t.match(await (await open('elsewhere', ada.token)).closing(), { code: 4403 }, 'without a right');

  const client = await open('room', ada.token);
  await client.synced();
  t.match(client.headers.get('content-type'), /^text\/event-stream/);
  t.match(client.headers.get('cache-control'), /no-transform/);

  await t.test('nobody else posts on a stream', async (t) => {
    const edit = updateMessage(updateOf('intruded'));
    const answers = [
      await client.post(edit, { headers: { authorization: `Bearer ${eve.token}` } }),
      await client.post(edit, { headers: { 'x-connection-secret': 'guessed' } }),
    ];
    for (const answer of answers) {
      t.equal(answer.status, 404);
      t.match(await answer.json(), { code: 'connection_not_found' });
    }
    t.equal((await client.post(edit, { headers: { authorization: 'Bearer wrong' } })).status, 401);
    await client.post(message(3));
    t.notMatch(textOf(client.doc), /intruded/);
  });

  await t.test('a body over MAX_FRAME_BYTES is refused and the stream lives on', async (t) => {
    const answer = await client.post(new Uint8Array(65 * 1024));
    t.equal(answer.status, 413);
    t.equal(client.isOver, false);
  });

  await t.test('a viewer reads and does not write', async (t) => {
    const viewer = await open('room', victor.token);
    await viewer.synced();
    viewer.doc.getText('text').insert(0, 'not allowed');
    await viewer.sent();
    client.doc.getText('text').insert(0, 'allowed');
    await until(() => textOf(viewer.doc).includes('allowed'));
    const fresh = await open('room', eve.token);
    await fresh.synced();
    t.equal(textOf(fresh.doc), 'allowed');
    t.equal(viewer.isOver, false);
  });

  await t.test('operators see it and disconnect it', async (t) => {
    const { data } = (await admin.get('/connections?document=room&userId=ada')).body;
    t.match(data, [{ id: client.connection, user: { id: 'ada' }, role: 'editor', pool: 'default' }]);
    t.equal(JSON.stringify(data).includes(client.secret), false, 'its secret is not shown');
    t.equal((await admin.delete(`/connections/${client.connection}`)).status, 204);
    t.match(await client.closing(), { code: 1012 });
    await until(() => client.isOver);
    const late = await client.post(message(3));
    t.equal(late.status, 404, 'nothing is taken any more');
  });

  await t.test('a malformed message closes with 4400', async (t) => {
    const vandal = await open('room', eve.token);
    await vandal.synced();
    t.equal((await vandal.post(new Uint8Array([0, 2, 200, 1]))).status, 204);
    t.match(await vandal.closing(), { code: 4400 });
  });

  await t.test('a deleted document closes with 4404', async (t) => {
    const reader = await open('room-deleted', ada.token);
    await reader.synced();
    reader.doc.getText('text').insert(0, 'soon gone');
    await until(async () => (await admin.get('/documents/room-deleted')).status === 200);
    t.equal((await admin.delete('/documents/room-deleted')).status, 200);
    t.match(await reader.closing(), { code: 4404 });
  });

  await t.test('a revoked token closes with 4401', async (t) => {
    const reader = await open('room', victor.token);
    await reader.synced();
    t.equal((await admin.post('/tokens/revoke', { jti: victor.jti })).status < 300, true);
    t.match(await reader.closing(), { code: 4401 });
  });

  await t.test('a bad name is 400', async (t) => {
    const answer = await fetch(`${server.http}/api/v1/sync/a//b`, {
      headers: { authorization: `Bearer ${ada.token}` },
    });
    t.match([answer.status, await answer.json()], [400, { code: 'document_name_invalid' }]);
  });

  await t.test('a drain closes with 1012 and refuses newcomers', async (t) => {
    const reader = await open('room', eve.token);
    await reader.synced();
    await admin.post('/drain');
    const answer = await fetch(`${server.http}/api/v1/sync/room`, {
      headers: { authorization: `Bearer ${ada.token}` },
    });
    t.match([answer.status, await answer.json()], [503, { code: 'overloaded' }]);
    t.ok(answer.headers.get('retry-after'));
    t.match(await reader.closing(), { code: 1012 });
  });
});

void t.test('row 14: streams take places in the pool, and give them back', async (t) => {
  const server = await composeServer({ env: { CONNECTION_POOL_SIZE: '2' } });
  t.teardown(() => server.cleanup());
  const [one, two] = [await streamClient(server.http, 'small'), await streamClient(server.http, 'small')];
  t.teardown(() => [one, two].forEach((client) => client.cut()));
  const status = async (): Promise<number> => {
    const response = await fetch(`${server.http}/api/v1/sync/small`);
    await response.body?.cancel();
    return response.status;
  };
  t.equal(await status(), 503);
  t.equal((await upgradeStatus(`${server.ws}/small`)).status, 503, 'for WebSockets as well');
  one.cut();
  await until(async () => (await status()) === 200, { what: 'the place is free again' });
});

void t.test('row 14: nodes that serve editors serve streams, nodes for REST alone do not', async (t) => {
  const redis = await RedisTestServer.start();
  const [sync, api] = await Promise.all(
    ['sync', 'api'].map((ROLE) => composeServer({ env: { ROLE, REDIS_URL: redis.url } })),
  );
  t.teardown(async () => {
    await Promise.all([sync!.cleanup(), api!.cleanup()]);
    await redis.stop();
  });
  const client = await streamClient(sync!.http, 'room');
  t.teardown(() => client.cut());
  await client.synced();
  t.match(await (await fetch(`${api!.http}/api/v1/sync/room`)).json(), { status: 421, code: 'wrong_role' });
  const elsewhere = await fetch(`${api!.http}/api/v1/sync/room?connection=${client.connection}`, {
    method: 'POST',
    headers: { 'x-connection-secret': client.secret, 'content-type': 'application/octet-stream' },
  });
  t.match(await elsewhere.json(), { status: 404, code: 'connection_not_found' }, 'a post belongs to the node');
});

void t.test('row 14: a stream that is not read is brought up by the difference later', async (t) => {
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  const slow = await streamClient(server.http, 'busy');
  t.teardown(() => slow.cut());
  const writer = stockClient(server.ws, 'busy');
  t.teardown(() => writer.destroy());
  await Promise.all([slow.synced(), writer.synced()]);
  slow.isReading = false;
  const values = writer.doc.getMap('values');
  const admin = restClient(server.http);
  const slowest = async (): Promise<{ lagBytes: number; isBehind: boolean }> =>
    (await admin.get('/connections?document=busy')).body.data.find((one: { id: string }) => one.id === slow.connection);
  const megabyte = 1024 * 1024;
  let largest = 0;
  for (let i = 1; i <= 24; i++) {
    values.set('value', new Uint8Array(megabyte).fill(i));
    await writer.saved();
    largest = Math.max(largest, (await slowest()).lagBytes);
  }
  t.ok(largest > megabyte, 'it lags');
  t.ok(largest < 7 * megabyte, `${largest} bytes wait for it at most`);
  slow.isReading = true;
  await until(() => (slow.doc.getMap('values').get('value') as Uint8Array | undefined)?.[0] === 24);
  t.equal(slow.closed, undefined);
});

function updateOf(text: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getText('text').insert(0, text);
  return Y.encodeStateAsUpdate(doc);
}
