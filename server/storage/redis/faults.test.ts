import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { DocumentErasedError, LogLostError } from '../errors.js';
import type { RedisStorage } from './redis-storage.js';
import { RedisTestServer, startSentinelGroup } from './testing/redis-test-server.js';
import { failing, healed, openFor } from './testing/opened-storage.js';
import { eventually, saying, textsOf } from '../testing/store-under-test.js';

void t.test('a master killed under Sentinel takes no append with it that a replica had confirmed', async (t) => {
  const group = await startSentinelGroup();
  t.teardown(() => group.stop());
  const address = {
    sentinels: group.sentinels.map((sentinel) => sentinel.address),
    sentinelName: 'formloom',
    waitReplicas: 1,
  };
  const storage = await openFor(t, address);
  const documents = ['one', 'two', 'three'];
  const acknowledged = new Map<string, string[]>(documents.map((document) => [document, []]));
  const followed: string[] = [];
  await storage.documents.subscribe('one', '', (updates) => void followed.push(...textsOf(updates)));

  let isWriting = true;
  const writers = documents.map(async (document) => {
    for (let i = 0; isWriting; i++) {
      await appendWhateverIsLost(storage, document, `${document} ${i}`);
      acknowledged.get(document)!.push(`${document} ${i}`);
    }
  });
  await eventually('there is something to lose', () => acknowledged.get('three')!.length > 100);
  const replaced = group.killMaster();
  await failing(storage, /unreachable/);
  await replaced;
  await healed(storage);
  const before = acknowledged.get('one')!.length;
  await eventually('writing goes on', () => acknowledged.get('one')!.length > before + 20);
  isWriting = false;
  await Promise.all(writers);

  const reader = await openFor(t, address);
  for (const document of documents) {
    const { updates } = await reader.documents.load(document);
    t.strictSame(textsOf(updates), acknowledged.get(document), `${document}: all, once and in order`);
  }
  const last = acknowledged.get('one')!.at(-1)!;
  await eventually('the subscriber has followed', () => followed.includes(last));
  // What was published and went down with the master comes again when it is appended again.
  t.strictSame([...new Set(followed)], acknowledged.get('one'), 'the subscriber saw every update, in order');
});

void t.test('without REDIS_WAIT_REPLICAS a fail-over loses what no replica had, and nothing else', async (t) => {
  const group = await startSentinelGroup();
  t.teardown(() => group.stop());
  const address = { sentinels: group.sentinels.map((sentinel) => sentinel.address), sentinelName: 'formloom' };
  const storage = await openFor(t, address);
  await storage.documents.append('doc', [saying('replicated')]);
  const isReplicated = (replica: RedisTestServer): Promise<boolean> =>
    replica.with(async (client) => (await client.exists('formloom:{d:doc}:log')) === 1);
  await eventually('the replicas have it', async () =>
    (await Promise.all(group.replicas.map(isReplicated))).every(Boolean),
  );
  const lost: string[] = [];
  storage.documents.onLost((document) => lost.push(document));
  await storage.documents.subscribe('doc', '', () => undefined);
  // The window: confirmed by the master, on its way to the replicas.
  for (const replica of group.replicas) replica.signal('SIGSTOP');
  await group.master.with((client) => client.call('CLIENT', 'KILL', 'TYPE', 'replica'));
  await storage.documents.append('doc', [saying('in the window')]);
  await group.killMaster(() => group.replicas.forEach((replica) => replica.signal('SIGCONT')));
  await eventually('the loss is noticed', () => lost.includes('doc'));
  const reader = await openFor(t, address);
  t.strictSame(textsOf((await reader.documents.load('doc')).updates), ['replicated'], 'who had it not open misses it');
  // A node that has the document open appends what it holds.
  await appendWhateverIsLost(storage, 'doc', 'state with what was in the window');
  await eventually('it is complete again', async () => (await reader.documents.load('doc')).updates.length === 2);
  await healed(storage);
});

