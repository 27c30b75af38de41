import { setTimeout as nextTimers } from 'node:timers/promises';
import t from 'tap';
import { HandshakeGate, type Turn } from './handshake-gate.js';

/** A gate whose clock stands still until it is turned. */
function gateOf(options: { perSecond: number; burst: number; maxWaitMs: number }): {
  clock: { ms: number };
  gate: HandshakeGate;
} {
  const clock = { ms: 0 };
  return { clock, gate: new HandshakeGate({ ...options, now: () => clock.ms, random: () => 1 }) };
}

/** Asks for so many turns; `outcomes` fills up as they are settled. */
function ask(gate: HandshakeGate, address: string, count: number, outcomes: string[]): Promise<Turn>[] {
  return Array.from({ length: count }, async () => {
    const turn = await gate.awaitTurn(address);
    outcomes.push(`${address} ${turn.mayGoOn ? 'went' : 'was refused'}`);
    return turn;
  });
}

const countOf = (outcomes: readonly string[], outcome: string): number =>
  outcomes.filter((each) => each === outcome).length;

/** Turns the clock, a millisecond with each round of timers, until the turns are settled. */
async function settled(clock: { ms: number }, turns: readonly Promise<Turn>[]): Promise<Turn[]> {
  let isSettled = false;
  const all = Promise.all(turns).finally(() => (isSettled = true));
  while (!isSettled) {
    clock.ms += 1;
    await nextTimers(1);
  }
  return all;
}

void t.test(
  'a burst goes at once, others wait for their turn, and beyond that they are told when to come back',
  async (t) => {
    const { gate, clock } = gateOf({ perSecond: 1_000, burst: 3, maxWaitMs: 5 });
    const outcomes: string[] = [];
    const turns = ask(gate, 'a', 9, outcomes);
    const go = { mayGoOn: true, retryAfterSeconds: 0 };
    t.strictSame(await Promise.all(turns.slice(0, 3)), [go, go, go]);
    const last = await turns[8];
    t.equal(last?.mayGoOn, false);
    t.ok((last?.retryAfterSeconds ?? 0) >= 1);
    t.equal(gate.waiting, 5);
    await settled(clock, turns);
    t.equal(countOf(outcomes, 'a went'), 8);
    t.ok(clock.ms >= 5, 'as fast as turns are given, not faster');
    t.equal(gate.waiting, 0);
  },
);

void t.test('the more are refused, the wider they are spread', async (t) => {
  const { gate } = gateOf({ perSecond: 1_000, burst: 1, maxWaitMs: 1 });
  const waiting = [gate.awaitTurn('a'), gate.awaitTurn('a')];
  const times: number[] = [];
  for (let i = 0; i < 50; i++) times.push((await gate.awaitTurn('a')).retryAfterSeconds);
  t.strictSame(
    times,
    times.toSorted((a, b) => a - b),
  );
  t.equal(times.at(-1), 30, 'but not for ever');
  gate.close();
  t.equal((await waiting[1])?.mayGoOn, false);
  t.equal((await gate.awaitTurn('a')).mayGoOn, false, 'a closed gate lets nobody in');
});

void t.test('a flood from one address takes no turn from the others', async (t) => {
  const { gate, clock } = gateOf({ perSecond: 1_000, burst: 1, maxWaitMs: 20 });
  const outcomes: string[] = [];
  // Of one customer, who has a whole /64 to choose from.
  const flood = Array.from({ length: 101 }, (_, i) => ask(gate, `2001:db8::${i.toString(16)}`, 1, outcomes)).flat();
  t.equal(gate.waiting, 20);
  const others = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
  const turns = others.flatMap((address) => ask(gate, address, 2, outcomes));
  t.equal(gate.waiting, 20, 'they found room');
  await settled(clock, turns);
  for (const address of others) t.equal(countOf(outcomes, `${address} went`), 2, address);
  t.ok(gate.waiting >= 8, 'and were not served last');
  await settled(clock, flood);
  t.equal(outcomes.filter((each) => each.startsWith('2001') && each.endsWith('went')).length, 1 + 12, 'what was left');
});

void t.test('who went away takes neither a turn nor a place', async (t) => {
  const { gate, clock } = gateOf({ perSecond: 1_000, burst: 1, maxWaitMs: 20 });
  let hasLeft = false;
  const outcomes: string[] = [];
  await gate.awaitTurn('a');
  const gone = Array.from({ length: 20 }, () => gate.awaitTurn('a', () => hasLeft));
  t.equal((await gate.awaitTurn('a')).mayGoOn, false, 'it is full');
  hasLeft = true;
  clock.ms += 1;
  const patient = ask(gate, 'a', 10, outcomes);
  t.equal(gate.waiting, 10, 'their places are free');
  t.ok((await Promise.all(gone)).every(({ mayGoOn }) => !mayGoOn));
  const startedAt = clock.ms;
  const late = [gate.awaitTurn('b', () => true), gate.awaitTurn('c', () => true)];
  await settled(clock, patient);
  t.equal(countOf(outcomes, 'a went'), 10);
  t.ok(clock.ms - startedAt >= 10, 'as fast as turns are given, not faster');
  t.ok((await Promise.all(late)).every(({ mayGoOn }) => !mayGoOn));
  t.equal(gate.waiting, 0);
});

void t.test('alone, an office behind one address has all turns', async (t) => {
  const { gate, clock } = gateOf({ perSecond: 1_000, burst: 50, maxWaitMs: 200 });
  const outcomes: string[] = [];
  await settled(clock, ask(gate, '203.0.113.7', 250, outcomes));
  t.equal(countOf(outcomes, '203.0.113.7 went'), 250);
});
