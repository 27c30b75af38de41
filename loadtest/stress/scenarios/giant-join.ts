/** A stock client joins a document of 70 MB over a line of 1 MB/s. */
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { storeBlobs } from '../../load/rooms/blobs.js';
import { SlowLine } from '../../load/clients/slow-line.js';
import { MEBIBYTE, type Outcome, type Scenario, type StressContext } from '../scenario.js';

const DOCUMENT_MB = 70;
const BYTES_PER_SECOND = 1_000_000;
const BLOB_BYTES = 2 * MEBIBYTE;
const LIMIT_MS = 300_000;

async function run({ scaled, start, say }: StressContext): Promise<Outcome> {
  const server = await start({ env: { MAX_DOCUMENT_BYTES: '128 MiB' } });
  const bytes = scaled(DOCUMENT_MB) * 1_000_000;
  const blobs = await storeBlobs(bytes, (update) => server.post('/documents/giant/updates', update));
  const line = await SlowLine.open(server.port, BYTES_PER_SECOND);
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(`ws://127.0.0.1:${line.port}`, 'giant', doc, {
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    disableBc: true,
  });
  let closes = 0;
  provider.on('connection-close', () => (closes += 1));
  const startedAt = performance.now();
  while (!provider.synced && performance.now() - startedAt < LIMIT_MS) {
    await pause(100);
    if (Math.round((performance.now() - startedAt) / 100) % 100 === 0)
      say(`${Math.round(line.passedBytes / 1e6)} MB are through`);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const isSynced = provider.synced;
  const parts = doc.getMap('parts').size;
  const reconnects = closes;
  provider.destroy();
  line.close();
  return {
    figures: [
      { label: 'reconnects', value: reconnects, unit: `while ${Math.round(bytes / 1e6)} MB came`, below: 1 },
      { label: 'synced after', value: seconds, unit: 's' },
    ],
    problems: [
      ...(isSynced ? [] : ['the client was not synced in time']),
      ...(parts === Math.ceil(bytes / BLOB_BYTES) && parts === blobs ? [] : [`${parts} of ${blobs} parts arrived`]),
    ],
  };
}

export const giantJoin: Scenario = { id: 'giant-join', title: '70 MB joined at 1 MB/s', run };
