import fc from 'fast-check';
import t from 'tap';
import { byPosition, isPosition, positionBetween, positionsFor } from './position.js';

const random = (): fc.Arbitrary<() => number> =>
  fc
    .infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
    .map((stream) => () => stream.next().value ?? 0);

/** As a builder would: items inserted anywhere, one after the other. */
const inserted = fc.tuple(fc.array(fc.nat(40), { maxLength: 40 }), random()).map(([places, random]) => {
  const positions: string[] = [];
  for (const place of places) {
    const at = place % (positions.length + 1);
    positions.splice(at, 0, positionBetween(positions[at - 1] ?? null, positions[at] ?? null, random));
  }
  return positions;
});

void t.test('between any two neighbours, and at both ends, there is always another position', async () => {
  fc.assert(
    fc.property(inserted, random(), (positions, random) => {
      for (let i = 0; i <= positions.length; i++) {
        const [before, after] = [positions[i - 1] ?? null, positions[i] ?? null];
        const between = positionBetween(before, after, random);
        if (!isPosition(between)) throw new Error('not a position');
        if ((before !== null && between <= before) || (after !== null && between >= after)) {
          throw new Error(`${between} is not between ${String(before)} and ${String(after)}`);
        }
      }
    }),
  );
});

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const anyPosition = fc.oneof(
  fc.constantFrom('a0', 'a1', 'a1V', 'Zz', '', 'not one', 'a', 'b00', 'Z{', 'a0é'),
  fc.string(),
);

void t.test('items get any wanted order, whatever positions they had, by moving the fewest', async () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(ids),
      fc.dictionary(fc.constantFrom(...ids), anyPosition),
      random(),
      (wanted, positions, random) => {
        const current = new Map(Object.entries(positions));
        const changes = positionsFor(wanted, current, random);
        const result = wanted.map((id) => ({ id, position: changes.get(id) ?? current.get(id) ?? '' }));
        if (!result.every(({ position }) => isPosition(position))) throw new Error('not a position');
        if (new Set(result.map(({ position }) => position)).size !== result.length) throw new Error('a position twice');
        if ([...result].sort(byPosition).some(({ id }, i) => id !== wanted[i])) throw new Error('another order');
        if (positionsFor(wanted, new Map(result.map(({ id, position }) => [id, position])), random).size > 0) {
          throw new Error('what stands in order was moved');
        }
      },
    ),
    { numRuns: 300 },
  );
});

void t.test('one item that moves is the only one with a new position', async (t) => {
  const positions = positionsFor(ids, new Map(), () => 0.5);
  for (const id of ids) {
    for (let to = 0; to < ids.length; to++) {
      const wanted = ids.filter((other) => other !== id);
      wanted.splice(to, 0, id);
      const moved = [...positionsFor(wanted, positions, () => 0.5).keys()];
      const isNeighbour = Math.abs(to - ids.indexOf(id)) === 1;
      t.ok(moved.length === (to === ids.indexOf(id) ? 0 : 1), `${id} to ${to}`);
      if (!isNeighbour && moved.length > 0) t.same(moved, [id]);
    }
  }
});

void t.test('thousands of insertions at one place do not run out of positions', async (t) => {
  for (const side of ['before', 'after'] as const) {
    const current = new Map([
      ['first', 'a0'],
      ['last', 'a1'],
    ]);
    let order = ['first', 'last'];
    for (let i = 0; i < 4_000; i++) {
      const newest =
        side === 'before'
          ? [...order.slice(0, 1), `n${i}`, ...order.slice(1)]
          : [...order.slice(0, -1), `n${i}`, ...order.slice(-1)];
      // Only the neighbours matter; the list is kept short so that the test is.
      const kept = side === 'before' ? newest.slice(0, 4) : newest.slice(-4);
      order = side === 'before' ? [...kept.slice(0, 3), 'last'] : ['first', ...kept.slice(-3)];
      for (const [id, position] of positionsFor(order, current, () => 0.99)) current.set(id, position);
      const sorted = order.map((id) => ({ id, position: current.get(id) ?? '' })).sort(byPosition);
      if (sorted.some(({ id, position }, at) => id !== order[at] || !isPosition(position)))
        t.fail(`after ${i} insertions`);
    }
  }
  t.equal(isPosition('a0'.padEnd(513, '1')), false, 'a position has at most 512 characters');
});
