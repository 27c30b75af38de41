import fc from 'fast-check';
import t from 'tap';
import { ClockCoverage } from './clock-coverage.js';

const ranges = fc.array(
  fc.tuple(fc.nat(40), fc.nat(12)).map(([from, length]) => ({ from, to: from + length })),
  { maxLength: 30 },
);

t.test('it knows what a set of clocks knows, in whatever order ranges come', async (t) => {
  fc.assert(
    fc.property(ranges, (all) => {
      const coverage = new ClockCoverage();
      const seen = new Set<number>();
      let duplicates = 0;
      for (const { from, to } of all) {
        coverage.cover(from, to);
        for (let clock = from; clock < to; clock++) {
          if (seen.has(clock)) duplicates += 1;
          seen.add(clock);
        }
      }
      let next = 0;
      while (seen.has(next)) next += 1;
      t.equal(coverage.next, next);
      t.equal(coverage.duplicates, duplicates);
      t.equal(
        coverage.gaps > 0,
        Array.from(seen).some((clock) => clock > next),
      );
    }),
  );
});
