import { pino } from 'pino';
import t from 'tap';
import { until } from '../../../test/harness/until.js';
import { Breakers } from './breaker.js';
import { PoisonDocuments } from './poison-documents.js';

const logger = pino({ level: 'silent' });
const SETTINGS = { limit: 5, pauseMs: 30_000, maxPauseMs: 600_000 };

void t.test('five within a minute close the door of that document alone; a reset opens it', async (t) => {
  const breakers = new Breakers(logger);
  const poison = new PoisonDocuments(breakers, SETTINGS);
  for (let i = 0; i < 4; i++) await poison.onPoison('form/bad');
  t.equal(poison.refusal('form/bad'), undefined);
  t.equal(breakers.list().length, 0, 'nothing to show yet');
  await poison.onPoison('form/bad');
  t.match(poison.refusal('form/bad'), { admitted: false, retryAfterSeconds: 30 });
  t.equal(poison.refusal('form/good'), undefined);
  t.match(breakers.list(), [{ name: 'document:form/bad', state: 'open' }]);
  breakers.reset('document:form/bad');
  t.equal(poison.refusal('form/bad'), undefined);
});

void t.test('what comes slower than five a minute closes nothing', async (t) => {
  let now = 0;
  const poison = new PoisonDocuments(new Breakers(logger), SETTINGS, () => now);
  for (let i = 0; i < 50; i++) {
    await poison.onPoison('form/slow');
    now += 16_000;
    t.equal(poison.refusal('form/slow'), undefined);
  }
});

void t.test('on trial one more closes the door again, for twice as long', async (t) => {
  const breakers = new Breakers(logger);
  const poison = new PoisonDocuments(breakers, { limit: 2, pauseMs: 20, maxPauseMs: 100_000 });
  await poison.onPoison('form/bad');
  await poison.onPoison('form/bad');
  t.not(poison.refusal('form/bad'), undefined);
  await until(() => poison.refusal('form/bad') === undefined);
  await poison.onPoison('form/bad');
  const { openedAt, nextTryAt } = breakers.list()[0]!;
  t.equal(Date.parse(nextTryAt!) - Date.parse(openedAt!), 40);
});

void t.test('a document that behaves on trial is forgotten, and begins anew with a short pause', async (t) => {
  const breakers = new Breakers(logger);
  const poison = new PoisonDocuments(breakers, { limit: 1, pauseMs: 10, maxPauseMs: 40 });
  const pause = (): number => {
    const { openedAt, nextTryAt } = breakers.list()[0]!;
    return Date.parse(nextTryAt!) - Date.parse(openedAt!);
  };
  await poison.onOverworked('form/busy');
  t.equal(pause(), 10);
  await until(() => breakers.list().length === 0);
  await poison.onOverworked('form/busy');
  t.equal(pause(), 10);
});
