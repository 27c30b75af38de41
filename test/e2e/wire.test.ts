import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { WebSocket } from 'ws';
import { WebsocketProvider as ProviderV3 } from 'y-websocket';
import * as Y from 'yjs';
import {
  awarenessMessage,
  message,
  rawClient,
  syncStep1,
  updateMessage,
  upgradeStatus,
  type RawClient,
} from '../harness/raw-client.js';
import { startServer } from '../harness/server-process.js';
import { converged, stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

/** Versions 1 and 2 as their CommonJS users have them, with the Yjs that comes along. */
const require = createRequire(import.meta.url);
const yjsOfOld = require('yjs') as typeof Y;
const old = (name: string): typeof ProviderV3 =>
  (require(name) as { WebsocketProvider: typeof ProviderV3 }).WebsocketProvider;

/** A socket after its upgrade, for bytes that no WebSocket client would send. */
async function upgradedSocket(port: number, path: string, options: { allowHalfOpen?: boolean } = {}): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', ...options });
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await once(socket, 'data');
  return socket;
}

/** As a client sends it (RFC 6455, sections 5.3 and 5.5.1), with a mask of zeros. */
function maskedClose(code?: number, reason = ''): Buffer {
  const payload = Buffer.alloc(code === undefined ? 0 : 2 + reason.length);
  if (code !== undefined) {
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
  }
  return Buffer.concat([Buffer.of(0x88, 0x80 | payload.length, 0, 0, 0, 0), payload]);
}

async function connectionsTo(http: string, document: string): Promise<number> {
  const answer = await fetch(`${http}/api/v1/connections?document=${document}`);
  return ((await answer.json()) as { data: unknown[] }).data.length;
}

const textOf = (doc: Y.Doc): string => doc.getText('text').toString();

