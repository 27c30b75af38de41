import fc from 'fast-check';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { newDataFolder, onlyStoreOf } from '../storage/testing/embedded-folder.js';
import { openFor } from '../storage/redis/testing/opened-storage.js';
import { RedisTestServer } from '../storage/redis/testing/redis-test-server.js';
import { eventually } from '../storage/testing/store-under-test.js';
import type { Storage } from '../storage/storage.js';
import { EventFeed, FEED_START, GAP, type EventFeedOptions, type FeedEvent } from './index.js';

const DAY_MS = 24 * 3_600_000;
const redis = await RedisTestServer.start();
t.teardown(() => redis.stop());

type Open = (t: Test, node?: string) => Promise<Storage>;
const STORES: Record<string, (t: Test) => Promise<Open>> = {
  embedded: async (t) => onlyStoreOf(await newDataFolder(t)),
  redis: async () => {
    await redis.with((client) => client.flushall());
    return (t, node = 'one') => openFor(t, { url: redis.url, node });
  },
};

async function startFeed(t: Test, storage: Storage, options: Partial<EventFeedOptions> = {}): Promise<EventFeed> {
  const { events: log, bus, leases } = storage;
  const feed = new EventFeed({ node: 'one', log, bus, leases, logger: pino({ level: 'silent' }), ...options });
  await feed.start();
  t.teardown(() => feed.close());
  return feed;
}

const numbered = (n: number): { type: string; data: { n: number } } => ({ type: 'test.numbered', data: { n } });
const numbersOf = (events: readonly FeedEvent[]): unknown[] => events.map(({ data }) => data['n']);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

for (const [kind, openStore] of Object.entries(STORES)) {
  void t.test(`${kind}: listeners of every node hear everything once and in one order`, async (t) => {
    const open = await openStore(t);
    const feeds = [await startFeed(t, await open(t, 'one')), await startFeed(t, await open(t, 'two'))];
    const heard: FeedEvent[][] = feeds.map(() => []);
    feeds.forEach((feed, i) => feed.subscribe({}, (events) => void heard[i]?.push(...events)));
    await Promise.all(feeds.flatMap((feed, i) => upTo(150).map((n) => feed.publish(numbered(2 * n + i)))));
    await eventually('all are heard', () => heard.every((events) => events.length >= 300));
    t.same(heard[0], heard[1]);
    t.same(
      numbersOf(heard[0] ?? []).sort((a, b) => Number(a) - Number(b)),
      upTo(300),
    );
  });

  void t.test(`${kind}: what is ephemeral reaches every node once, and lies in no log`, async (t) => {
    const open = await openStore(t);
    const feeds = [await startFeed(t, await open(t, 'one')), await startFeed(t, await open(t, 'two'))];
    const heard: FeedEvent[][] = feeds.map(() => []);
    const types = ['system.health', 'test.numbered'];
    feeds.forEach((feed, i) => feed.subscribe({ types }, (events) => void heard[i]?.push(...events)));
    await feeds[0]?.publish({ type: 'system.health', data: { n: -1 } });
    await eventually('both hear it', () => heard.every((events) => events.length > 0));
    await feeds[1]?.publish(numbered(0));
    await eventually('both hear what follows', () => heard.every((events) => events.length > 1));
    for (const events of heard) t.same(numbersOf(events), [-1, 0]);
    t.same(numbersOf((await feeds[0]?.read(undefined, 10)) ?? []), [0]);
  });

  void t.test(`${kind}: whatever the pace of a listener and of its reconnects, there is no gap`, async (t) => {
    const open = await openStore(t);
    const feed = await startFeed(t, await open(t), { windowEvents: 16 });
    let published = 0;
    let cursor: string = FEED_START;
    const heard: unknown[] = [];
    const step = fc.record({ publish: fc.nat(40), read: fc.integer({ min: 1, max: 60 }), isLate: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        for (const { publish, read, isLate } of steps) {
          const publishing = (): Promise<unknown> =>
            Promise.all(upTo(publish).map(() => feed.publish(numbered(published++))));
          const early = isLate ? undefined : publishing();
          let left = read;
          const subscription = feed.subscribe({ after: cursor, isPatient: true }, async (events) => {
            // Stops in the middle of a batch, as a consumer whose connection breaks.
            for (const event of events.slice(0, left)) {
              heard.push(event.data['n']);
              cursor = event.id;
            }
            left -= events.length;
            if (left <= 0) subscription.close();
          });
          await (early ?? publishing());
          const goal = Math.min(published, heard.length + Math.max(left, 0));
          await eventually('the listener has what it reads', () => left <= 0 || heard.length >= goal);
          subscription.close();
        }
      }),
      { numRuns: 8, endOnFailure: true },
    );
    const rest = feed.subscribe({ after: cursor, isPatient: true }, (events) => void heard.push(...numbersOf(events)));
    await eventually('the rest is heard', () => heard.length >= published);
    rest.close();
    t.same(heard, upTo(published));
  });

  void t.test(`${kind}: a listener that falls out of the window is told, and goes on with what happens`, async (t) => {
    const open = await openStore(t);
    const feed = await startFeed(t, await open(t), { windowEvents: 8 });
    const heard: FeedEvent[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    feed.subscribe({}, async (events) => {
      heard.push(...events);
      await held;
    });
    await feed.publish(numbered(0));
    await eventually('it hears the first', () => heard.length > 0);
    for (const n of upTo(100)) await feed.publish(numbered(n));
    const head = await feed.lastId();
    const witness: FeedEvent[] = [];
    feed.subscribe({ after: heard.at(-1)?.id, isPatient: true }, (events) => void witness.push(...events));
    await eventually('the window has moved on', () => witness.length >= 100);
    release();
    await eventually('it is told of the gap', () => heard.some(({ type }) => type === GAP));
    const gap = heard.find(({ type }) => type === GAP);
    t.same([gap?.data['reason'], gap?.id], ['slow', head]);
    await feed.publish(numbered(1_000));
    await eventually('and hears what comes', () => numbersOf(heard).includes(1_000));
  });

  void t.test(`${kind}: what is older than a day goes; who asks for it is told`, async (t) => {
    const open = await openStore(t);
    const storage = await open(t);
    let now = Date.now();
    const feed = await startFeed(t, storage, { clock: () => now });
    for (const n of upTo(3)) await feed.publish(numbered(n));
    const [first] = await feed.read(undefined, 1);
    await feed.trim();
    t.equal((await feed.read(undefined, 10)).length, 3, 'nothing of today');
    now += 2 * DAY_MS;
    await feed.trim();
    t.same(numbersOf(await feed.read(undefined, 10)), [2], 'the youngest stays, so that the end is known');
    const restarted = await startFeed(t, storage, { clock: () => now });
    const heard: FeedEvent[] = [];
    restarted.subscribe({ after: first?.id }, (events) => void heard.push(...events));
    await eventually('it is told', () => heard.length > 0);
    t.same([heard[0]?.type, heard[0]?.data['reason']], [GAP, 'expired']);
    const kept: FeedEvent[] = [];
    restarted.subscribe({ after: FEED_START }, (events) => void kept.push(...events));
    await eventually('from the beginning means: what is kept', () => numbersOf(kept).includes(2));
    await restarted.publish(numbered(3));
    await eventually('and hears what comes', () => numbersOf(heard).includes(3));
  });
}

