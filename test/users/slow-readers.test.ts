import t from 'tap';
import * as Y from 'yjs';
import { rawClient, syncStep1 } from '../harness/raw-client.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const MEGABYTE = 1024 * 1024;
/** `npm run test:stress` stalls a reader for 150 MB. */
const WRITTEN_MB = 64;

void t.test('row 18: a reader that stops reading costs a bounded amount of memory and catches up', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  const resident = async (): Promise<number> =>
    Number(
      /^formloom_process_resident_memory_bytes (\d+)/m.exec(await (await fetch(`${server.http}/metrics`)).text())?.[1],
    );

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
  // Replacing one value again and again: much traffic, a small document.
  const write = async (megabytes: number): Promise<void> => {
    for (let i = 0; i < megabytes; i++) {
      map.set('value', new Uint8Array(MEGABYTE).fill(i % 256));
      await writer.saved();
    }
  };
  await write(8);
  const before = await resident();
  (reader.ws as unknown as { _socket: { pause(): void } })._socket.pause();
  await write(WRITTEN_MB);
  const grown = (await resident()) - before;
  t.ok(grown < 50 * MEGABYTE, `${WRITTEN_MB} MB were written, memory grew by ${Math.round(grown / MEGABYTE)} MB`);

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
