import fc from 'fast-check';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import type { Storage } from '../storage/storage.js';
import { newDataFolder, openFolder } from '../storage/testing/embedded-folder.js';
import { eventually } from '../storage/testing/store-under-test.js';
import { EditCounter } from './edit-counter.js';
import { EditMarks } from './edit-marks.js';
import { EditRecount } from './edit-recount.js';
import { FactLog } from './fact-log.js';
import type { Fact } from './fact.js';
import { RollupStore } from './rollup-store.js';
import { RollupWorker } from './rollup-worker.js';

const logger = pino({ level: 'silent' });
const NOON = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 43_200_000;

interface Parts {
  readonly storage: Storage;
  readonly facts: FactLog;
  readonly rollups: RollupStore;
  readonly worker: RollupWorker;
}

async function opened(t: Test): Promise<Parts> {
  const storage = await openFolder(t, await newDataFolder(t));
  const facts = new FactLog({ log: storage.events, records: storage.records, bus: storage.bus, logger });
  const rollups = new RollupStore(storage.records);
  const worker = new RollupWorker({ facts, rollups, logger, onCounted: () => undefined });
  return { storage, facts, rollups, worker };
}

/** Every roll-up of a form, as it is stored. */
async function allOf(storage: Storage, formId: string): Promise<string[]> {
  const all: string[] = [];
  for (const kind of ['analytics-total', 'analytics-span', 'analytics-place', 'analytics-user-on']) {
    for await (const { key, value } of storage.records.scan([kind, formId])) {
      all.push(`${key.join('/')} ${Buffer.from(value).toString()}`);
    }
  }
  return all;
}

const user = fc.constantFrom('ada', 'ben', 'cleo');
const at = fc.integer({ min: 0, max: 3_000 }).map((seconds) => NOON + seconds * 60_000);
const field = fc.constantFrom('f1', 'f2');
const look = fc.record({
  page: fc.constantFrom('p1', 'p2'),
  answered: fc.uniqueArray(field),
  answeredPages: fc.uniqueArray(fc.constant('p1')),
  corrected: fc.uniqueArray(field),
  wrong: fc.uniqueArray(field),
});
/** `feed` is set when it is appended. */
const anyFact = fc.oneof<fc.Arbitrary<Fact>[]>(
  fc.record({ type: fc.constant('view' as const), at, who: user, user, page: fc.constant('p1') }),
  fc.record({ type: fc.constant('leave' as const), at, who: user, field, seconds: fc.nat(99), isFinal: fc.boolean() }),
  fc.record({ type: fc.constant('edits' as const), at, user, edits: fc.nat(50), bytes: fc.nat(9_999) }),
  fc.record({ type: fc.constant('present' as const), at, editors: fc.nat(9), respondents: fc.nat(9) }),
  fc.record({ type: fc.constant('start' as const), at, feed: fc.constant(''), sheet: user, user, look }),
  fc.record({ type: fc.constant('answers' as const), at, feed: fc.constant(''), sheet: user, user, look }),
  fc.record({
    type: fc.constant('submit' as const),
    at,
    feed: fc.constant(''),
    sheet: user,
    user,
    seconds: fc.nat(500),
  }),
  fc.record({ type: fc.constant('comment' as const), at, feed: fc.constant(''), user }),
  fc.record({
    type: fc.constant('abandon' as const),
    at,
    feed: fc.constant(''),
    sheet: user,
    page: fc.constant('p2'),
    field,
  }),
);

void t.test('however facts are handed in, cut up and handed in again, the roll-ups are the same', async (t) => {
  const { storage, facts, rollups, worker } = await opened(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyFact, { minLength: 1, maxLength: 25 }), fc.array(fc.nat(24)), async (made, cuts) => {
      const form = `form${(run += 1)}`;
      const numbered = made.map((fact, i): Fact =>
        'feed' in fact ? { ...fact, feed: String(i).padStart(4, '0') } : fact,
      );
      await facts.append(form, numbered);
      t.equal(await worker.count(form), made.length);
      const once = await allOf(storage, form);
      t.equal(await worker.count(form), 0);
      // As after a crash before the place was committed, anywhere.
      const page = await facts.after(form, undefined, 1_000);
      for (const cut of cuts) await rollups.fold(form, page.slice(cut, cut + 7));
      t.same(await allOf(storage, form), once, 'counted again it changes nothing');
      t.equal(await worker.rebuild(form), made.length);
      t.same(await allOf(storage, form), once, 'rebuilt from the log it is the same');

      // In pages of one, as facts come.
      await facts.setUncounted(form);
      await rollups.erase(form);
      for (const one of page) await rollups.fold(form, [one]);
      t.same(await allOf(storage, form), once, 'one by one it is the same');
    }),
    { numRuns: 5 },
  );
});

void t.test('a fact that is in the log twice, after a crash, counts once', async (t) => {
  const { facts, rollups, worker } = await opened(t);
  const start = (feed: string): Fact => ({ type: 'start', at: NOON, feed, sheet: `s${feed}`, user: 'ada' });
  await facts.append('twice', [start('1'), start('2'), start('3')]);
  await worker.count('twice');
  await facts.append('twice', [start('2'), start('3'), start('4')]);
  await worker.count('twice');
  t.equal((await rollups.total('twice')).starts, 4);
  await worker.rebuild('twice');
  t.equal((await rollups.total('twice')).starts, 4);
  t.equal((await rollups.formsOf('ada', 10))[0]?.activity.starts, 4);
});

