import t, { type Test } from 'tap';
import { diagnoseRedis, type RedisFinding } from './diagnosis.js';
import { RedisTestServer } from './testing/redis-test-server.js';

async function startFor(t: Test, settings: string[]): Promise<RedisTestServer> {
  const server = await RedisTestServer.start(settings);
  t.teardown(() => server.stop());
  return server;
}

const levels = (findings: readonly RedisFinding[]): Record<string, string> =>
  Object.fromEntries(findings.map(({ about, level }) => [about, level]));

void t.test('a Redis is judged as an operator should: persistence, eviction, replicas, rights', async (t) => {
  const good = await startFor(t, []);
  const found = await diagnoseRedis({ url: good.url, waitReplicas: 0 });
  const fine = { connection: 'ok', rights: 'ok', persistence: 'ok', memory: 'ok', replicas: 'ok' };
  t.strictSame(levels(found), fine, JSON.stringify(found));

  const waiting = await diagnoseRedis({ url: good.url, waitReplicas: 1 });
  t.match(waiting.at(-1), {
    level: 'problem',
    about: 'replicas',
    detail: /REDIS_WAIT_REPLICAS=1, but 0 are connected/,
  });

  await startFor(t, ['--replicaof', '127.0.0.1', String(good.port)]);
  const replicas = async (waitReplicas: number): Promise<RedisFinding | undefined> =>
    (await diagnoseRedis({ url: good.url, waitReplicas })).at(-1);
  for (let last = await replicas(0); last?.level === 'ok';) last = await replicas(0);
  t.match(await replicas(0), { level: 'warning', detail: /a fail-over can lose.*Set it to 1/ });
  t.match(await replicas(1), { level: 'warning', detail: /Add one/ });

  const bad = await startFor(t, ['--appendonly', 'no', '--maxmemory', '50mb', '--maxmemory-policy', 'volatile-lru']);
  const risky = await diagnoseRedis({ url: bad.url, waitReplicas: 0 });
  t.match(levels(risky), { persistence: 'warning', memory: 'warning' });
  t.match(risky.find(({ about }) => about === 'persistence')?.detail, /Set appendonly yes/);
  await bad.with((client) => client.config('SET', 'maxmemory-policy', 'allkeys-lru'));
  t.match(levels(await diagnoseRedis({ url: bad.url, waitReplicas: 0 })), { persistence: 'problem' });
  await bad.with((client) => client.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1mb'));
  t.match(levels(await diagnoseRedis({ url: bad.url, waitReplicas: 0 })), { memory: 'warning' });
  const files = async (maxmemory: string): Promise<RedisFinding | undefined> => {
    await bad.with((client) => client.config('SET', 'maxmemory', maxmemory));
    const judged = await diagnoseRedis({ url: bad.url, waitReplicas: 0, submissionFilesBytes: 2 ** 20 });
    return judged.find(({ about }) => about === 'files');
  };
  t.match(await files('0'), { level: 'warning', detail: /no maxmemory/ });
  t.match(await files('8mb'), { level: 'warning', detail: /Lower SUBMISSION_FILES_BYTES/ });
  t.match(await files('100mb'), { level: 'ok', detail: /submissions of 1 MB fill the rest/ });
  await bad.with((client) =>
    client.call('acl', 'setuser', 'poor', 'on', '>secret', '+info', '+ping', '+time', '+auth'),
  );
  const poor = await diagnoseRedis({ url: `redis://poor:secret@127.0.0.1:${bad.port}`, waitReplicas: 0 });
  t.match(levels(poor), { rights: 'problem' }, JSON.stringify(poor));

  await bad.stop();
  const away = await diagnoseRedis({ url: bad.url, waitReplicas: 0, deadlineMs: 200 });
  t.match(away, [{ level: 'problem', about: 'connection', detail: /ECONNREFUSED/ }]);
});
