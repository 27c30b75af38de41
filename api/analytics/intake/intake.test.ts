import { pino } from 'pino';
import t, { type Test } from 'tap';
import { normalize } from '../../../crdt/index.js';
import { formSchema } from '../../../crdt/form/form-schema.js';
import { seedSheet, writeAnswers } from '../../../crdt/submission/index.js';
import { FactLog, RollupStore, RollupWorker, type Bucket } from '../../../server/analytics/index.js';
import type { Principal } from '../../../server/auth/index.js';
import { EventFeed, type NewEvent } from '../../../server/events/index.js';
import { createMetrics } from '../../../server/observability/index.js';
import { RoomRegistry } from '../../../server/rooms/room-registry.js';
import { newDataFolder, openFolder } from '../../../server/storage/testing/embedded-folder.js';
import { FormVersions } from '../../forms/versions.js';
import { Sheets, SubmissionStore } from '../../submissions/index.js';
import { Intake } from './intake.js';
import { SheetStates } from './sheet-states.js';

const RITA: Principal = { id: 'rita', isAnonymous: false, grants: [{ document: '*', role: 'admin' }] };
const logger = pino({ level: 'silent' });

/** One sheet of one form, in progress, and everything that counts it: a node without its doors. */
async function openedSheet(t: Test) {
  const storage = await openFolder(t, await newDataFolder(t));
  const rooms = new RoomRegistry({
    ...{ node: 'one', log: storage.documents, bus: storage.bus, logger, counters: createMetrics() },
    ...{ maxDocumentBytes: 1e6, hydratedBytes: 1e7, isTickAdaptive: false },
  });
  await rooms.start();
  const feed = new EventFeed({ node: 'one', log: storage.events, bus: storage.bus, leases: storage.leases, logger });
  await feed.start();
  t.teardown(async () => {
    await rooms.close();
    await feed.close();
  });
  // As late as the sheets have it: they are asked when they were changed last.
  const time = { now: Date.now() };
  const clock = (): number => time.now;
  const versions = new FormVersions(storage.records, clock);
  const form = formSchema.parse({
    id: 'f',
    pages: [
      { id: 'p1', fields: [{ id: 'name', type: 'text' }] },
      { id: 'p2', fields: [{ id: 'age', type: 'number' }] },
    ],
  });
  await versions.publish(normalize(form), 'ada');
  const store = new SubmissionStore(storage.records);
  await store.create({
    ...{ id: 's', formId: 'f', version: 1, status: 'in_progress', startedAt: time.now, changedAt: time.now },
    ...{ submittedAt: null, startedBy: { id: 'rita' }, device: null, resume: 'x', final: null, timeline: [] },
    ...{ dueAt: null, left: null, migrations: [] },
  });
  const document = 'form/f/submission/s';
  await rooms.edit(document, RITA, (doc) => seedSheet(doc, { formId: 'f', version: 1 }, {}), { source: 'rest' });
  const states = new SheetStates(storage.records);
  const facts = new FactLog({ log: storage.events, records: storage.records, bus: storage.bus, logger });
  const rollups = new RollupStore(storage.records);
  const worker = new RollupWorker({ facts, rollups, logger, onCounted: () => undefined });
  const sheets = new Sheets(rooms, versions);
  const intake = new Intake({ facts, states, logger, feed, log: storage.events, store, sheets, worker });
  return {
    ...{ storage, states, facts, rollups, worker, intake, time },
    answer: (answers: Record<string, string | number>) =>
      rooms.edit(document, RITA, (doc) => writeAnswers(doc, answers), { source: 'rest' }),
    happens: (type: string, data: NewEvent['data'] = {}) =>
      feed.publish({ type, formId: 'f', userId: 'rita', data: { submissionId: 's', ...data }, time: time.now }),
    events: () => feed.read(undefined, 1_000),
    counted: async (): Promise<Bucket> => {
      await worker.count('f');
      return rollups.total('f');
    },
  };
}

void t.test('events that are handed in again, from anywhere, count once', async (t) => {
  const { answer, happens, events, intake, counted, worker } = await openedSheet(t);
  await happens('submission.started');
  await intake.take(await events());
  await answer({ name: 'Rita' });
  await happens('submission.progress');
  await intake.take((await events()).slice(1));
  const before = await counted();
  t.match(before, { starts: 1, answers: 1, corrections: 0 });
  // As after a crash: its place in the feed was not committed, and the sheet has changed since.
  await answer({ name: 'Roberta', age: 4 });
  for (const from of [0, 1]) await intake.take((await events()).slice(from));
  t.match(await counted(), { starts: 1, answers: 1, corrections: 0 });
  await happens('submission.progress');
  await intake.take(await events());
  t.match(await counted(), { starts: 1, answers: 2, corrections: 1 });
  const all = await counted();
  await worker.rebuild('f');
  t.same(await counted(), all);
});

void t.test('a sheet that was abandoned counts once, where it was left, and may come back', async (t) => {
  const { answer, happens, events, intake, counted, rollups } = await openedSheet(t);
  const taken = async (): Promise<Bucket> => {
    await intake.take(await events());
    return counted();
  };
  await happens('submission.started');
  await answer({ name: 'Rita' });
  await happens('submission.progress');
  await happens('submission.abandoned');
  t.match(await taken(), { abandoned: 1, answers: 1, resumed: 0 });
  t.same([(await rollups.place('f', 'page', 'p1')).left, (await rollups.place('f', 'field', 'name')).left], [1, 1]);
  // As after a crash before its place in the feed was committed.
  t.match(await taken(), { abandoned: 1 });

  await answer({ age: 30 });
  await happens('submission.resumed');
  await happens('submission.progress');
  t.match(await taken(), { abandoned: 1, resumed: 1, answers: 2 });
  await happens('submission.progress');
  t.match(await taken(), { abandoned: 1, resumed: 1 });
  await happens('submission.abandoned');
  t.match(await taken(), { abandoned: 2, resumed: 1 }, 'it can be abandoned again');
  t.equal((await rollups.place('f', 'field', 'age')).left, 1);
  // By the token, and nothing was answered yet.
  await happens('submission.resumed');
  t.match(await taken(), { abandoned: 2, resumed: 2, answers: 2 });
});

void t.test('with a submission goes what names it, with a form everything', async (t) => {
  const { answer, happens, events, intake, counted, facts, storage } = await openedSheet(t);
  await happens('submission.started');
  await answer({ name: 'Rita' });
  await happens('submission.progress');
  await intake.take(await events());
  await counted();
  const named = async (): Promise<string[]> => {
    const keys: string[] = [];
    for (const kind of ['analytics-sheet', 'analytics-total', 'analytics-span', 'analytics-place']) {
      for await (const { key } of storage.records.scan([kind])) keys.push(key.join(' '));
    }
    return keys;
  };
  t.ok((await named()).some((key) => key.startsWith('analytics-sheet f s')));
  await happens('submission.erased');
  await intake.take(await events());
  t.notOk((await named()).some((key) => key.endsWith(' s')));
  t.notMatch(JSON.stringify(await facts.after('f', undefined, 100)), '"s"');
  t.match(await counted(), { starts: 1, answers: 1 }, 'what it was counted for stays');
  await happens('form.deleted');
  await intake.take(await events());
  t.same([await named(), await facts.after('f', undefined, 100)], [[], []]);
});