void t.test('an edit is not held up by a store that fails, and is told of when it is back', async (t) => {
  const slow = await RedisTestServer.start();
  t.teardown(() => slow.stop());
  const feed = await startFeed(t, await openFor(t, { url: slow.url }), { changeSpacingMs: 5 });
  const heard: FeedEvent[] = [];
  feed.subscribe({}, (events) => void heard.push(...events));
  await slow.kill();
  for (let i = 0; i < 10_000; i++) feed.formChanged('form/f', `user-${i % 3}`);
  feed.formChanged('form/f/comments', 'nobody');
  feed.formChanged('some/text', 'nobody');
  await slow.launch();
  await eventually('it is told of', () => heard.length > 0);
  feed.formChanged('form/f', 'last');
  await eventually('the last one too', () => JSON.stringify(heard).includes('"last"'));
  const users = new Set(heard.flatMap(({ data }) => data['users'] as string[]));
  t.same([...users].sort(), ['last', 'user-0', 'user-1', 'user-2']);
  t.ok(heard.every(({ formId, type }) => formId === 'f' && type === 'form.changed'));
  t.ok(heard.length <= 4, `10,000 edits, ${heard.length} events`);
});

void t.test('a form that is deleted is not told to have changed afterwards', async (t) => {
  const open = await STORES['embedded']?.(t);
  if (open === undefined) throw new Error('no store');
  const feed = await startFeed(t, await open(t), { changeSpacingMs: 5 });
  const heard: string[] = [];
  feed.subscribe({}, (events) => void heard.push(...events.map(({ type, formId }) => `${type} ${formId}`)));
  feed.formChanged('form/a', 'ada');
  feed.formChanged('form/b', 'ada');
  await feed.publish({ type: 'form.deleted', formId: 'a', data: {} });
  await eventually('the other one is told of', () => heard.includes('form.changed b'));
  t.same(heard, ['form.deleted a', 'form.changed b']);
});
