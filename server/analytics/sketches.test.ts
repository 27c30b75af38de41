import t from 'tap';
import { countOf, noneDistinct, withOne, type Distinct } from './distinct.js';
import { medianOf, noSpread, withDuration } from './spread.js';

void t.test('different ones are counted exactly up to 1,000, then within a few percent', (t) => {
  let distinct: Distinct = noneDistinct();
  for (let i = 0; i < 1_000; i += 1) {
    distinct = withOne(distinct, `user ${i}`, 'salt');
    if (i % 3 === 0) distinct = withOne(distinct, `user ${i}`, 'salt');
  }
  t.equal(countOf(distinct), 1_000);
  for (let i = 1_000; i < 20_000; i += 1) distinct = withOne(distinct, `user ${i}`, 'salt');
  t.ok('registers' in distinct);
  const count = countOf(distinct);
  // Three standard errors of 1.6 %; the hashes are the same at every run.
  t.ok(Math.abs(count - 20_000) < 20_000 * 0.049, String(count));
  for (let i = 0; i < 500; i += 1) distinct = withOne(distinct, `user ${i}`, 'salt');
  t.equal(countOf(distinct), count, 'whoever was counted is not counted again');
  t.end();
});

void t.test('just beyond the exact ones the sketch is near', (t) => {
  let distinct: Distinct = noneDistinct();
  for (let i = 0; i < 1_500; i += 1) distinct = withOne(distinct, `visitor ${i}`, 'other');
  t.ok(Math.abs(countOf(distinct) - 1_500) < 75, String(countOf(distinct)));
  t.end();
});

void t.test('a median is exact up to 500 durations, then within one percent', (t) => {
  let spread = noSpread();
  t.equal(medianOf(spread), null);
  for (const seconds of [9, 1, 5]) spread = withDuration(spread, seconds);
  t.equal(medianOf(spread), 5);
  spread = withDuration(spread, 100);
  t.equal(medianOf(spread), 5, 'the lower of two');
  spread = noSpread();
  for (let i = 1; i <= 999; i += 1) spread = withDuration(spread, i);
  t.ok('bins' in spread);
  t.ok(Math.abs((medianOf(spread) ?? 0) - 500) <= 5, String(medianOf(spread)));
  t.end();
});
