import { pino } from 'pino';
import t, { type Test } from 'tap';
import { until } from '../../../test/harness/until.js';
import { DocumentErasedError, StorageUnavailableError } from '../../storage/errors.js';
import type { RecordStore } from '../../storage/record-store.js';
import { newDataFolder, openFolder } from '../../storage/testing/embedded-folder.js';
import { Breakers, type Breaker } from './breaker.js';
import { GuardedRecords } from './guarded-records.js';

const logger = pino({ level: 'silent' });

/** A real store whose medium can be taken away. */
async function bench(
  t: Test,
): Promise<{ records: RecordStore; breaker: Breaker; calls: () => number; fail: (error?: Error) => void }> {
  const { records } = await openFolder(t, await newDataFolder(t));
  const breaker = new Breakers(logger).get('store', { threshold: 3, pauseMs: 30, maxPauseMs: 30 });
  let error: Error | undefined;
  let calls = 0;
  const failing = new Proxy(records, {
    get: (target, name: keyof RecordStore) => {
      calls += 1;
      if (error === undefined) return target[name].bind(target);
      const thrown = error;
      return () => Promise.reject(thrown);
    },
  });
  return { records: new GuardedRecords(failing, breaker), breaker, calls: () => calls, fail: (next) => (error = next) };
}

void t.test(
  'a store that does not answer is not asked for a while; then one call finds out that it is back',
  async (t) => {
    const { records, breaker, calls, fail } = await bench(t);
    await records.put(['a', '1'], Buffer.from('x'));
    fail(new StorageUnavailableError('Redis does not answer'));
    for (let i = 0; i < 3; i++) await t.rejects(records.get(['a', '1']), { code: 'storage_unavailable' });
    t.equal(breaker.describe().state, 'open');
    const before = calls();
    await t.rejects(records.get(['a', '1']), { code: 'storage_unavailable' });
    t.equal(calls(), before, 'not asked');
    fail(undefined);
    await until(() => breaker.openUntil() === undefined);
    t.equal(Buffer.from((await records.get(['a', '1']))!.value).toString(), 'x');
    t.equal(breaker.describe().state, 'closed');
  },
);

void t.test('any other error is an answer', async (t) => {
  const { records, breaker, fail } = await bench(t);
  fail(new DocumentErasedError('form/x'));
  for (let i = 0; i < 10; i++) await t.rejects(records.get(['a', '1']), DocumentErasedError);
  t.match(breaker.describe(), { state: 'closed', failures: 0 });
});
