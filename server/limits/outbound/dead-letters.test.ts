import { pino } from 'pino';
import t, { type Test } from 'tap';
import type { Storage } from '../../storage/index.js';
import { until } from '../../../test/harness/until.js';
import { newDataFolder, openFolder } from '../../storage/testing/embedded-folder.js';
import { DeadLetters, type DeadLetter, type NewDeadLetter } from './dead-letters.js';

const logger = pino({ level: 'silent' });

async function started(t: Test, storage: Storage, capacity?: number): Promise<DeadLetters> {
  const letters = new DeadLetters({
    records: storage.records,
    logger,
    clock: () => 1_000,
    ...(capacity !== undefined && { capacity }),
  });
  await letters.start();
  t.teardown(() => letters.close());
  return letters;
}

const letter = (body: unknown, more: Partial<NewDeadLetter> = {}): NewDeadLetter => ({
  ...{ queue: 'notification', kind: 'mention', destination: 'ada', body, reason: 'failed', attempts: 1 },
  ...more,
});

const bodiesOf = async (letters: DeadLetters): Promise<unknown[]> =>
  (await letters.list()).data.map(({ body }) => body);

void t.test('letters are kept over a restart, in order, and found by what they are', async (t) => {
  const folder = await newDataFolder(t);
  const before = await openFolder(t, folder);
  const first = await started(t, before);
  for (let i = 0; i < 5; i++) first.add(letter(i, i % 2 === 0 ? { queue: 'system', document: 'form/x' } : {}));
  await first.close();
  await before.close();

  const letters = await started(t, await openFolder(t, folder));
  t.equal(letters.size, 5);
  t.strictSame(await bodiesOf(letters), [0, 1, 2, 3, 4]);
  const page = await letters.list({ queue: 'system' }, null, 2);
  t.strictSame(
    page.data.map(({ body }) => body),
    [0, 2],
  );
  t.strictSame(
    (await letters.list({ queue: 'system' }, page.nextCursor, 2)).data.map(({ body }) => body),
    [4],
  );
  const [found] = page.data;
  t.match(await letters.get(found?.id ?? ''), {
    body: 0,
    at: 1_000,
    reason: 'failed',
    attempts: 1,
    document: 'form/x',
  });
  t.equal(await letters.get('none'), undefined);
});

void t.test('the oldest make room for the newest', async (t) => {
  const letters = await started(t, await openFolder(t, await newDataFolder(t)), 3);
  for (let i = 0; i < 10; i++) {
    letters.add(letter(i));
    await letters.settled();
  }
  t.strictSame(await bodiesOf(letters), [7, 8, 9]);
  t.equal(letters.lost, 0);
});

void t.test('what is replayed and delivered is gone; what fails again stays and counts', async (t) => {
  const letters = await started(t, await openFolder(t, await newDataFolder(t)));
  for (let i = 0; i < 4; i++) letters.add(letter(i));
  await letters.settled();
  const delivered: unknown[] = [];
  const deliver = async ({ body }: DeadLetter): Promise<void> => {
    if (body === 2) throw new Error('still down');
    delivered.push(body);
  };
  t.strictSame(await letters.replayAll({}, deliver), { replayed: 3, failed: 1 });
  t.strictSame(delivered, [0, 1, 3]);
  const [left] = (await letters.list()).data;
  t.match(left, { body: 2, attempts: 2, error: 'still down' });
  await t.rejects(letters.replay(left?.id ?? '', deliver), /still down/);
  t.equal(letters.size, 1);
  t.match(await letters.replay(left?.id ?? '', () => Promise.resolve()), { body: 2 });
  t.equal(letters.size, 0);
  t.equal(await letters.replay(left?.id ?? '', deliver), undefined);
});

void t.test('a letter is delivered once, however many ask at once', async (t) => {
  const letters = await started(t, await openFolder(t, await newDataFolder(t)));
  for (let i = 0; i < 4; i++) letters.add(letter(i));
  await letters.settled();
  const [first = ''] = (await letters.list()).data.map(({ id }) => id);
  const delivered: unknown[] = [];
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const deliver = async ({ body }: DeadLetter): Promise<void> => {
    delivered.push(body);
    if (body === 0) await held;
    // A delivery that is given up comes back as another letter.
    letters.add(letter(`${String(body)} again`));
    await letters.settled();
  };
  const all = letters.replayAll({}, deliver);
  await until(() => delivered.length === 1);
  const single = letters.replay(first, deliver);
  t.strictSame(await letters.replayAll({}, deliver), { replayed: 3, failed: 0 }, 'all but what is under way');
  release();
  t.match(await single, { body: 0 }, 'it is told what came of the delivery that was under way');
  t.strictSame(await all, { replayed: 1, failed: 0 });
  t.strictSame(delivered, [0, 1, 2, 3], 'and what came back waits for another replay');
  t.equal(letters.size, 4);
});

void t.test('what is erased while a delivery of it fails does not come back', async (t) => {
  const letters = await started(t, await openFolder(t, await newDataFolder(t)));
  letters.add(letter(1, { document: 'form/x' }));
  letters.add(letter(2, { document: 'form/x' }));
  const delivered: unknown[] = [];
  const report = await letters.replayAll({}, async ({ body }) => {
    delivered.push(body);
    await letters.purge({ document: 'form/x' });
    throw new Error('still down');
  });
  t.strictSame([report, delivered], [{ replayed: 0, failed: 1 }, [1]], 'the second was gone before its turn');
  t.strictSame([await bodiesOf(letters), letters.size], [[], 0]);
});

void t.test('letters are purged by what they are, also those of an erased document', async (t) => {
  const letters = await started(t, await openFolder(t, await newDataFolder(t)));
  letters.add(letter(1, { document: 'form/x' }));
  letters.add(letter(2, { document: 'form/y' }));
  letters.add(letter(3, { destination: 'grace' }));
  t.equal(await letters.purge({ document: 'form/x' }), 1);
  t.strictSame(await bodiesOf(letters), [2, 3]);
  t.equal(await letters.purge({ destination: 'grace' }), 1);
  t.equal(await letters.purge(), 1);
  t.equal(letters.size, 0);
});

void t.test('when the store fails a letter is lost and counted, and nobody is thrown at', async (t) => {
  const storage = await openFolder(t, await newDataFolder(t));
  const letters = await started(t, storage);
  await storage.close();
  letters.add(letter(1));
  await letters.settled();
  t.strictSame([letters.lost, letters.size], [1, 0]);
});

void t.test('what another node adds and takes away is counted too', async (t) => {
  const storage = await openFolder(t, await newDataFolder(t));
  const [one, other] = [await started(t, storage), await started(t, storage)];
  for (let i = 0; i < 3; i++) one.add(letter(i));
  await one.settled();
  await other.recount();
  t.equal(other.size, 3);
  other.add(letter(3));
  await other.purge({ destination: 'ada' });
  other.add(letter(4));
  t.equal(one.size, 3, 'not known yet');
  await Promise.all([one.recount(), other.recount()]);
  t.same([one.size, other.size], [1, 1]);
});
