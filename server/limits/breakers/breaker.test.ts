import { pino } from 'pino';
import t from 'tap';
import { eventually } from '../../storage/testing/store-under-test.js';
import { BreakerOpenError, Breakers } from './breaker.js';

const logger = pino({ level: 'silent' });
const fail = (): Promise<never> => Promise.reject(new Error('it is down'));
const work = (): Promise<string> => Promise.resolve('done');

void t.test('after some failures in a row what it guards is left alone', async (t) => {
  const breaker = new Breakers(logger).get('webhook:1', { threshold: 3, pauseMs: 60_000 });
  for (let i = 0; i < 2; i++) await t.rejects(breaker.execute(fail), /it is down/);
  t.equal(await breaker.execute(work), 'done');
  t.match(breaker.describe(), { state: 'closed', failures: 0 }, 'a success in between: they were not in a row');
  for (let i = 0; i < 3; i++) await t.rejects(breaker.execute(fail), /it is down/);
  let calls = 0;
  for (let i = 0; i < 5; i++) {
    await t.rejects(
      breaker.execute(() => void (calls += 1)),
      { name: 'BreakerOpenError', code: 'breaker_open', breaker: 'webhook:1', nextTryAtMs: Number },
    );
  }
  t.equal(calls, 0);
  const { state, failures, lastError, openedAt, nextTryAt } = breaker.describe();
  t.strictSame([state, failures, lastError], ['open', 3, 'it is down']);
  t.equal(Date.parse(nextTryAt ?? '') - Date.parse(openedAt ?? ''), 60_000);
});

void t.test('after the pause one call is let through: it closes the breaker, or doubles the pause', async (t) => {
  const breaker = new Breakers(logger).get('redis', { threshold: 1, pauseMs: 20, maxPauseMs: 30 });
  await t.rejects(breaker.execute(fail), /it is down/);
  await eventually('it may be tried', () => breaker.describe().state === 'half-open');
  await t.rejects(breaker.execute(fail), /it is down/);
  const { openedAt, nextTryAt } = breaker.describe();
  t.equal(Date.parse(nextTryAt ?? '') - Date.parse(openedAt ?? ''), 30, 'no longer than the longest');
  await eventually('it may be tried', () => breaker.describe().state === 'half-open');
  t.equal(await breaker.execute(work), 'done');
  t.match(breaker.describe(), { state: 'closed', failures: 0, openedAt: undefined, nextTryAt: undefined });
});

void t.test('an operator closes a breaker by hand', async (t) => {
  const breakers = new Breakers(logger);
  const breaker = breakers.get('store', { threshold: 1, pauseMs: 60_000 });
  await t.rejects(breaker.execute(fail), /it is down/);
  await t.rejects(breaker.execute(work), BreakerOpenError);
  t.ok(breakers.reset('store'));
  t.equal(await breaker.execute(work), 'done');
  t.notOk(breakers.reset('unknown'));
});

void t.test('each name has one breaker; those without failures are forgotten first', async (t) => {
  const breakers = new Breakers(logger, 3);
  await t.rejects(breakers.get('document:bad').execute(fail), /it is down/);
  t.equal(breakers.get('document:bad').failures, 1);
  for (let i = 0; i < 10; i++) breakers.get(`document:${i}`);
  const names = breakers.list().map(({ name }) => name);
  t.equal(names.length, 3);
  t.equal(names[0], 'document:bad', 'failures first');
  t.ok(breakers.delete('document:bad'));
  t.notOk(breakers.delete('document:bad'));
});

void t.test('what clients name pushes out no breaker of the server itself', async (t) => {
  const breakers = new Breakers(logger, 3);
  const store = breakers.get('store');
  for (let i = 0; i < 5; i++) await breakers.get(`document:${i}`, { threshold: 1 }).fail(new Error('poison'));
  t.equal(breakers.find('store'), store);
  t.same(
    breakers
      .list()
      .map(({ name }) => name)
      .sort(),
    ['document:3', 'document:4', 'store'],
  );
});
