/** What operators do to an installation on Redis while people edit: change keys, back up, move, fold. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { bytesOf } from '../../server/storage/testing/embedded-folder.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';
import { freePort } from '../harness/free-port.js';
import { FORMLOOM, temporaryFolder } from '../harness/server-process.js';
import { converged, stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';
import type * as Y from 'yjs';

const run = promisify(execFile);
const editsOf = (doc: Y.Doc): string[] => [...doc.getMap('edits').keys()].sort();
const keyOf = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;

void t.test(
  'rows 28 and 39 on Redis: keys change node by node, a backup moves it all to a folder and back',
  async (t) => {
    const [from, to] = await Promise.all([RedisTestServer.start(), RedisTestServer.start()]);
    t.teardown(() => Promise.all([from.stop(), to.stop()]));
    const folder = await temporaryFolder();
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const [old, young] = [keyOf('old'), keyOf('young')];
    const ports = [await freePort(), await freePort()];
    const serve = (port: number, keys: string): Promise<ComposedServer> =>
      composeServer({ env: { REDIS_URL: from.url, PORT: String(port), ENCRYPTION_KEYS: keys } });
    const nodes = await Promise.all(ports.map((port) => serve(port, old)));
    t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
    const clients = nodes.flatMap(({ ws }) => ['a', 'b'].map((name) => ({ name, on: stockClient(ws, `doc/${name}`) })));
    t.teardown(() => clients.forEach(({ on }) => on.destroy()));
    await Promise.all(clients.map(({ on }) => on.synced()));
    const taken = run(process.execPath, [FORMLOOM, 'serve', '--log-level', 'silent'], {
      env: { PATH: process.env['PATH'] ?? '', REDIS_URL: from.url, PORT: String(ports[0]), ENCRYPTION_KEYS: old },
    });
    await t.rejects(taken, { code: 1, stderr: /is in use/ }, 'who finds the port taken ends');
    const api = restClient(nodes[0]!.http);
    t.equal((await api.post('/forms', { id: 'f', title: { en: 'A form' } })).status, 201);
    t.equal((await api.post('/documents/form%2Ff/snapshots', { label: 'named' })).status, 201);
    let count = 0;
    const typing = setInterval(() => {
      count += 1;
      for (const { on } of clients) on.doc.getMap('edits').set(`${on.doc.clientID}-${count}`, 'secret text of an edit');
    }, 20);
    t.teardown(() => clearInterval(typing));
    await until(() => count > 30);

    // First every node learns to read the new key, then every node writes with it.
    for (const keys of [`${old},${young}`, `${young},${old}`]) {
      for (const [i, port] of ports.entries()) {
        await nodes[i]!.cleanup();
        nodes[i] = await serve(port, keys);
      }
    }
    const before = count;
    await until(() => count > before + 30);
    const env = { PATH: process.env['PATH'] ?? '', ENCRYPTION_KEYS: `${young},${old}` };
    const archive = path.join(folder, 'all.formloom-backup');
    const url = ['--url', nodes[1]!.http];
    const formloom = async (args: string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await run(process.execPath, [FORMLOOM, ...args, '--json'], { env, cwd: folder })).stdout) as never;
    // While they type, all that the old key had encrypted takes the new one: then no node needs the old one.
    const rotated = await formloom(['keys', 'rotate', ...url]);
    t.match(rotated, { key: 'young', retired: ['old'], failed: [] });
    t.match(await formloom(['keys', 'status', ...url]), {
      current: 'young',
      keys: [{ isUsed: true }, { isUsed: false }],
    });
    for (const [i, port] of ports.entries()) {
      await nodes[i]!.cleanup();
      nodes[i] = await serve(port, young);
    }
    t.equal((await restClient(nodes[0]!.http).get('/forms/f/changes')).status, 200);
    await formloom(['backup', archive, '--redis-url', from.url, '--data-dir', folder]);
    clearInterval(typing);
    await Promise.all(clients.map(({ on }) => on.saved()));
    for (const name of ['a', 'b']) {
      const peers = clients.filter((client) => client.name === name).map(({ on }) => on);
      await converged(peers, editsOf);
      t.equal(editsOf(peers[0]!.doc).length, 2 * count, 'no edit was lost while nodes came and went');
    }
    t.notOk((await bytesOf(from.folder)).includes('secret text of an edit'), 'Redis holds no text');

    // To a folder, from there to another Redis.
    const [moved, again] = [path.join(folder, 'moved'), path.join(folder, 'again.formloom-backup')];
    t.match(await formloom(['restore', archive, '--data-dir', moved, '--verify']), { verified: true, differing: [] });
    await formloom(['backup', again, '--data-dir', moved]);
    const there = ['restore', again, '--redis-url', to.url, '--data-dir', folder, '--verify'];
    t.match(await formloom(there), { verified: true, differing: [] });
    const landed = await composeServer({ env: { REDIS_URL: to.url, ENCRYPTION_KEYS: young } });
    t.teardown(() => landed.cleanup());
    for (const { name } of clients.slice(0, 2)) {
      const reader = stockClient(landed.ws, `doc/${name}`);
      t.teardown(() => reader.destroy());
      await reader.synced();
      const known = new Set(editsOf(clients.find((client) => client.name === name)!.on.doc));
      const kept = editsOf(reader.doc);
      t.ok(kept.length > 2 * before && kept.every((edit) => known.has(edit)), 'all that was there before the backup');
    }
    const rest = restClient(landed.http);
    t.equal((await rest.get('/forms/f')).body.title.en, 'A form');
    t.match((await rest.get('/documents/form%2Ff/snapshots')).body.data, [{ label: 'named' }]);
  },
);

void t.test(
  'row 7 on Redis: while it is slow each node folds one document at a time, and two nodes do no harm',
  async (t) => {
    const redis = await RedisTestServer.start();
    t.teardown(() => redis.stop());
    const nodes = await Promise.all([1, 2].map(() => composeServer({ env: { REDIS_URL: redis.url } })));
    t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
    const names = Array.from({ length: 6 }, (_, i) => `due-${i}`);
    const clients = names.map((name, i) => stockClient(nodes[i % 2]!.ws, name));
    t.teardown(() => clients.forEach((client) => client.destroy()));
    await Promise.all(clients.map((client) => client.synced()));
    for (let i = 0; i < 20; i++) {
      for (const { doc } of clients) doc.getMap('edits').set(String(i), i);
      await Promise.all(clients.map((client) => client.saved()));
    }
    await redis.with((client) => client.call('CLIENT', 'PAUSE', '1500', 'WRITE'));
    const apis = nodes.map(({ http }) => restClient(http));
    let isDone = false;
    const folds = Promise.all(
      names.flatMap((name) =>
        apis.map(async (api) => (await api.post(`/documents/${name}/compact`)).body.result as string),
      ),
    ).finally(() => (isDone = true));
    let most = 0;
    await until(async () => {
      for (const { http } of nodes) {
        const metrics = await (await fetch(`${http}/metrics`)).text();
        most = Math.max(most, Number(/^formloom_compactions_in_flight (\d+)/m.exec(metrics)?.[1]));
      }
      return isDone;
    });
    t.equal(most, 1);
    const results = await folds;
    t.equal(results.filter((result) => result === 'done').length >= names.length, true, results.join(', '));
    for (const name of names) {
      const reader = stockClient(nodes[0]!.ws, name);
      t.teardown(() => reader.destroy());
      await reader.synced();
      t.equal(editsOf(reader.doc).length, 20);
    }
  },
);
