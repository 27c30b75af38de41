/**
 * What can happen to a Redis, and to the way there, caused one after the other while people edit through two nodes. Each
 * time: nothing claims to be saved that is not, an alert names it, it heals by itself, all converge, nothing echoed is lost.
 * `FORMLOOM_TEST_PARTITION_SECONDS=30` holds Redis and a node for as long as a real partition lasts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import * as Y from 'yjs';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { composeServer } from '../harness/composed-server.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { converged, stockClient, type StockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const PARTITION_MS = 1_000 * Number(process.env['FORMLOOM_TEST_PARTITION_SECONDS'] ?? 2);
const ALERT_LIMIT_MS = 30_000;

interface Fault {
  readonly name: string;
  /** Which rule names it; undefined for what nobody is to be woken for. */
  readonly alert?: string;
  readonly cause: (redis: RedisTestServer) => Promise<unknown>;
  readonly end?: (redis: RedisTestServer) => Promise<unknown>;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'a partition',
    alert: 'redis-unreachable',
    cause: async (redis) => {
      redis.signal('SIGSTOP');
      await Promise.resolve();
    },
    end: async (redis) => {
      await pause(PARTITION_MS);
      redis.signal('SIGCONT');
    },
  },
  {
    name: 'a full memory',
    alert: 'store-failing',
    cause: (redis) => redis.with((client) => client.config('SET', 'maxmemory', '1mb')),
    end: (redis) => redis.with((client) => client.config('SET', 'maxmemory', '0')),
  },
  {
    name: 'a master that became a read-only replica',
    alert: 'store-failing',
    cause: (redis) => redis.with((client) => client.replicaof('127.0.0.1', 1)),
    end: (redis) => redis.with((client) => client.replicaof('NO', 'ONE')),
  },
  {
    name: 'kill -9 of Redis',
    alert: 'redis-unreachable',
    cause: (redis) => redis.kill(),
    end: (redis) => redis.launch(),
  },
  {
    name: 'subscriptions cut and wake-ups lost',
    cause: async (redis) => {
      for (let i = 0; i < 3; i++) await redis.with((client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    },
  },
  { name: 'a Redis asleep', cause: (redis) => redis.with((client) => client.call('DEBUG', 'SLEEP', '1')) },
  { name: 'a flushed script cache', cause: (redis) => redis.with((client) => client.script('FLUSH')) },
];

/** The same rule without its patience. */
async function hasten(api: RestClient, id: string): Promise<void> {
  const { body: rule } = await api.get(`/alert-rules/${id}`);
  const facts = ['id', 'isBuiltIn', 'changedAt', 'changedBy'];
  const settings = Object.fromEntries(Object.entries(rule as object).filter(([member]) => !facts.includes(member)));
  const answer = await api.put(`/alert-rules/${id}`, { ...settings, forSeconds: 0, resolveAfterSeconds: 0 });
  if (answer.status !== 200) throw new Error(answer.text);
}

const editsOf = (doc: Y.Doc): string[] => [...doc.getMap('edits').keys()].sort();

void t.test(
  'row 6: every fault of Redis: all converge, 0 echoed edits lost, an alert names it, it heals',
  async (t) => {
    const redis = await RedisTestServer.start();
    t.teardown(() => redis.stop());
    const env = { REDIS_URL: redis.url };
    const nodes = await Promise.all([1, 2].map(() => composeServer({ env, alertsEveryMs: 100 })));
    t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
    const apis = nodes.map((node) => restClient(node.http));
    for (const rule of ['redis-unreachable', 'store-failing']) await hasten(apis[0]!, rule);
    const clients = nodes.map((node) => stockClient(node.ws, 'doc'));
    t.teardown(() => clients.forEach((client) => client.destroy()));
    await Promise.all(clients.map((client) => client.synced()));
    const edit = ({ doc }: StockClient, what: string): void => {
      doc.getMap('edits').set(`${what} by ${doc.clientID}`, true);
    };
    const isOpen = async (api: RestClient, rule: string): Promise<boolean> =>
      (await api.get(`/alerts?rule=${rule}&state=open`)).body.data.length > 0;

    for (const { name, alert, cause, end } of FAULTS) {
      clients.forEach((client) => edit(client, `before ${name}`));
      await Promise.all(clients.map((client) => client.saved()));
      const caused = cause(redis);
      // What lasts is there before the edits, what passes comes among them.
      if (alert !== undefined) await caused;
      clients.forEach((client) => edit(client, `during ${name}`));
      await caused;
      if (alert !== undefined) {
        await until(() => isOpen(apis[0]!, alert), { what: `${name}: ${alert} fires`, limitMs: ALERT_LIMIT_MS });
        t.notOk(clients[0]!.isSaved(), `${name}: nothing claims to be saved`);
      }
      await end?.(redis);
      await Promise.all(clients.map((client) => client.saved()));
      await converged(clients, editsOf);
      for (const node of nodes) {
        await until(async () => (await fetch(`${node.http}/api/v1/health/ready`)).status === 200, {
          what: `${name}: ready`,
        });
      }
      if (alert !== undefined)
        await until(async () => !(await isOpen(apis[0]!, alert)), { what: `${name}: it is over` });
      t.pass(`${name}: healed`);
    }
    const expected = FAULTS.flatMap(({ name }) =>
      clients.flatMap(({ doc }) => ['before', 'during'].map((when) => `${when} ${name} by ${doc.clientID}`)),
    );
    // A node that has seen nothing of it reads what is stored.
    const late = await composeServer({ env });
    t.teardown(() => late.cleanup());
    const reader = stockClient(late.ws, 'doc');
    t.teardown(() => reader.destroy());
    await reader.synced();
    t.strictSame(editsOf(reader.doc), expected.sort());
  },
);

void t.test('row 6: a node that is held by SIGSTOP catches up, and the others do not wait for it', async (t) => {
  const redis = await RedisTestServer.start();
  t.teardown(() => redis.stop());
  const env = { REDIS_URL: redis.url };
  const [held, other] = await Promise.all([startServer({ env }), composeServer({ env })]);
  t.teardown(() => Promise.all([held, other].map((node) => node.cleanup())));
  const [ada, ben] = [stockClient(held.ws, 'doc'), stockClient(other.ws, 'doc')];
  t.teardown(() => [ada, ben].forEach((client) => client.destroy()));
  await Promise.all([ada.synced(), ben.synced()]);
  const edit = async (client: StockClient): Promise<void> => {
    client.doc.getMap('edits').set(`${client.doc.clientID}-${Y.getState(client.doc.store, client.doc.clientID)}`, 1);
    await client.saved();
  };
  await Promise.all([edit(ada), edit(ben)]);
  held.child.kill('SIGSTOP');
  const endsAt = Date.now() + PARTITION_MS;
  for (let i = 0; i < 50 || Date.now() < endsAt; i++) await edit(ben);
  held.child.kill('SIGCONT');
  await edit(ada);
  await converged([ada, ben], editsOf);
  t.ok(editsOf(ada.doc).length >= 53);
});
