import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connect } from 'node:net';
import { rm } from 'node:fs/promises';
import t from 'tap';
import { pino } from 'pino';
import { startFormloom } from '../../cli/compose.js';
import { loadConfig } from '../../server/config/index.js';
import { message, rawClient, syncStep1, upgradeStatus } from '../harness/raw-client.js';
import { temporaryFolder } from '../harness/server-process.js';
import { until } from '../harness/until.js';

/** Opens per measured cycle; half of them fail. `npm run test:stress` does 50,000. */
const OPENS = 1_200;
const AT_ONCE = 100;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

void t.test('row 8: opens, half of them failing, leave nothing behind', async (t) => {
  const dataDir = await temporaryFolder();
  t.teardown(() => rm(dataDir, { recursive: true, force: true, maxRetries: 10 }));
  const config = loadConfig({
    env: { PORT: '0', DATA_DIR: dataDir, CONNECTION_POOL_SIZE: '500', HANDSHAKES_PER_SECOND: '5000' },
    flags: {},
  });
  const formloom = await startFormloom(config, pino({ level: 'silent' }));
  t.teardown(() => formloom.close(0));
  const ws = formloom.url.replace('http', 'ws');
  const port = Number(new URL(formloom.url).port);

  /** One connection of each kind, by turns: well-behaved, refused by name, malformed, cut in the middle. */
  const open = async (index: number): Promise<void> => {
    const kind = index % 4;
    if (kind === 0 || kind === 2) {
      const client = await rawClient(`${ws}/leak-${index % 50}`);
      client.send(syncStep1());
      await until(() => client.frames.length >= 2);
      client.destroy();
    } else if (index % 8 === 1) {
      await upgradeStatus(`${ws}/a//b`);
    } else if (index % 8 === 3) {
      const client = await rawClient(`${ws}/leak-${index % 50}`);
      client.send(message(0, 2, new Uint8Array([255, 255, 255])));
      await client.closing();
    } else {
      const socket = connect(port, '127.0.0.1');
      socket.write('GET /leak HTTP/1.1\r\nUpgrade: webs');
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.destroy();
    }
  };
  const openAll = async (): Promise<void> => {
    for (let done = 0; done < OPENS; done += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => open(done + i)));
    }
  };
  const cycle = async (): Promise<{ heap: number; resources: Record<string, number> }> => {
    await openAll();
    const roomsLeft = async (): Promise<number> => {
      const text = await (await fetch(`${formloom.url}/metrics`)).text();
      return [...text.matchAll(/^formloom_rooms\{state="\w+"\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
    };
    await until(async () => (await roomsLeft()) === 0, { what: 'all rooms have left memory' });
    collect();
    await until(() => countOf('TCPSocketWrap') <= 2, { what: 'sockets are closed' });
    collect();
    return { heap: process.memoryUsage().heapUsed, resources: { timers: countOf('Timeout') } };
  };
  // Compiles what every open runs.
  await openAll();
  const first = await cycle();
  const second = await cycle();
  const grown = second.heap - first.heap;
  t.ok(grown < 2 * 1024 * 1024, `heap after ${OPENS} more opens: ${Math.round(grown / 1024)} kB more`);
  t.ok(second.resources['timers']! <= first.resources['timers']! + 2, JSON.stringify([first, second]));
});

function countOf(type: string): number {
  return process.getActiveResourcesInfo().filter((name) => name === type).length;
}