void t.test('a fail-over that is announced while the master is asked for, of a Sentinel that hangs', async (t) => {
  const group = await startSentinelGroup();
  t.teardown(() => group.stop());
  const storage = await openFor(t, {
    sentinels: group.sentinels.map((sentinel) => sentinel.address),
    sentinelName: 'formloom',
  });
  const seen: string[] = [];
  await storage.documents.subscribe('doc', '', (updates) => void seen.push(...textsOf(updates)));
  // The first that is asked. The two others tell of the fail-over.
  group.sentinels[0]?.signal('SIGSTOP');
  const replaced = group.killMaster();
  await failing(storage, /unreachable/);
  await appendWhateverIsLost(storage, 'doc', 'to the new master');
  await eventually('the subscriber has followed', () => seen.includes('to the new master'));
  group.sentinels[0]?.signal('SIGCONT');
  await replaced;
  await healed(storage);
});

void t.test('killed subscriber connections leave no gap', async (t) => {
  const server = await startFor(t);
  const writer = await openFor(t, { url: server.url });
  const reader = await openFor(t, { url: server.url, node: 'node-2' });
  const seen: string[] = [];
  await reader.documents.subscribe('doc', '', async (updates) => {
    await sleep(1);
    seen.push(...textsOf(updates));
  });
  const written: string[] = [];
  for (let round = 0; round < 20; round++) {
    const texts = Array.from({ length: 20 }, (_, i) => `${round}.${i}`);
    const appends = texts.map((text) => writer.documents.append('doc', [saying(text)]));
    if (round % 4 === 1) await server.with((client) => client.call('client', 'kill', 'type', 'pubsub'));
    await Promise.all(appends);
    written.push(...texts);
  }
  await eventually('everything has arrived', () => seen.length >= written.length);
  t.strictSame(seen, written);
});

void t.test('wake-ups that never arrive are made up for by comparing with the log', async (t) => {
  const server = await startFor(t);
  const writer = await openFor(t, { url: server.url, namespace: 'quiet' });
  const seen: string[] = [];
  const reader = await openFor(t, { url: server.url, namespace: 'quiet', node: 'node-2', antiEntropyMs: 50 });
  await reader.documents.subscribe('doc', '', (updates) => void seen.push(...textsOf(updates)));
  // An entry as append-3 writes it, without its message: what a lost one leaves behind.
  await writer.documents.append('doc', [saying('first')]);
  await eventually('the first has arrived', () => seen.length === 1);
  await server.with(async (client) => {
    const [[, fields]] = (await client.xrangeBuffer('quiet:{d:doc}:log', '-', '+')) as [[Buffer, Buffer[]]];
    const id = await client.xadd('quiet:{d:doc}:log', '*', 'e', fields[1]!, 'n', '2', 'b', '200');
    await client.hset('quiet:{d:doc}:meta', 'last', id!, 'n', 2);
  });
  await eventually('the second has arrived', () => seen.length === 2);
  t.strictSame(seen, ['first', 'first']);
});

void t.test('an erasure that nobody was told of ends a subscription', async (t) => {
  const server = await startFor(t);
  const writer = await openFor(t, { url: server.url });
  const reader = await openFor(t, { url: server.url, node: 'node-2', antiEntropyMs: 50 });
  const broken: unknown[] = [];
  await writer.documents.append('doc', [saying('secret')]);
  await reader.documents.subscribe(
    'doc',
    '',
    () => undefined,
    (error) => broken.push(error),
  );
  await writer.documents.erase('doc');
  await eventually('it is told', () => broken.length > 0);
  t.ok(broken[0] instanceof DocumentErasedError);
});

