/**
 * `npm run bench:redis`: two nodes on one Redis. Writers at one node, readers of the same documents at the other: how long
 * an edit takes across, and what Redis is asked for it. Needs `redis-server` (Debian package) and a built `dist/`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EditRoom } from '../load/rooms/edit-room.js';
import { LatencyHistogram } from '../load/measuring/latency-histogram.js';
import { LoadNetwork } from '../load/clients/load-socket.js';
import { paced, settled } from '../load/measuring/pacing.js';
import { typingScript } from '../load/rooms/typing.js';
import { Y_WEBSOCKET } from '../load/clients/dialects.js';
import { freePort } from '../load/free-port.js';

interface Load {
  readonly title: string;
  readonly rooms: number;
  readonly editsPerSecond: number;
  readonly seconds: number;
}

const LOADS: readonly Load[] = [
  { title: 'quiet: 20 documents, 40 edits/s', rooms: 20, editsPerSecond: 40, seconds: 10 },
  { title: 'busy: 50 documents, 1,000 edits/s', rooms: 50, editsPerSecond: 1_000, seconds: 10 },
  { title: 'load: 50 documents, 4,000 edits/s', rooms: 50, editsPerSecond: 4_000, seconds: 5 },
];
const READY_MS = 20_000;

const main = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../dist/cli/main.js');
const folder = await mkdtemp(path.join(tmpdir(), 'formloom-cross-node-'));
const children: ChildProcess[] = [];

function start(command: string, args: readonly string[]): void {
  children.push(spawn(command, args, { stdio: 'ignore', cwd: folder }));
}

/** One command of the Redis protocol, sent inline; answers the whole text. */
async function redis(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${command}\r\nQUIT\r\n`);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!(await isSo().catch(() => false))) {
    if (performance.now() - start > READY_MS) throw new Error(`waited in vain until ${what}`);
    await pause(50);
  }
}

async function startNode(redisPort: number): Promise<number> {
  const port = await freePort();
  const settings = [
    `PORT=${port}`,
    `REDIS_URL=redis://127.0.0.1:${redisPort}`,
    'CONNECTION_POOL_SIZE=10000',
    'LOG_LEVEL=silent',
  ];
  start('env', [...settings, process.execPath, main, 'serve']);
  const ready = `http://127.0.0.1:${port}/api/v1/health/ready`;
  await until('the node is ready', async () => (await fetch(ready)).status === 200);
  return port;
}

/** What the append script calls inside Redis: no node waits for these, and they are not sent. */
const IN_SCRIPTS = new Set(['hmget', 'xadd', 'hset', 'hincrby', 'publish', 'spublish', 'time']);

/** Commands that nodes have sent so far. */
async function commandsOf(port: number): Promise<number> {
  let sent = 0;
  for (const [, name = '', calls] of (await redis(port, 'INFO commandstats')).matchAll(
    /cmdstat_(\w+).*?:calls=(\d+)/g,
  )) {
    if (!IN_SCRIPTS.has(name)) sent += Number(calls);
  }
  return sent;
}

async function measure(load: Load, ports: { writers: number; readers: number; redis: number }): Promise<string> {
  const network = new LoadNetwork();
  const recorder = { delivery: new LatencyHistogram(), echo: new LatencyHistogram() };
  const [here, there] = [ports.writers, ports.readers].map((port) => ({ port, dialect: Y_WEBSOCKET }));
  if (here === undefined || there === undefined) throw new Error('two nodes are needed');
  const edits = load.editsPerSecond * load.seconds;
  const perWriter = Math.ceil(edits / load.rooms);
  const rooms: EditRoom[] = [];
  for (let i = 0; i < load.rooms; i++) {
    const room = new EditRoom(`cross-${load.editsPerSecond}-${i}`, network, here, recorder);
    await room.addWriter(typingScript(0, perWriter));
    await room.addReader(there);
    rooms.push(room);
  }
  // What heartbeats ask for without any edit, to be taken off.
  const [idleFrom, idleSince] = [await commandsOf(ports.redis), performance.now()];
  await pause(3_000);
  const idlePerMs = ((await commandsOf(ports.redis)) - idleFrom) / (performance.now() - idleSince);
  const [from, since] = [await commandsOf(ports.redis), performance.now()];
  await paced(edits, load.editsPerSecond, (n) => {
    rooms[n % rooms.length]?.writers[0]?.type(1);
  });
  const progress = (): number => recorder.delivery.count + recorder.echo.count;
  const hasArrived = await settled(() => rooms.every((room) => room.isComplete(true)), progress);
  const asked = (await commandsOf(ports.redis)) - from - idlePerMs * (performance.now() - since);
  const problems = rooms.flatMap((room) => room.problems(true));
  for (const room of rooms) for (const writer of room.writers) writer.client?.destroy();
  if (!hasArrived || problems.length > 0) throw new Error(`edits were lost: ${problems.slice(0, 5).join('; ')}`);
  const ms = (value: number): string => value.toFixed(1).padStart(7);
  const { delivery, echo } = recorder;
  return `${load.title.padEnd(36)}${ms(delivery.quantile(0.5))}${ms(delivery.quantile(0.99))}${ms(echo.quantile(0.5))}${ms(echo.quantile(0.99))}${(asked / edits).toFixed(2).padStart(9)}`;
}

try {
  const redisPort = await freePort();
  start('redis-server', ['--port', String(redisPort), '--dir', folder, '--save', '', '--appendonly', 'yes']);
  await until('Redis answers', async () => (await redis(redisPort, 'PING')).includes('PONG'));
  const [writers, readers] = [await startNode(redisPort), await startNode(redisPort)];
  const head = ['across p50', 'p99', 'echo p50', 'p99'].map((text) => text.padStart(11)).join('');
  process.stdout.write(`ms, and Redis commands per edit:${head}\n`);
  for (const load of LOADS) process.stdout.write(`${await measure(load, { writers, readers, redis: redisPort })}\n`);
} finally {
  for (const child of children) {
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}
