/**
 * USERS row 30: every built-in alert fires when its fault is caused, names it, and resolves when the fault is gone. The
 * rules are evaluated often and their durations taken away; the faults are real.
 */
import { execFileSync } from 'node:child_process';
import { readFile, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t, { type Test } from 'tap';
import * as Y from 'yjs';
import { BUILT_IN_RULES } from '../../server/alerts/rules/built-in-rules.js';
import { Keys } from '../../server/storage/redis/keys.js';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { fired, hasten, resolved, type ShownAlert } from '../harness/alerts.js';
import { composeServer } from '../harness/composed-server.js';
import { faultyDisk } from '../harness/faulty-disk.js';
import { awarenessMessage, rawClient, syncStep1, updateMessage, upgradeStatus } from '../harness/raw-client.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { startServer, temporaryFolder } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';
import { webhookReceiver } from '../harness/webhook-receiver.js';

const ADMIN = 'an-admin-token-that-is-long-enough-1';
const ENV = { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters-xx', ADMIN_TOKEN: ADMIN };
const EVERY_MS = 50;
const MEGABYTE = 1024 * 1024;
const APART = { timeout: 120_000 };
const PARAMS = { params: { token: ADMIN } };
const isRoot = process.getuid?.() === 0;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What happens to set a rule off, and to end it. */
interface Fault {
  /** Of the rule: how little is too much here. */
  readonly condition?: object;
  /** Called once. */
  readonly cause: () => unknown;
  /** Called while the alert does not fire: for what must go on. */
  readonly keepUp?: () => unknown;
  readonly end: () => unknown;
  readonly evidence?: object;
  readonly labels?: object;
}

const shown = new Set<string>();

async function show(rest: RestClient, rule: string, fault: Fault): Promise<ShownAlert> {
  await hasten(rest, rule, fault.condition);
  await fault.cause();
  const alert = await fired(rest, rule, fault.keepUp);
  await fault.end();
  await resolved(rest, rule);
  shown.add(rule);
  return alert;
}

async function check(t: Test, rest: RestClient, rule: string, fault: Fault): Promise<void> {
  const alert = await show(rest, rule, fault);
  t.match(alert, { evidence: fault.evidence ?? {}, labels: { rule, ...fault.labels } }, rule);
}

async function checkAll(t: Test, rest: RestClient, faults: Readonly<Record<string, Fault>>): Promise<void> {
  for (const [rule, fault] of Object.entries(faults)) await check(t, rest, rule, fault);
}

void t.test('on the embedded store', APART, async (t) => {
  const folder = await temporaryFolder();
  // So that its disk can be filled.
  if (isRoot) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder]);
  const server = await composeServer({
    env: { ...ENV, WEBHOOK_PRIVATE_TARGETS: 'true', USER_LIMITS: 'connections=2' },
    ...{ dataDir: folder, alertsEveryMs: EVERY_MS, webhookSchedule: { firstMs: 5, maxMs: 10, maxTries: 3 } },
  });
  t.teardown(async () => {
    await server.close();
    if (isRoot) execFileSync('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  const rest = restClient(server.http, ADMIN);
  const tokenFor = async (sub: string, role: string): Promise<string> =>
    (await rest.post('/tokens', { sub, name: sub, grants: [{ document: '*', role }], ttlSeconds: 600 })).body.token;
  const open = new Set<{ destroy(): void }>();
  const kept = async <T extends { destroy(): void }>(client: T | Promise<T>): Promise<T> => {
    const one = await client;
    open.add(one);
    return one;
  };
  const leave = (): void => {
    for (const client of open) client.destroy();
    open.clear();
  };
  const metrics = async (): Promise<string> => (await fetch(`${server.http}/metrics`)).text();
  const receiver = await webhookReceiver();
  t.teardown(() => receiver.goDown());
  const ballast: Buffer[] = [];
  let burning: NodeJS.Timeout | undefined;
  const burn = (everyMs: number, forMs: number): void => {
    burning = setInterval(() => {
      const end = performance.now() + forMs;
      while (performance.now() < end);
    }, everyMs);
  };

  // None of these disturbs another.
  const refusals: Readonly<Record<string, Fault>> = {
    'malformed-frames': {
      condition: { count: 2, windowSeconds: 1 },
      cause: async () => {
        for (let i = 0; i < 2; i++) {
          const client = await rawClient(`${server.ws}/doc-malformed?token=${ADMIN}`);
          await until(() => client.frames.length > 0);
          client.send(new Uint8Array([0, 2, 255]));
          t.equal((await client.closing()).code, 4400);
        }
      },
      end: () => undefined,
      evidence: { value: 2, examples: [{ document: 'doc-malformed' }] },
      labels: { address: '127.0.0.1' },
    },
    'oversized-frames': {
      condition: { count: 1, windowSeconds: 1 },
      cause: async () => {
        const client = await rawClient(`${server.ws}/doc-oversized?token=${ADMIN}`);
        client.send(new Uint8Array(8 * MEGABYTE + 1));
        await client.closing();
      },
      end: () => undefined,
      labels: { address: '127.0.0.1' },
    },
    'authentication-failures': {
      condition: { count: 3, windowSeconds: 1 },
      cause: async () => {
        const client = await rawClient(`${server.ws}/doc?token=wrong`);
        t.equal((await client.closing()).code, 4401);
        for (let i = 0; i < 2; i++) t.equal((await rest.get('/forms', { token: 'wrong' })).status, 401);
      },
      end: () => undefined,
      labels: { address: '127.0.0.1' },
    },
    'forged-presence': {
      condition: { count: 1, windowSeconds: 1 },
      cause: async () => {
        const [victim, forger] = await Promise.all(
          ['victim', 'forger'].map(async (sub) =>
            kept(rawClient(`${server.ws}/doc-forged?token=${await tokenFor(sub, 'editor')}`)),
          ),
        );
        await until(() => victim!.frames.length > 0 && forger!.frames.length > 0);
        victim!.send(awarenessMessage(77, 1, { user: { name: 'victim' } }));
        await until(() => forger!.ofType(1).length > 0, { what: 'the presence of the victim is there' });
        forger!.send(awarenessMessage(77, 5, { user: { name: 'not the victim' } }));
      },
      end: () => undefined,
      labels: { userId: 'forger', severity: 'critical' },
    },
    'forbidden-writes': {
      condition: { count: 2, windowSeconds: 1 },
      cause: async () => {
        const reader = await kept(rawClient(`${server.ws}/doc-read?token=${await tokenFor('reader', 'viewer')}`));
        await until(() => reader.frames.length > 0);
        reader.send(syncStep1());
        for (let i = 0; i < 3; i++) {
          const doc = new Y.Doc();
          doc.getText('text').insert(0, 'no');
          reader.send(updateMessage(Y.encodeStateAsUpdate(doc)));
        }
      },
      end: leave,
      labels: { userId: 'reader' },
    },
    'enumeration-scan': {
      condition: { windowSeconds: 1 },
      cause: () => Promise.all(Array.from({ length: 40 }, (_, i) => rest.get(`/forms/guess-${i}`))),
      end: () => undefined,
      labels: { address: '127.0.0.1' },
    },
    'rate-abuse': {
      condition: { count: 1, windowSeconds: 1 },
      cause: async () => {
        const url = `${server.ws}/doc-many?token=${await tokenFor('greedy', 'editor')}`;
        const clients = await Promise.all([1, 2].map(() => rawClient(url)));
        t.equal((await upgradeStatus(url)).status, 429);
        for (const client of clients) client.destroy();
      },
      end: () => undefined,
      labels: { address: '127.0.0.1' },
    },
  };
  await Promise.all(Object.entries(refusals).map(([rule, fault]) => check(t, rest, rule, fault)));
  await checkAll(t, rest, {
    'pool-full': {
      cause: async () => {
        const url = async (sub: string): Promise<string> =>
          `${server.ws}/doc-pool?token=${await tokenFor(sub, 'editor')}`;
        await rest.put('/optimization/pools/default', { size: 4 });
        for (const sub of ['ann', 'ben', 'cem', 'dee']) await kept(rawClient(await url(sub)));
        const refused = await upgradeStatus(await url('eva'));
        t.equal(refused.status, 503);
        t.ok(Number(refused.headers['retry-after']) > 0);
      },
      end: leave,
      evidence: { value: 100, name: 'default' },
    },
    'breaker-open': {
      cause: async () => {
        await receiver.goDown();
        await rest.post('/webhooks', { url: receiver.url, types: ['activity.*'] });
        await rest.post('/events', { events: Array.from({ length: 5 }, () => ({ type: 'login' })) });
      },
      end: async () => {
        const { body } = await rest.get('/optimization/breakers');
        for (const { name } of body.data) await rest.post(`/optimization/breakers/${encodeURIComponent(name)}/reset`);
        await receiver.comeUp();
      },
    },
    'dead-letters': {
      // Those that were given up before the breaker opened.
      cause: () => undefined,
      end: async () => {
        for (const { id } of (await rest.get('/webhooks')).body.data) await rest.delete(`/webhooks/${id}`);
        await rest.delete('/optimization/dead-letters');
      },
    },
    'slow-readers': {
      condition: { threshold: 1, windowSeconds: 1 },
      cause: async () => {
        const reader = await kept(rawClient(`${server.ws}/doc-slow?token=${ADMIN}`));
        reader.send(syncStep1());
        await until(() => reader.frames.some((frame) => frame[0] === 0 && frame[1] === 1));
        const socket = (reader.ws as unknown as { _socket: { pause(): void; resume(): void } })._socket;
        socket.pause();
        const writer = await kept(stockClient(server.ws, 'doc-slow', PARAMS));
        await writer.synced();
        await until(async () => {
          writer.doc.getMap('m').set('value', new Uint8Array(MEGABYTE));
          await writer.saved();
          return / [1-9]/.test(/^formloom_resyncs_total.*$/m.exec(await metrics())?.[0] ?? '');
        });
        socket.resume();
      },
      end: leave,
    },
    memory: {
      condition: { threshold: 0, clearThreshold: 0 },
      cause: async () => {
        const percent = async (): Promise<number> => (await rest.get('/system/metrics')).body.now.memory.percent;
        collectGarbage();
        const [before, limit] = [await percent(), 120 * MEGABYTE];
        ballast.push(Buffer.alloc(limit, 1));
        const threshold = (before + (await percent())) / 2;
        await hasten(rest, 'memory', { threshold, clearThreshold: threshold });
      },
      end: () => {
        ballast.pop();
        collectGarbage();
      },
      labels: { severity: 'critical' },
    },
    // Tests that run beside it leave this process no more.
    cpu: {
      condition: { threshold: 25, clearThreshold: 20 },
      cause: () => burn(50, 49),
      end: () => clearInterval(burning),
    },
    'event-loop-delay': { cause: () => burn(400, 300), end: () => clearInterval(burning) },
    ...(isRoot
      ? {
          'disk-low': {
            cause: async () => {
              const { bavail, bsize, blocks } = await statfs(folder);
              await writeFile(path.join(folder, 'ballast'), Buffer.alloc((bavail - Math.floor(blocks / 20)) * bsize));
            },
            end: () => rm(path.join(folder, 'ballast')),
            labels: { severity: 'critical' },
          },
        }
      : {}),
  });
});

void t.test('on a disk that hangs, with the rules as they are but for how long', APART, async (t) => {
  const disk = await faultyDisk(t);
  const server = await startServer({ env: { ...ENV, ...disk.env } });
  t.teardown(() => server.cleanup());
  const rest = restClient(server.http, ADMIN);
  const writer = stockClient(server.ws, 'doc', PARAMS);
  t.teardown(() => writer.destroy());
  await writer.synced();
  const together = ['disk-stalled', 'store-failing', 'backlog'];
  for (const rule of together)
    await hasten(rest, rule, rule === 'backlog' ? { threshold: 1, clearThreshold: 0.5 } : {});
  await disk.stall();
  writer.doc.getMap('m').set('value', new Uint8Array(6 * MEGABYTE));
  for (const rule of together) t.match(await fired(rest, rule), { labels: { severity: 'critical' } }, rule);
  await disk.release();
  for (const rule of together) {
    await resolved(rest, rule);
    shown.add(rule);
  }
});

void t.test('on Redis', APART, async (t) => {
  const redis = await RedisTestServer.start();
  t.teardown(() => redis.stop());
  const server = await composeServer({ env: { ...ENV, REDIS_URL: redis.url }, alertsEveryMs: EVERY_MS });
  t.teardown(() => server.cleanup());
  const rest = restClient(server.http, ADMIN);
  const writer = stockClient(server.ws, 'doc', PARAMS);
  t.teardown(() => writer.destroy());
  await writer.synced();
  const write = async (): Promise<void> => {
    writer.doc.getText('text').insert(0, 'x');
    await writer.saved();
  };
  await write();
  const keys = new Keys();

  await checkAll(t, rest, {
    'redis-unreachable': {
      cause: () => redis.signal('SIGSTOP'),
      end: async () => {
        t.equal((await rest.get('/system/metrics')).body.now.redis, 'unreachable');
        redis.signal('SIGCONT');
        await until(async () => (await rest.get('/events?type=alert.fired')).body.data?.length > 0, {
          what: 'the feed tells of it afterwards',
        });
      },
      evidence: { metric: 'redis.unreachable', value: 1 },
    },
    'damaged-document': {
      cause: async () => {
        const client = stockClient(server.ws, 'bad', PARAMS);
        await client.synced();
        client.doc.getText('text').insert(0, 'y'.repeat(40_000));
        await client.saved();
        await rest.post('/documents/bad/compact');
        client.destroy();
        await until(async () => (await rest.get('/documents/bad')).body.state !== 'live');
        await redis.with(async (client) => client.set(keys.document('bad').snapshot, 'what somebody else wrote here'));
      },
      keepUp: () => rest.get('/documents/bad/state'),
      end: async () => t.equal((await rest.delete('/documents/bad')).status, 200),
      evidence: { value: 1 },
    },
    'compaction-failing': {
      condition: { threshold: 1, windowSeconds: 1 },
      cause: async () => {
        await rest.post('/forms', { id: 'f', pages: [{ id: 'p', fields: [{ id: 'a', type: 'text' }] }] });
        // The change log, which is told before a fold, is not a stream any more.
        await redis.with(async (client) => client.set(keys.events('changes/form/f').log, 'of another kind'));
      },
      keepUp: async () => {
        const operations = [{ op: 'setTitle', target: 'form', language: 'en', value: `T${Date.now()}` }];
        await rest.patch('/forms/f', { operations });
        await rest.post('/documents/form%2Ff/compact');
      },
      end: () => redis.with(async (client) => client.del(keys.events('changes/form/f').log)),
    },
    'log-lost': {
      condition: { windowSeconds: 1 },
      cause: async () => {
        await redis.kill();
        redis.forget();
        await redis.launch();
        await write();
        // The rule was forgotten too.
        await hasten(rest, 'log-lost', { windowSeconds: 1 });
      },
      end: () => undefined,
    },
  });
});

void t.test('that is all of them, soon enough, and each has its section in the runbook', async (t) => {
  const ids = BUILT_IN_RULES.map(({ id }) => id);
  const unshown = ids.filter((id) => !shown.has(id));
  t.strictSame(unshown, isRoot ? [] : ['disk-low'], 'a rule that no fault has set off');
  // Evaluated every 3 s, on samples of 10 s: within 30 s of the fault.
  t.ok(BUILT_IN_RULES.every(({ forSeconds }) => forSeconds <= 15));
  const runbook = await readFile(new URL('../../docs/alerts.md', import.meta.url), 'utf8');
  const sections = runbook.slice(runbook.indexOf('\n## Runbook'), runbook.indexOf('\n## What Prometheus adds'));
  t.strictSame(
    [...sections.matchAll(/^### (.+)$/gm)].map(([, id]) => id),
    ids,
  );
  for (const section of sections.split('\n### ').slice(1)) {
    t.match(section, /\*\*Fires\*\*.*\*\*Means:\*\*.*\*\*Do:\*\*/s, section.slice(0, 30));
  }
});
