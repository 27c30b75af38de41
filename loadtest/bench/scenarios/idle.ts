/** S5: what people cost who only have the form open, and whether memory comes back when they leave. */
import { setTimeout as pause } from 'node:timers/promises';
import { SyncClient } from '../../load/clients/sync-client.js';
import { freePort } from '../../load/free-port.js';
import { Inspector } from '../servers/inspector.js';
import type { RunningServer } from '../servers/launcher.js';
import { inBatches } from '../../load/measuring/pacing.js';
import { MEBIBYTE, type Content, type Outcome, type RunContext, type Scenario } from './scenario.js';

const FULL_ROOMS = 500;
const QUICK_ROOMS = 200;
const FURTHER_PER_ROOM = 3;
const CYCLES = 3;
const OPEN_AT_ONCE = 50;
/** Longer than any server keeps an empty room by intention. */
const MEMORY_BACK_MS = 9_000;
const POLL_MS = 500;
const SETTLED_MB = 0.5;
const KB = 1_000;

interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

async function run({ start, network, isQuick }: RunContext): Promise<Outcome> {
  const port = await freePort();
  const server = await start({ nodeFlags: [`--inspect=127.0.0.1:${port}`] });
  const inspector = await Inspector.connect(port);
  const rooms = isQuick ? QUICK_ROOMS : FULL_ROOMS;
  const content: Content = { expected: 0, delivered: 0, duplicates: 0, problems: [] };
  let cycle = 0;
  const open = async (perRoom: number, count = rooms): Promise<SyncClient[]> => {
    const clients: SyncClient[] = [];
    const joins = Array.from({ length: count * perRoom }, (_, i) => async () => {
      clients.push(await SyncClient.join(network, server, `bench-room-${cycle}-${i % count}`));
    });
    await inBatches(joins, OPEN_AT_ONCE);
    content.expected += joins.length;
    content.delivered += clients.length;
    return clients;
  };
  // Compiles what every join runs, and fills the pools that are never given back.
  await closeAll(await open(1, OPEN_AT_ONCE * 2));
  const empty = await untilFreed(server, inspector);

  cycle += 1;
  const first = await open(1);
  const one = await measure(server, inspector);
  const further = await open(FURTHER_PER_ROOM);
  const more = await measure(server, inspector);
  content.problems.push(...lost([...first, ...further]));
  await closeAll([...first, ...further]);
  for (; cycle < CYCLES; cycle++) {
    await untilFreed(server, inspector);
    await closeAll(await open(1 + FURTHER_PER_ROOM));
  }
  const after = await untilFreed(server, inspector, empty.heapBytes);
  inspector.close();
  return {
    figures: {
      roomKb: (one.rssBytes - empty.rssBytes) / rooms / KB,
      connectionKb: (more.rssBytes - one.rssBytes) / (rooms * FURTHER_PER_ROOM) / KB,
      roomHeapKb: (one.heapBytes - empty.heapBytes) / rooms / KB,
      connectionHeapKb: (more.heapBytes - one.heapBytes) / (rooms * FURTHER_PER_ROOM) / KB,
      heapGrowthMb: (after.heapBytes - empty.heapBytes) / MEBIBYTE,
      rssGrowthMb: (after.rssBytes - empty.rssBytes) / MEBIBYTE,
    },
    content,
  };
}

async function measure(server: RunningServer, inspector: Inspector): Promise<Memory> {
  const heapBytes = await inspector.liveHeapBytes();
  return { heapBytes, rssBytes: server.usage.rssBytes() };
}

/** Waits until the heap shrinks no more, or is down to what it was. */
async function untilFreed(server: RunningServer, inspector: Inspector, downTo = 0): Promise<Memory> {
  const limit = performance.now() + MEMORY_BACK_MS;
  let memory = await measure(server, inspector);
  // Rooms are kept for some seconds after the last one left: only a heap that shrank and stopped is settled early.
  let hasShrunk = false;
  while (performance.now() < limit && memory.heapBytes > downTo) {
    await pause(POLL_MS);
    const now = await measure(server, inspector);
    const freedMb = (memory.heapBytes - now.heapBytes) / MEBIBYTE;
    memory = now;
    if (freedMb > SETTLED_MB) hasShrunk = true;
    else if (hasShrunk) break;
  }
  return memory;
}

async function closeAll(clients: readonly SyncClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

const lost = (clients: readonly SyncClient[]): string[] => {
  const gone = clients.filter(({ isGone }) => isGone).length;
  return gone === 0 ? [] : [`${gone} of ${clients.length} idle connections were closed by the server`];
};

export const IDLE: Scenario = {
  id: 's5',
  title: `S5 idle: ${FULL_ROOMS} rooms with one connection each, then ${FURTHER_PER_ROOM} more`,
  description: `Memory after a forced collection. Growth: after ${CYCLES} cycles of opening and closing rooms, against the start.`,
  group: 'standard',
  servers: ['formloom', 'yws', 'hocuspocus', 'relay'],
  figures: [
    { id: 'roomKb', label: 'RSS per room with a connection', unit: 'kB' },
    { id: 'connectionKb', label: 'RSS per further connection', unit: 'kB' },
    { id: 'roomHeapKb', label: 'heap per room', unit: 'kB' },
    { id: 'connectionHeapKb', label: 'heap per further connection', unit: 'kB' },
    { id: 'heapGrowthMb', label: 'live heap above the start, after all have left', unit: 'MiB' },
    { id: 'rssGrowthMb', label: 'RSS above the start', unit: 'MiB' },
  ],
  run,
};
