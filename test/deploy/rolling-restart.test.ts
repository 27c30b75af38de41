/** Three nodes on one Redis behind nginx with the configuration of docker/, restarted one after the other under load. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { restClient } from '../harness/rest-client.js';
import { freePort } from '../harness/free-port.js';
import { startServer, temporaryFolder, type ServerProcess } from '../harness/server-process.js';
import { converged, stockClient, type StockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

/** How many rooms of three people each; a longer run has more. */
const ROOMS = Number(process.env['FORMLOOM_TEST_ROLLING_ROOMS'] ?? 8);
const PEOPLE = 3;
const DRAIN_SECONDS = 1;

void t.test('row 28 on Redis: a rolling restart behind nginx loses nothing, and spreads who comes back', async (t) => {
  const redis = await RedisTestServer.start();
  t.teardown(() => redis.stop());
  const env = { REDIS_URL: redis.url, AUTH: 'off', TRUSTED_PROXIES: '127.0.0.1', DRAIN_SECONDS: String(DRAIN_SECONDS) };
  const nodes = await Promise.all([1, 2, 3].map(() => startServer({ env })));
  t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
  const proxy = await startNginx(t, nodes);

  // REST and metrics through it.
  const made = await restClient(proxy.http).post('/forms', { id: 'proxied', pages: [] });
  t.equal(made.status, 201, made.text);
  t.equal((await fetch(`${proxy.http}/metrics`)).status, 404);
  t.equal((await restClient(proxy.http).get('/documents/form%2Fproxied')).status, 200, 'names with slashes');

  const rooms = Array.from({ length: ROOMS }, (_, at) =>
    Array.from({ length: PEOPLE }, () => stockClient(proxy.ws, `rolling/${at}`)),
  );
  const clients = rooms.flat();
  t.teardown(() => clients.forEach((client) => client.destroy()));
  await Promise.all(clients.map((client) => client.synced()));
  const closes: number[] = [];
  for (const { provider } of clients) provider.on('connection-close', () => closes.push(performance.now()));

  const load = typing(clients);
  t.teardown(() => load.stop());
  for (const [at, node] of nodes.entries()) {
    const before = load.typed();
    const from = closes.length;
    t.equal(await node.terminate(), 0, `node ${at + 1} drains and ends`);
    const times = closes.slice(from);
    if (times.length >= 6) {
      const spread = times.at(-1)! - times[0]!;
      t.ok(
        spread > (DRAIN_SECONDS * 1_000) / 3,
        `${times.length} connections were closed over ${Math.round(spread)} ms`,
      );
    }
    nodes[at] = await startServer({ env, port: node.port, dataDir: node.dataDir });
    await until(() => clients.every(({ provider }) => provider.synced), { what: 'everybody is back' });
    t.ok(load.typed() > before, 'people type meanwhile');
  }
  load.stop();
  t.ok(closes.length >= clients.length / 2, `${closes.length} connections were moved`);
  await Promise.all(clients.map((client) => client.saved()));
  for (const [at, room] of rooms.entries()) {
    await converged(room, (doc) => doc.getArray('typed').toJSON().sort());
    const state = await restClient(proxy.http).get(`/documents/${encodeURIComponent(`rolling/${at}`)}`);
    t.equal(state.status, 200);
    const all = room.flatMap((client) => load.of(client));
    t.same(room[0]!.doc.getArray<string>('typed').toJSON().sort(), all.sort(), `room ${at}: 0 of ${all.length} lost`);
  }
  t.same(
    [...new Set(clients.flatMap((client) => client.closes))].filter((code) => ![1012, 1006].includes(code)),
    [],
  );
});

interface Typing {
  typed(): number;
  of(client: StockClient): string[];
  stop(): void;
}

/** Everybody types the whole time, connected or not. */
function typing(clients: readonly StockClient[]): Typing {
  const typed = new Map(clients.map((client) => [client, [] as string[]]));
  let count = 0;
  const timer = setInterval(() => {
    const client = clients[count % clients.length]!;
    count += 1;
    typed.get(client)!.push(`edit ${count}`);
    client.doc.getArray('typed').push([`edit ${count}`]);
  }, 10);
  return { typed: () => count, of: (client) => typed.get(client)!, stop: () => clearInterval(timer) };
}

/** The file of docker/ as it is, with other addresses and another port. */
async function startNginx(t: Test, nodes: readonly ServerProcess[]): Promise<{ http: string; ws: string }> {
  const folder = await temporaryFolder();
  const port = await freePort();
  let config = await readFile(path.join(import.meta.dirname, '../../docker/nginx/formloom.conf'), 'utf8');
  const replaced = (from: string, to: string): void => {
    t.equal(config.split(from).length, 2, `${from} stands there once`);
    config = config.replace(from, to);
  };
  nodes.forEach((node, at) => replaced(`server node-${at + 1}:1234`, `server 127.0.0.1:${node.port}`));
  replaced('listen 8080;', `listen 127.0.0.1:${port};`);
  replaced('access_log /dev/stdout', `access_log ${folder}/access.log`);
  await mkdir(path.join(folder, 'temp'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/temp/${kind};`,
  );
  const main = `worker_processes 1;\npid ${folder}/pid;\nerror_log ${folder}/error.log;\nevents { worker_connections 4096; }\nhttp {\n${temporary.join('\n')}\n${config}\n}\n`;
  await writeFile(path.join(folder, 'nginx.conf'), main);
  const child = spawn('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.once('error', (error) => {
    errors += `${error.message}: install nginx (the Debian package nginx-light)`;
  });
  t.teardown(async () => {
    if (child.exitCode === null && child.pid !== undefined) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  });
  const http = `http://127.0.0.1:${port}`;
  await until(
    async () => {
      if (child.exitCode !== null || child.pid === undefined) throw new Error(`nginx did not start: ${errors}`);
      return (await fetch(`${http}/api/v1/health/ready`).catch(() => undefined))?.status === 200;
    },
    { what: () => `nginx answers: ${errors}` },
  );
  return { http, ws: http.replace('http', 'ws') };
}
