import { pino } from 'pino';
import t, { type Test } from 'tap';
import * as Y from 'yjs';
import { openRedisStorage } from '../storage/redis/index.js';
import { RedisTestServer } from '../storage/redis/testing/redis-test-server.js';
import type { Storage } from '../storage/index.js';
import { newDataFolder, onlyStoreOf } from '../storage/testing/embedded-folder.js';
import { eventually } from '../storage/testing/store-under-test.js';
import { AutomaticSnapshots } from './automatic-snapshots.js';
import { DueMarks } from './due-marks.js';
import { openSnapshots, snapshotPolicySchema, type Snapshots } from './index.js';

const MINUTE_MS = 60_000;
const logger = pino({ level: 'silent' });
const events = { publish: () => Promise.resolve() };

/** What a room would answer, straight from the log. */
const roomsOf = ({ documents }: Storage) => ({
  exists: async (document: string) => (await documents.info(document)) !== undefined,
  encodeState: async (document: string) => {
    const { snapshot, updates } = await documents.load(document);
    return Y.mergeUpdates([...(snapshot === undefined ? [] : [snapshot]), ...updates.map(({ update }) => update)]);
  },
});

async function nodeOf(t: Test, storage: Storage, node: string): Promise<Snapshots> {
  const snapshots = await openSnapshots({ node, storage, rooms: roomsOf(storage), events, logger });
  t.teardown(() => snapshots.close());
  return snapshots;
}

/** Appends `count` updates, which `node` is told of. */
async function edit(storage: Storage, node: Snapshots | undefined, document: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const doc = new Y.Doc();
    doc.getMap('map').set(`${doc.clientID}`, i);
    const attribution = { principal: 'ada', at: Date.now(), source: 'sync' } as const;
    await storage.documents.append(document, [{ update: Y.encodeStateAsUpdate(doc), attribution }]);
    node?.automatic.changed(document, 1);
  }
}

async function suite(t: Test, open: (t: Test, node: string) => Promise<Storage>): Promise<void> {
  const [here, there] = [await open(t, 'one'), await open(t, 'two')];
  const [one, two] = [await nodeOf(t, here, 'one'), await nodeOf(t, there, 'two')];
  const kinds = async (document: string): Promise<string[]> =>
    (await one.store.all(document)).map(({ kind, label }) => `${kind} ${label}`);

  await t.test('of two nodes that edit one document, one takes the snapshot', async (t) => {
    await one.policies.set(snapshotPolicySchema.parse({ every: { updates: 6 } }));
    await eventually('the other node knows the policy', () => two.policies.current.every.updates === 6);
    await Promise.all([edit(here, one, 'doc', 3), edit(there, two, 'doc', 3)]);
    await eventually('it is taken', async () => (await kinds('doc')).length > 0);
    t.strictSame(await kinds('doc'), ['automatic automatic']);
    const [{ id, updates } = { id: '', updates: 0 }] = await one.store.all('doc');
    t.equal(updates, 6);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, (await two.store.load('doc', id))!.state);
    t.equal(doc.getMap('map').size, 6, 'it holds what came through both');
    await edit(there, two, 'doc', 6);
    await eventually('the next one', async () => (await kinds('doc')).length === 2);
    await edit(here, one, 'form/f/submission/s', 12);
    await edit(here, one, 'other', 6);
    await eventually('another document', async () => (await kinds('other')).length === 1);
    t.strictSame(await kinds('form/f/submission/s'), [], 'answer sheets have none');
  });

  await t.test('a document that a node left behind is found by another, when its time has come', async (t) => {
    await one.policies.set(snapshotPolicySchema.parse({ every: { minutes: 10 } }));
    await edit(here, one, 'left', 1);
    const marks = new DueMarks(there.records);
    await eventually('it is marked', async () => (await marks.get('left')) !== undefined);
    await one.automatic.close();
    const later = (minutes: number): AutomaticSnapshots =>
      new AutomaticSnapshots({
        ...{ node: 'later', log: there.documents, leases: there.leases, marks, logger, scanMs: 50 },
        ...{ store: two.store, taker: two.taker, policies: one.policies },
        clock: () => Date.now() + minutes * MINUTE_MS,
      });
    const tooSoon = later(5);
    tooSoon.start();
    await eventually('it has looked', async () => (await there.leases.acquire('snapshots', 'x', 1)) === undefined);
    await tooSoon.close();
    t.strictSame(await kinds('left'), []);
    const inTime = later(12);
    inTime.start();
    await eventually('it is taken', async () => (await kinds('left')).length === 1);
    await inTime.close();
    t.equal(await marks.get('left'), undefined, 'and nothing is due');
  });

  await t.test('the same content is not kept twice, and what is erased comes back through nothing', async (t) => {
    const take = { label: 'automatic', kind: 'automatic', principal: 'system' } as const;
    await edit(here, undefined, 'same', 1);
    t.ok(await two.taker.take('same', take));
    t.equal(await two.taker.take('same', take), undefined);
    await edit(here, undefined, 'same', 1);
    const erased = await two.taker.take('same', {
      ...take,
      // Between the reading of its state and the storing of it.
      mayStore: async () => {
        await here.documents.erase('same');
        await one.store.eraseAll('same');
        return true;
      },
    });
    t.equal(erased, undefined);
    t.strictSame(await one.store.all('same'), []);
  });

  await t.test('retention lets automatic ones go, and none that a person took', async (t) => {
    const take = async (kind: 'automatic' | 'manual', label: string): Promise<void> => {
      await edit(here, undefined, 'many', 1);
      await two.taker.take('many', { kind, label, principal: 'ada' });
    };
    await two.policies.set(snapshotPolicySchema.parse({ retention: { recent: 2, hourly: 1 } }));
    await take('manual', 'mine');
    for (const label of ['a', 'b', 'c', 'd']) await take('automatic', label);
    t.strictSame(await kinds('many'), ['automatic d', 'automatic c', 'manual mine']);
    t.equal(await two.store.load('many', 'a'), undefined);
    await two.policies.set(snapshotPolicySchema.parse({ retention: {} }));
    await two.taker.thinAll();
    t.strictSame(await kinds('many'), ['automatic d', 'manual mine'], 'a new one reaches all documents');
    t.strictSame(await kinds('doc'), ['automatic automatic']);
  });
}

void t.test('embedded', async (t) => {
  await suite(t, onlyStoreOf(await newDataFolder(t)));
});

void t.test('redis', async (t) => {
  const server = await RedisTestServer.start();
  t.teardown(() => server.stop());
  await suite(t, async (t, node) => {
    const storage = await openRedisStorage({ url: server.url, node, logger });
    t.teardown(() => storage.close());
    return storage;
  });
});