void t.test('a damaged entry of another node is passed over and stays in the log', async (t) => {
  const server = await startFor(t);
  const writer = await openFor(t, { url: server.url });
  const reader = await openFor(t, { url: server.url, node: 'node-2', antiEntropyMs: 50 });
  const seen: string[] = [];
  await writer.documents.append('doc', [saying('a')]);
  await reader.documents.subscribe('doc', '', (updates) => void seen.push(...textsOf(updates)));
  await server.with(async (client) => {
    const id = await client.xadd('formloom:{d:doc}:log', '*', 'e', 'no entry', 'n', '2', 'b', '200');
    await client.hset('formloom:{d:doc}:meta', 'last', id!, 'n', 2);
  });
  await writer.documents.append('doc', [saying('c')]);
  await eventually('the next has arrived', () => seen.length === 2);
  const own = await reader.documents.append('doc', [saying('d')]);
  await eventually('its own has arrived', () => seen.length === 3);
  await reader.documents.compact('doc', own, Buffer.from('state of a, c and d')).catch(() => undefined);
  const stored = await server.with((client) => client.xrange('formloom:{d:doc}:log', '-', '+'));
  t.ok(
    stored.some(([, fields]) => fields.includes('no entry')),
    'its node has not folded it away',
  );
});

void t.test('a lost reply leads to no second entry', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  const documents = Array.from({ length: 20 }, (_, i) => `doc ${i}`);
  const written = Array.from({ length: 60 }, (_, i) => `update ${i}`);
  const appends = documents.map(async (document) => {
    for (const text of written) await storage.documents.append(document, [saying(text)]);
  });
  const events = Array.from({ length: 60 }, (_, i) => storage.events.append('stream', [i]));
  let isDone = false;
  const killing = (async () => {
    while (!isDone) {
      await server.with((client) => client.call('client', 'kill', 'type', 'normal', 'skipme', 'yes'));
      await sleep(15);
    }
  })();
  // The killer leaves the connections of later appends alone.
  await Promise.race([Promise.all(appends), sleep(1_500)]);
  isDone = true;
  await killing;
  await Promise.all([...appends, ...events]);
  for (const document of documents) {
    t.strictSame(textsOf((await storage.documents.load(document)).updates), written, document);
  }
  const stored = await storage.events.range('stream');
  t.strictSame(
    stored.map(({ data }) => data),
    Array.from({ length: 60 }, (_, i) => i),
  );
  await healed(storage);
});

void t.test('a stopped Redis is noticed, also when idle, and everything goes on when it continues', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  server.signal('SIGSTOP');
  await failing(storage, /does not answer/);
  const pending = storage.documents.append('doc', [saying('late')]);
  const health = storage.health();
  t.match(health, { state: 'failing', pendingBytes: Number });
  await sleep(1_500);
  server.signal('SIGCONT');
  await pending;
  await healed(storage);
  t.strictSame(textsOf((await storage.documents.load('doc')).updates), ['late']);
});

void t.test('a Redis asleep holds appends up and loses none', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  const nap = server.with((client) => client.call('debug', 'sleep', '1'));
  const appends = Array.from({ length: 50 }, (_, i) => storage.documents.append('doc', [saying(String(i))]));
  await Promise.all([nap, ...appends]);
  t.equal((await storage.documents.load('doc')).updates.length, 50);
});

void t.test('a full Redis makes appends wait, in order, until there is room', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  await storage.documents.append('doc', [saying('before')]);
  const [upTo] = await Promise.all(['long', 'gone'].map((name) => storage.documents.append(name, [saying('x')])));
  await storage.records.put(['r', 'a'], Buffer.from('record'));
  const lease = await storage.leases.acquire('duty', 'node-1', 60_000);
  await server.with((client) => client.config('SET', 'maxmemory', '1mb'));
  const appends = ['a', 'b', 'c'].map((text) => storage.documents.append('doc', [saying(text)]));
  await failing(storage, /full/);
  const health = storage.health();
  t.ok(health.state === 'failing' && health.pendingBytes > 0);
  t.equal((await storage.documents.load('doc')).updates.length, 1, 'reading goes on');
  // What makes room, and what keeps a duty where it is.
  t.equal(await storage.documents.compact('long', upTo ?? '', Buffer.from('x')), 'done');
  t.equal((await storage.documents.erase('gone')).updates, 1);
  t.equal(await storage.records.delete(['r', 'a']), true);
  t.equal(await lease?.renew(60_000), true);
  await server.with((client) => client.config('SET', 'maxmemory', '0'));
  await Promise.all(appends);
  await healed(storage);
  t.strictSame(textsOf((await storage.documents.load('doc')).updates), ['before', 'a', 'b', 'c']);
});

