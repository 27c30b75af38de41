import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import * as Y from 'yjs';
import { rawClient, syncStep1 } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const MEGABYTE = 1024 * 1024;

/** A document of about `bytes`, stored through REST in parts that each fit a frame. */
async function store(http: string, document: string, bytes: number): Promise<void> {
  const api = restClient(http);
  const doc = new Y.Doc();
  const part = 2 * MEGABYTE;
  for (let stored = 0; stored < bytes; stored += part) {
    const before = Y.encodeStateVector(doc);
    const blob = new Uint8Array(part).fill(stored % 251);
    doc.getMap('parts').set(String(stored), blob);
    const update = Y.encodeStateAsUpdate(doc, before);
    const answer = await api.post(`/documents/${encodeURIComponent(document)}/updates`, update);
    if (answer.status !== 204) throw new Error(`${answer.status} ${answer.text}`);
  }
}

/** A line that lets `bytesPerSecond` through towards the client. */
async function slowLine(t: Test, port: number, bytesPerSecond: number): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    sockets.add(client).add(upstream);
    const throttle = new Transform({
      highWaterMark: 64 * 1024,
      transform: (chunk: Buffer, _encoding, done) => {
        void pause((chunk.length / bytesPerSecond) * 1_000).then(() => done(null, chunk));
      },
    });
    pipeline(upstream, throttle, client, () => upstream.destroy());
    pipeline(client, upstream, () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const metric = async (http: string, line: RegExp): Promise<number> => {
  const text = await (await fetch(`${http}/metrics`)).text();
  const value = line.exec(text)?.[1];
  if (value === undefined) throw new Error(`no metric ${line.source} in:\n${text}`);
  return Number(value);
};

void t.test('row 15: a first sync that takes longer than every timeout ends without a reconnect', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  await store(server.http, 'giant', 34 * MEGABYTE);
  // 34 s on this line: more than the idle timeout of the pool, and than the 30 s after which a stock client
  // that hears nothing reconnects.
  const client = stockClient(await slowLine(t, server.port, MEGABYTE), 'giant');
  t.teardown(() => client.destroy());
  await until(() => client.provider.synced, { what: 'the slow client is synced', limitMs: 110_000 });
  t.strictSame(client.closes, [], 'never closed on the way');
  t.equal(client.doc.getMap('parts').size, 17);
});

void t.test('row 16: many who join a large document share one encoding', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  await store(server.http, 'shared', 8 * MEGABYTE);
  const resident = /^formloom_process_resident_memory_bytes (\d+)/m;
  const encoded = /^formloom_joins_total\{state="encoded"\} (\d+)/m;
  const warm = await rawClient(`${server.ws}/shared`);
  warm.send(syncStep1());
  await until(() => warm.frames.some((frame) => frame[0] === 0 && frame[1] === 1), { what: 'the first join' });
  const [encodedBefore, residentBefore] = [await metric(server.http, encoded), await metric(server.http, resident)];
  const joiners = await Promise.all(Array.from({ length: 60 }, () => rawClient(`${server.ws}/shared`)));
  t.teardown(() => [warm, ...joiners].forEach((joiner) => joiner.destroy()));
  for (const joiner of joiners) joiner.send(syncStep1());
  const isSynced = (frames: readonly Uint8Array[]): boolean => frames.some((frame) => frame[0] === 0 && frame[1] === 1);
  await until(() => joiners.every((joiner) => isSynced(joiner.frames)), { limitMs: 60_000 });
  for (const joiner of joiners) {
    const bytes = joiner.frames.reduce((sum, frame) => sum + frame.length, 0);
    if (bytes < 8 * MEGABYTE) t.fail(`a joiner got ${bytes} bytes`);
  }
  t.equal(await metric(server.http, encoded), encodedBefore, 'nobody had it encoded again');
  const grown = (await metric(server.http, resident)) - residentBefore;
  // A copy for each of them would be 480 MB.
  t.ok(grown < 160 * MEGABYTE, `memory grew by ${Math.round(grown / MEGABYTE)} MB`);
});
