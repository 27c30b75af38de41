/** Connections come and go, half of them failing, and nothing of them may stay behind. */
import { connect } from 'node:net';
import { inBatches, settled } from '../../load/measuring/pacing.js';
import { UpgradeRefused, type LoadNetwork } from '../../load/clients/load-socket.js';
import { SyncClient } from '../../load/clients/sync-client.js';
import { clientFrame } from '../../load/clients/wire.js';
import type { Outcome, Scenario, StressContext } from '../scenario.js';
import { metricIn, type StressServer } from '../stress-server.js';

const OPENS = 50_000;
const WARM_UP = 5_000;
const AT_ONCE = 200;
const DOCUMENTS = 50;
const KB = 1_000;
const MALFORMED = clientFrame([Uint8Array.of(0, 2, 3, 255, 255, 255)]);

async function run({ network, scaled, start, say }: StressContext): Promise<Outcome> {
  // The limit on handshakes is not what this is about.
  const server = await start({ isInspected: true, env: { HANDSHAKES_PER_SECOND: '5000' } });
  const cycle = async (opens: number): Promise<void> => {
    let done = 0;
    await inBatches(
      Array.from({ length: opens }, (_, i) => async () => {
        await open(network, server, i);
        if (++done % 10_000 === 0) say(`${done} opens`);
      }),
      AT_ONCE,
    );
    await forgotten(server);
  };
  await cycle(scaled(WARM_UP) * 2);
  const [heapBefore, before] = [await server.liveHeapBytes(), await server.resources()];
  const opens = scaled(OPENS);
  await cycle(opens);
  const [heapAfter, after] = [await server.liveHeapBytes(), await server.resources()];
  const more = (kind: string): number => (after[kind] ?? 0) - (before[kind] ?? 0);
  return {
    figures: [
      { label: 'heap grew by', value: (heapAfter - heapBefore) / KB, unit: `kB after ${opens} opens`, below: 2_000 },
      { label: 'sockets left', value: more('TCPSocketWrap'), unit: 'more', below: 3 },
      { label: 'timers left', value: more('Timeout'), unit: 'more', below: 3 },
    ],
    problems: server.isRunning ? [] : ['the server has ended'],
  };
}

/** One of each kind in turn: well-behaved twice, refused for its name, malformed, cut in the middle of the upgrade. */
async function open(network: LoadNetwork, server: StressServer, index: number): Promise<void> {
  const document = `leak-${index % DOCUMENTS}`;
  switch (index % 8) {
    case 1:
    case 5: {
      const refused: unknown = await SyncClient.join(network, server.endpoint, 'a//b').catch((error: unknown) => error);
      if (!(refused instanceof UpgradeRefused)) throw new Error('a bad name was not refused');
      return;
    }
    case 3: {
      const client = await SyncClient.join(network, server.endpoint, document);
      client.write(MALFORMED);
      if (
        !(await settled(
          () => client.isGone,
          () => 0,
        ))
      )
        throw new Error('a malformed message did no harm');
      return;
    }
    case 7:
      await new Promise<void>((resolve) => {
        const socket = connect(server.port, '127.0.0.1', () => {
          socket.write(`GET /${document} HTTP/1.1\r\nUpgrade: webs`, () => socket.destroy());
        });
        socket.on('error', () => undefined).once('close', () => resolve());
      });
      return;
    default: {
      const client = await SyncClient.join(network, server.endpoint, document);
      client.destroy();
    }
  }
}

/** Until all rooms have left memory and all sockets are closed. */
async function forgotten(server: StressServer): Promise<void> {
  let left = Infinity;
  let asked = 0;
  await settled(
    () => {
      if (asked++ % 50 === 0) {
        void server.metrics().then((text) => {
          const states = ['loading', 'live', 'idle', 'unloading', 'failed'];
          left = states.reduce((sum, state) => sum + metricIn(text, `formloom_rooms{state="${state}"}`), 0);
        });
      }
      return left === 0;
    },
    () => left,
    30_000,
  );
}

export const opensAndCloses: Scenario = { id: 'opens', title: '50,000 opens and closes, half of them failing', run };