void t.test('a late fact counts in its own minute, hour and day', async (t) => {
  const { facts, rollups, worker } = await opened(t);
  const view = (at: number): Fact => ({ type: 'view', at, who: 'x', user: 'x' });
  await facts.append('late', [view(NOON + 3_600_000), view(NOON + 3_600_000)]);
  await worker.count('late');
  await facts.append('late', [view(NOON + 59_999)]);
  await worker.count('late');
  const minutes = await rollups.spans('late', 'minute', NOON, NOON + 7_200_000);
  t.same(
    minutes.map(({ start, bucket }) => [start - NOON, bucket.views]),
    [
      [0, 1],
      [3_600_000, 2],
    ],
  );
  t.same(
    (await rollups.spans('late', 'hour', NOON, NOON + 7_200_000)).map(({ bucket }) => bucket.views),
    [1, 2],
  );
  t.same((await rollups.spans('late', 'minute', NOON + 60_000, NOON + 3_600_000)).length, 0, 'the end is exclusive');
});

void t.test('the worker counts by itself, and goes on after another one where that stopped', async (t) => {
  const { facts, rollups, worker } = await opened(t);
  const view: Fact = { type: 'view', at: NOON, who: 'x', user: 'x' };
  await facts.append('before', [view]);
  for (const expected of [1, 2]) {
    const term = new AbortController();
    const running = worker.run(term.signal);
    await eventually('all is counted', async () => (await rollups.total('before')).views === expected);
    term.abort();
    await running;
    await facts.append('before', [view]);
  }
});

void t.test('edits are one fact a second and author; what a form leaves behind is nothing', async (t) => {
  const { storage, facts, rollups, worker } = await opened(t);
  const marks = new EditMarks(storage.records, 'one');
  const edits = new EditCounter({ facts, marks, isShared: false, logger });
  const by = (principal: string): { principal: string; at: number; source: 'sync' } => ({
    ...{ principal, at: NOON, source: 'sync' },
  });
  const update = new Uint8Array(10);
  for (let i = 0; i < 500; i += 1)
    edits.changed('form/e', [{ update, attribution: by(i % 5 === 0 ? 'ada' : 'ben') }], String(i));
  edits.changed('form/e/submission/s', [{ update, attribution: by('rita') }], '1');
  edits.changed('notes', [{ update, attribution: by('rita') }], '1');
  t.equal(edits.lastMinute().get('e'), 500);
  await edits.flush();
  const page = await facts.after('e', undefined, 10);
  t.same(
    page.map(({ fact }) => (fact.type === 'edits' ? [fact.user, fact.edits, fact.bytes] : [])),
    [
      ['ada', 100, 1_000],
      ['ben', 400, 4_000],
    ],
  );
  await worker.count('e');
  t.equal((await rollups.total('e')).edits, 500);

  await worker.erase('e');
  edits.changed('form/e', [{ update, attribution: by('late') }], '1');
  await edits.flush();
  t.same(
    [await facts.after('e', undefined, 10), await allOf(storage, 'e'), await rollups.formsOf('ada', 10)],
    [[], [], []],
  );
});

void t.test(
  'what a killed process had gathered is counted from the log of documents, once, whenever it was killed',
  async (t) => {
    const { storage, facts } = await opened(t);
    const { documents, records } = storage;
    const marks = new EditMarks(records, 'one');
    const update = new Uint8Array(10);
    const edit = async (edits: EditCounter, form: string, principal: string): Promise<void> => {
      const updates = [{ update, attribution: { principal, at: Date.now(), source: 'sync' as const } }];
      edits.changed(`form/${form}`, updates, await documents.append(`form/${form}`, updates));
    };
    const byUser = async (form: string): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const { fact } of await facts.after(form, undefined, 100)) {
        if (fact.type === 'edits') counts[fact.user] = (counts[fact.user] ?? 0) + fact.edits;
      }
      return counts;
    };
    const recount = (): Promise<void> =>
      new EditRecount({ documents, facts, marks: new EditMarks(records, 'next'), logger }).run(
        new AbortController().signal,
      );

    // Appended by the node of the store, whose counter is dropped as if it had been killed.
    const edits = new EditCounter({ facts, marks, isShared: false, logger });
    await edits.start();
    await edit(edits, 'a', 'ada');
    await edit(edits, 'b', 'ada');
    await edits.flush();
    for (const user of ['ada', 'ben', 'ben']) await edit(edits, 'a', user);
    await edit(edits, 'new', 'cleo');
    t.same([await byUser('a'), await byUser('new')], [{ ada: 1 }, {}], 'gathered, not written down');
    await recount();
    t.same([await byUser('a'), await byUser('b'), await byUser('new')], [{ ada: 2, ben: 2 }, { ada: 1 }, { cleo: 1 }]);
    await recount();
    t.same(await byUser('a'), { ada: 2, ben: 2 });
    // Killed while it was recounted: the mark is still there.
    await marks.put(Date.now() - 5_000);
    await recount();
    t.same([await byUser('a'), await byUser('b')], [{ ada: 2, ben: 2 }, { ada: 1 }]);
    t.same(await new EditMarks(records, 'next').others(), [], 'and is gone then');
  },
);