void t.test('on the wire', async (t) => {
  const server = await startServer({ env: { MAX_FRAME_BYTES: '1048576', MAX_DOCUMENT_BYTES: '2097152' } });
  t.teardown(() => server.cleanup());
  const witness = stockClient(server.ws, 'witness');
  t.teardown(() => witness.destroy());
  await witness.synced();

  /** The process is up and connections that did nothing wrong are open. */
  const isUnharmed = async (): Promise<void> => {
    witness.doc.getText('text').insert(0, 'x');
    await witness.saved();
    t.strictSame(witness.closes, [], 'other connections are untouched');
    t.equal((await fetch(`${server.http}/api/v1/health/ready`)).status, 200);
    t.notMatch(server.output(), /\bat .*\.(js|ts):\d+/, 'no stack trace leaves');
  };

  await t.test('y-websocket 1, 2 and 3 work unchanged and with each other', async (t) => {
    const docs: Y.Doc[] = [];
    const versions = [
      { Provider: old('y-websocket-1'), Doc: yjsOfOld.Doc },
      { Provider: old('y-websocket-2'), Doc: yjsOfOld.Doc },
      { Provider: ProviderV3, Doc: Y.Doc },
    ];
    for (const { Provider, Doc } of versions) {
      const doc = new Doc();
      docs.push(doc);
      const provider = new Provider(server.ws, 'mixed', doc, {
        WebSocketPolyfill: WebSocket as never,
        disableBc: true,
      });
      t.teardown(() => {
        provider.destroy();
        doc.destroy();
      });
      await until(() => provider.synced);
    }
    docs.forEach((doc, i) => doc.getMap('from').set(String(i), i));
    await until(() => docs.every((doc) => doc.getMap('from').size === 3));
  });

  await t.test('/sync/<document> is the same document, names are decoded once', async (t) => {
    const a = stockClient(server.ws, 'caf%C3%A9/a b');
    const b = stockClient(`${server.ws}/sync`, 'café/a b');
    t.teardown(() => [a, b].forEach((client) => client.destroy()));
    await Promise.all([a.synced(), b.synced()]);
    a.doc.getText('text').insert(0, 'one');
    await converged([a, b], textOf);
    t.equal(textOf(b.doc), 'one');
  });

  await t.test('names that are not allowed are refused before the upgrade', async (t) => {
    for (const name of ['/', '/a//b', '/a%00b', '/%ff', `/${'n'.repeat(256)}`, '/a/']) {
      const answer = await upgradeStatus(server.ws + name);
      t.equal(answer.status, 400, name);
      t.equal((JSON.parse(answer.body) as { code: string }).code, 'document_name_invalid');
    }
    await isUnharmed();
  });

  await t.test('malformed frames close with 4400', async (t) => {
    const frames = [
      Uint8Array.from([]),
      Uint8Array.from([0]),
      Uint8Array.from([0, 7, 0]),
      Uint8Array.from([0, 2, 50, 1]),
      message(0, 2, Uint8Array.from([1, 1, 1, 0, 9, 9, 9, 9])),
      message(0, 0, Uint8Array.from([255, 255, 255])),
      message(1, Uint8Array.from([1, 1, 1, 3, 0x7b, 0x7b, 0x7b])),
      Uint8Array.from([255, 255, 255, 255, 255, 255, 255, 255, 255, 255]),
    ];
    for (const frame of frames) {
      const client = await rawClient(`${server.ws}/malformed`);
      client.send(frame);
      t.equal((await client.closing()).code, 4400, Buffer.from(frame).toString('hex'));
    }
    const client = await rawClient(`${server.ws}/malformed`);
    client.ws.send('text');
    t.equal((await client.closing()).code, 4400, 'text');
    await isUnharmed();
  });

  await t.test('frames and documents over the limit close with 4413', async () => {
    const large = await rawClient(`${server.ws}/large`);
    large.send(new Uint8Array(1024 * 1024 + 1));
    t.equal((await large.closing()).code, 4413, 'a frame');

    const doc = new Y.Doc();
    const grower = await rawClient(`${server.ws}/large`);
    for (let i = 0; i < 4; i++) {
      let update: Uint8Array | undefined;
      doc.once('update', (bytes: Uint8Array) => (update = bytes));
      doc.getText('text').insert(0, String(i).repeat(700_000));
      grower.send(updateMessage(update!));
    }
    t.equal((await grower.closing()).code, 4413, 'a document');
    await isUnharmed();
  });

  await t.test('unknown message types are ignored, several messages in a frame are read', async (t) => {
    const doc = new Y.Doc();
    doc.getText('text').insert(0, 'hello');
    const client = await rawClient(`${server.ws}/several`);
    t.teardown(() => client.destroy());
    client.send(message(99, 'what is this'));
    client.send(Buffer.concat([syncStep1(), updateMessage(Y.encodeStateAsUpdate(doc)), message(3)]));
    await until(() => client.ofType(0).length >= 3, { what: 'step 1, step 2 and the echo' });
    const reader = stockClient(server.ws, 'several');
    t.teardown(() => reader.destroy());
    await reader.synced();
    t.equal(textOf(reader.doc), 'hello');
    t.equal(client.closed, undefined);
  });

  await t.test('a close is answered with its code and reason, and the connection closed at once', async (t) => {
    const codes = [
      { frame: maskedClose(1000, 'bye'), answer: '8805 03e8 627965' },
      { frame: maskedClose(1009), answer: '8802 03f1' },
      { frame: maskedClose(), answer: '8800' },
    ];
    for (const { frame, answer } of codes) {
      // It never closes its own half: the server has to.
      const socket = await upgradedSocket(server.port, '/goodbye', { allowHalfOpen: true });
      t.teardown(() => socket.destroy());
      let received = Buffer.alloc(0);
      let hasEnded = false;
      socket.on('data', (bytes: Buffer) => (received = Buffer.concat([received, bytes])));
      socket.once('end', () => (hasEnded = true));
      socket.write(frame);
      await until(() => hasEnded, { what: 'the server has closed' });
      const expected = Buffer.from(answer.replaceAll(' ', ''), 'hex');
      t.strictSame(received.subarray(-expected.length), expected);
      // `ws` would wait 30 s for the client to close.
      await until(async () => (await connectionsTo(server.http, 'goodbye')) === 0, { limitMs: 20_000 });
    }
    await isUnharmed();
  });

  await t.test('what a client sent before it left is kept, also where the room rests', async (t) => {
    // With so many readers a room rests for milliseconds after a tick, and the second edit waits for the next one.
    const readers = await Promise.all(Array.from({ length: 40 }, () => rawClient(`${server.ws}/left`)));
    const reader = stockClient(server.ws, 'left');
    t.teardown(() => [reader, ...readers].forEach((client) => client.destroy()));
    await reader.synced();
    const isThere = (key: string): Promise<void> => until(() => reader.doc.getMap('m').has(key), { what: key });
    for (const [name, leave] of [
      ['closed', (client: RawClient) => client.ws.close()],
      ['cut', (client: RawClient) => client.ws.terminate()],
    ] as const) {
      const doc = new Y.Doc();
      const updates: Uint8Array[] = [];
      doc.on('update', (update: Uint8Array) => updates.push(update));
      doc.getMap('m').set(`${name} 1`, true);
      doc.getMap('m').set(`${name} 2`, true);
      const client = await rawClient(`${server.ws}/left`);
      client.send(updateMessage(updates[0]!));
      await isThere(`${name} 1`);
      client.send(updateMessage(updates[1]!));
      leave(client);
      await isThere(`${name} 2`);
    }
  });

  await t.test('bytes that are no WebSocket frame end that connection alone', async () => {
    const socket = await upgradedSocket(server.port, '/garbage');
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.write(Buffer.alloc(1000, 0xff));
    await ended;
    await isUnharmed();
  });

  await t.test('updates whose dependencies never come are not echoed, and bounded: 4409', async (t) => {
    const doc = new Y.Doc();
    const updates: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array) => updates.push(update));
    for (let i = 0; i < 4; i++) doc.getText('text').insert(i * 500_000, 'y'.repeat(500_000));
    const client = await rawClient(`${server.ws}/gap`);
    client.send(updateMessage(updates[1]!));
    client.send(message(0, 0, Uint8Array.from([0])));
    await until(() => client.ofType(0).some((frame) => frame[1] === 1));
    t.notOk(
      client.ofType(0).some((frame) => frame[1] === 2),
      'no echo of what is pending',
    );
    client.send(updateMessage(updates[2]!));
    client.send(updateMessage(updates[3]!));
    t.equal((await client.closing()).code, 4409);
    await isUnharmed();
  });

  await t.test('presence: only own client ids, removed when the connection closes', async (t) => {
    const observer = stockClient(server.ws, 'presence');
    const alice = stockClient(server.ws, 'presence', { params: { user: 'alice' } });
    t.teardown(() => [observer, alice].forEach((client) => client.destroy()));
    await Promise.all([observer.synced(), alice.synced()]);
    alice.provider.awareness.setLocalStateField('user', { name: 'Mallory', color: 'red' });
    const aliceId = alice.doc.clientID;
    const seen = (): Record<string, unknown> | undefined => observer.provider.awareness.getStates().get(aliceId);
    await until(() => seen()?.['user'] !== undefined);
    t.match(seen(), { user: { id: 'alice', name: 'alice', color: 'red' } }, 'the identity is the server’s');

    const forger = await rawClient(`${server.ws}/presence?user=mallory`);
    t.teardown(() => forger.destroy());
    forger.send(awarenessMessage(aliceId, 1_000, { user: { name: 'forged' } }));
    forger.send(awarenessMessage(77, 1, { cursor: 1 }));
    await until(() => observer.provider.awareness.getStates().has(77));
    t.match(seen(), { user: { name: 'alice' } }, 'a foreign client id is not relayed');

    forger.destroy();
    await until(() => !observer.provider.awareness.getStates().has(77), { what: 'the closed connection is gone' });
    // A client that comes back at once is seen at once, although its clock has not moved.
    alice.disconnect();
    await until(() => seen() === undefined);
    alice.provider.connect();
    // Sooner than a client says by itself that it is still there (15 s).
    await until(() => seen() !== undefined, { limitMs: 12_000 });
  });
  await isUnharmed();
});

void t.test('a comment document is readable and refuses updates, the connection stays', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  const client = await rawClient(`${server.ws}/form/f1/comments`);
  t.teardown(() => client.destroy());
  const doc = new Y.Doc();
  doc.getMap('threads').set('t', 1);
  client.send(updateMessage(Y.encodeStateAsUpdate(doc)));
  await until(() => client.ofType(2).length > 0, { what: 'an auth message' });
  t.equal(client.ofType(2)[0]?.[1], 0, 'permission denied');
  client.send(syncStep1());
  await until(() => client.ofType(0).some((frame) => frame[1] === 1));
  t.equal(client.closed, undefined);
});