void t.test('a master that became a read-only replica makes appends wait until it is a master again', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  await server.with((client) => client.replicaof('127.0.0.1', 1));
  const append = storage.documents.append('doc', [saying('patient')]);
  await failing(storage, /read-only/);
  await server.with((client) => client.replicaof('NO', 'ONE'));
  await append;
  await healed(storage);
});

void t.test('a flushed script cache costs nothing but a repetition', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  await storage.documents.append('doc', [saying('a')]);
  await server.with((client) => client.script('FLUSH'));
  await Promise.all(['b', 'c'].map((text) => storage.documents.append('doc', [saying(text)])));
  t.strictSame(textsOf((await storage.documents.load('doc')).updates), ['a', 'b', 'c']);
  t.strictSame(storage.health(), { state: 'ok' });
});

void t.test(
  'logs that cannot be read are told of once, with how many and how often when they are read again',
  async (t) => {
    const server = await startFor(t);
    const lines: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
    const storage = await openFor(t, { url: server.url, logger });
    const told = (text: string): string[] => lines.filter((line) => line.includes(text));
    for (let i = 0; i < 5; i++) await storage.documents.subscribe(`doc-${i}`, '', () => undefined);
    await server.with(async (client) => {
      await client.acl('SETUSER', 'default', '-xrange');
      await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await eventually('a read fails', () => told('could not be read').length > 0);
      await sleep(300);
      await client.acl('SETUSER', 'default', '+xrange');
    });
    await eventually('they are read', () => told('Logs are read again').length > 0);
    t.equal(told('could not be read').length, 1);
    const { documents, attempts } = JSON.parse(told('Logs are read again')[0] ?? '') as Record<string, number>;
    t.ok(documents === 5 && (attempts ?? 0) > 5, `${documents} documents, ${attempts} attempts`);
  },
);

void t.test('a killed Redis comes back with everything acknowledged, and what waited follows in order', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  const seen: string[] = [];
  await storage.documents.subscribe('doc', '', (updates) => void seen.push(...textsOf(updates)));
  await storage.documents.append('doc', [saying('0')]);
  await server.kill();
  await failing(storage, /unreachable/);
  const appends = ['1', '2', '3'].map((text) => storage.documents.append('doc', [saying(text)]));
  await t.rejects(
    openFor(t, { url: server.url, deadlineMs: 100 }),
    { code: 'storage_unavailable' },
    'a start says that Redis is away',
  );
  await server.launch();
  await Promise.all(appends);
  await healed(storage);
  await eventually('the subscriber has followed', () => seen.length === 4);
  t.strictSame(seen, ['0', '1', '2', '3']);
});

void t.test('a Redis that came back empty is never taken for whole', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  const lost: string[] = [];
  storage.documents.onLost((document) => lost.push(document));
  const seen: string[] = [];
  await storage.documents.append('doc', [saying('a'), saying('b')]);
  await storage.documents.subscribe('doc', '', (updates) => void seen.push(...textsOf(updates)));
  await server.kill();
  server.forget();
  await server.launch();

  await failing(storage, /lost acknowledged updates of "doc"/);
  t.strictSame(lost, ['doc'], 'also when nobody writes');
  await t.rejects(storage.documents.append('doc', [saying('c')]), LogLostError);
  t.equal(await storage.documents.info('doc'), undefined, 'nothing was written by the refused append');
  await storage.documents.append('doc', [saying('state of a, b and c')]);
  await healed(storage);
  await storage.documents.append('doc', [saying('d')]);
  await eventually('the subscriber has followed', () => seen.includes('d'));
  t.strictSame(seen, ['a', 'b', 'state of a, b and c', 'd']);
  t.equal((await storage.documents.list('', null, 10)).data.length, 1, 'it is listed again');
});

