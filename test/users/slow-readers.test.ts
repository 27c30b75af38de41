import t from 'tap';
import * as Y from 'yjs';
import { rawClient, syncStep1 } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const MEGABYTE = 1024 * 1024;
/** `npm run test:stress` stalls a reader for 150 MB and measures the memory of the process. */
const WRITTEN_MB = 40;

void t.test('row 18: a reader that stops reading costs a bounded amount of memory and catches up', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  const api = restClient(server.http);
  const writer = stockClient(server.ws, 'busy');
  const reader = await rawClient(`${server.ws}/busy`);
  t.teardown(() => {
    writer.destroy();
    reader.destroy();
  });
  await writer.synced();
  reader.send(syncStep1());
  await until(() => reader.frames.some((frame) => frame[0] === 0 && frame[1] === 1));
  const map = writer.doc.getMap('values');
  await until(async () => (await api.get('/connections?document=busy')).body.data.length === 2);
  const lagOfReader = async (): Promise<number> => {
    const { data } = (await api.get('/connections?document=busy')).body;
    return Math.max(...data.map(({ lagBytes }: { lagBytes: number }) => lagBytes));
  };
  (reader.ws as unknown as { _socket: { pause(): void } })._socket.pause();
  // Replacing one value again and again: much traffic, a small document.
  let largest = 0;
  for (let i = 0; i < WRITTEN_MB; i++) {
    map.set('value', new Uint8Array(MEGABYTE).fill(i));
    await writer.saved();
    largest = Math.max(largest, await lagOfReader());
  }
  t.ok(largest > MEGABYTE, 'it lags');
  t.ok(largest < 6 * MEGABYTE, `${WRITTEN_MB} MB were written, at most ${largest} bytes wait for it`);

  (reader.ws as unknown as { _socket: { resume(): void } })._socket.resume();
  const copy = new Y.Doc();
  let read = 0;
  await until(
    () => {
      for (; read < reader.frames.length; read++) {
        const frame = reader.frames[read]!;
        if (frame[0] === 0 && frame[1] !== 0) Y.applyUpdate(copy, contentOf(frame));
      }
      const value = copy.getMap('values').get('value');
      return value instanceof Uint8Array && value[0] === WRITTEN_MB - 1;
    },
    { what: 'the reader has the last value' },
  );
  t.equal(reader.closed, undefined, 'it was never closed');
});

/** sync message := 0 step varBytes(update) */
function contentOf(frame: Uint8Array): Uint8Array {
  let at = 2;
  while ((frame[at++] ?? 0) >= 128);
  return frame.subarray(at);
}
