import t from 'tap';
import { storeBlobs } from '../../loadtest/load/rooms/blobs.js';
import { SlowLine } from '../../loadtest/load/clients/slow-line.js';
import { rawClient, syncStep1 } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const MEGABYTE = 1024 * 1024;
/** A part of what `npm run test:stress` does: 70 MB at 1 MB/s, and 150 joiners of 20 MB. */
const GIANT_BYTES = 18 * MEGABYTE;
const SHARED_BYTES = 4 * MEGABYTE;
const JOINERS = 40;

/** Stored through REST in parts that each fit a frame. */
async function store(http: string, document: string, bytes: number): Promise<number> {
  const api = restClient(http);
  return storeBlobs(bytes, async (update) => {
    const answer = await api.post(`/documents/${document}/updates`, update);
    if (answer.status !== 204) throw new Error(`${answer.status} ${answer.text}`);
  });
}

const metric = async (http: string, line: RegExp): Promise<number> => {
  const text = await (await fetch(`${http}/metrics`)).text();
  const value = line.exec(text)?.[1];
  if (value === undefined) throw new Error(`no metric ${line.source} in:\n${text}`);
  return Number(value);
};

void t.test('large documents', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());

  await t.test('row 16: many who join a large document share one encoding', async (t) => {
    await store(server.http, 'shared', SHARED_BYTES);
    const resident = /^formloom_process_resident_memory_bytes (\d+)/m;
    const encoded = /^formloom_joins_total\{state="encoded"\} (\d+)/m;
    const isSynced = (frames: readonly Uint8Array[]): boolean =>
      frames.some((frame) => frame[0] === 0 && frame[1] === 1);
    const warm = await rawClient(`${server.ws}/shared`);
    warm.send(syncStep1());
    await until(() => isSynced(warm.frames), { what: 'the first join' });
    const [encodedBefore, residentBefore] = [await metric(server.http, encoded), await metric(server.http, resident)];
    const joiners = await Promise.all(Array.from({ length: JOINERS }, () => rawClient(`${server.ws}/shared`)));
    t.teardown(() => [warm, ...joiners].forEach((joiner) => joiner.destroy()));
    for (const joiner of joiners) joiner.send(syncStep1());
    await until(() => joiners.every((joiner) => isSynced(joiner.frames)));
    for (const joiner of joiners) {
      const bytes = joiner.frames.reduce((sum, frame) => sum + frame.length, 0);
      if (bytes < SHARED_BYTES) t.fail(`a joiner got ${bytes} bytes`);
    }
    t.equal(await metric(server.http, encoded), encodedBefore, 'nobody had it encoded again');
    const grown = (await metric(server.http, resident)) - residentBefore;
    // A copy for each of them would be 160 MB.
    t.ok(grown < 80 * MEGABYTE, `memory grew by ${Math.round(grown / MEGABYTE)} MB`);
  });

  await t.test('row 15: a first sync that takes longer than the idle timeout ends without a reconnect', async (t) => {
    const api = restClient(server.http);
    t.equal((await api.put('/optimization/pools/default', { idleTimeoutSeconds: 15 })).status, 200);
    const parts = await store(server.http, 'giant', GIANT_BYTES);
    const line = await SlowLine.open(server.port, MEGABYTE);
    t.teardown(() => line.close());
    const client = stockClient(`ws://127.0.0.1:${line.port}`, 'giant');
    t.teardown(() => client.destroy());
    await until(() => client.provider.synced, { what: 'the slow client is synced', limitMs: 110_000 });
    t.strictSame(client.closes, [], 'never closed on the way');
    t.equal(client.doc.getMap('parts').size, parts);
  });
});