void t.test('each node appends its state again when Redis came back empty', async (t) => {
  const server = await startFor(t);
  const [one, two] = [await openFor(t, { url: server.url }), await openFor(t, { url: server.url, node: 'node-2' })];
  await one.documents.append('doc', [saying('a')]);
  const { position } = await two.documents.load('doc');
  await two.documents.subscribe('doc', position, () => undefined);
  await one.documents.subscribe('doc', position, () => undefined);
  await server.kill();
  server.forget();
  await server.launch();
  await t.rejects(one.documents.append('doc', [saying('b')]), LogLostError);
  await one.documents.append('doc', [saying('state of one')]);
  await failing(two, /lost acknowledged updates/);
  await t.rejects(two.documents.append('doc', [saying('c')]), LogLostError);
  await two.documents.append('doc', [saying('state of two')]);
  await Promise.all([healed(one), healed(two)]);
  t.strictSame(textsOf((await one.documents.load('doc')).updates), ['state of one', 'state of two']);
});

void t.test('a Redis that came back with an older state is noticed', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  await storage.documents.append('doc', [saying('a')]);
  await server.kill();
  const files = path.join(server.folder, 'appendonlydir');
  const kept = path.join(server.folder, 'kept');
  cpSync(files, kept, { recursive: true });
  await server.launch();
  await storage.documents.append('doc', [saying('b')]);
  await server.kill();
  rmSync(files, { recursive: true });
  cpSync(kept, files, { recursive: true });
  await server.launch();
  await t.rejects(storage.documents.append('doc', [saying('c')]), LogLostError);
  await storage.documents.append('doc', [saying('state of a, b and c')]);
  t.strictSame(textsOf((await storage.documents.load('doc')).updates), ['a', 'state of a, b and c']);
});

void t.test('a loss is noticed when nobody writes, also of an append that no wake-up told of', async (t) => {
  const server = await startFor(t);
  const storage = await openFor(t, { url: server.url });
  const lost: string[] = [];
  storage.documents.onLost((document) => lost.push(document));
  await storage.documents.append('doc', [saying('a')]);
  await server.kill();
  const files = path.join(server.folder, 'appendonlydir');
  const kept = path.join(server.folder, 'kept');
  cpSync(files, kept, { recursive: true });
  await server.launch();
  await storage.documents.subscribe('doc', '', () => undefined);
  await server.with(async (client) => {
    await client.acl('SETUSER', 'default', '-ssubscribe');
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  });
  await storage.documents.append('doc', [saying('b')]);
  await server.kill();
  rmSync(files, { recursive: true });
  cpSync(kept, files, { recursive: true });
  await server.launch();
  await eventually('the loss is noticed', () => lost.includes('doc'));
  await t.rejects(storage.documents.append('doc', [saying('c')]), LogLostError);
  await storage.documents.append('doc', [saying('state of a, b and c')]);
  await healed(storage);
  t.strictSame(textsOf((await storage.documents.load('doc')).updates), ['a', 'state of a, b and c']);
});

void t.test('a Redis that would throw documents away is refused', async (t) => {
  const server = await startFor(t, ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru']);
  await t.rejects(openFor(t, { url: server.url }), { code: 'storage_unavailable', message: /noeviction/ });
});

/** As a room does, but for the state: here the log still has everything acknowledged. */
async function appendWhateverIsLost(storage: RedisStorage, document: string, text: string): Promise<void> {
  for (;;) {
    try {
      await storage.documents.append(document, [saying(text)]);
      return;
    } catch (error) {
      if (!(error instanceof LogLostError)) throw error;
    }
  }
}

async function startFor(
  t: { teardown(fn: () => unknown): unknown },
  settings: string[] = [],
): Promise<RedisTestServer> {
  const server = await RedisTestServer.start(settings);
  t.teardown(() => server.stop());
  return server;
}
