import fc from 'fast-check';
import t from 'tap';
import { DocumentWork } from '../breakers/document-work.js';
import { TrafficLimits, type Traffic, type TrafficRule, type TrafficSubjects } from './traffic-limits.js';

const UNLIMITED: TrafficRule = { messagesPerSecond: Infinity, bytesPerSecond: Infinity, connections: Infinity };
const NOBODY: TrafficSubjects = { user: undefined, document: undefined, tenant: undefined, address: undefined };

function limitsWith(rules: Partial<Record<keyof TrafficSubjects, Partial<TrafficRule>>>): {
  clock: { ms: number };
  limits: TrafficLimits;
  open: (subjects: Partial<TrafficSubjects>) => { traffic: Traffic; release: () => void };
} {
  const clock = { ms: 1_000 };
  const whole = Object.fromEntries(Object.entries(rules).map(([kind, rule]) => [kind, { ...UNLIMITED, ...rule }]));
  const limits = new TrafficLimits({ rules: whole, now: () => clock.ms, random: () => 0 });
  return {
    clock,
    limits,
    open: (subjects) => {
      const line = limits.open({ ...NOBODY, ...subjects });
      if (!line.admitted) throw new Error(`refused by ${line.limitedBy} for ${line.retryAfterSeconds} s`);
      return line;
    },
  };
}

/** Sends `perSecond` messages for so long as a client that stops when it is not read. Answers how many got through. */
function send(traffic: Traffic, clock: { ms: number }, perSecond: number, seconds: number, bytes = 10): number {
  let sent = 0;
  const end = clock.ms + seconds * 1_000;
  while (clock.ms < end) {
    sent += 1;
    clock.ms += Math.max(1_000 / perSecond, traffic.spend(bytes, clock.ms));
  }
  return sent;
}

void t.test('within its budget nobody waits; above it, a user gets the burst and then its rate', async (t) => {
  const { clock, open } = limitsWith({ user: { messagesPerSecond: 100 } });
  t.equal(send(open({ user: 'ada' }).traffic, clock, 99, 60), 99 * 60);
  const sent = send(open({ user: 'eve' }).traffic, clock, 10_000, 60);
  // Ten seconds' worth at once, then sixty seconds of the rate.
  t.ok(Math.abs(sent - 7_000) < 20, `${sent}`);
});

void t.test('bytes count as messages do', async (t) => {
  const { clock, open } = limitsWith({ user: { bytesPerSecond: 1_000 } });
  const sent = send(open({ user: 'eve' }).traffic, clock, 1_000, 10, 100);
  t.ok(Math.abs(sent - 200) < 5, `${sent} messages of 100 bytes in 10 s`);
});

void t.test(
  'over any time a user gets no more through than burst and rate, however many connections it has',
  async () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            line: fc.nat(3),
            pause: fc.integer({ min: 0, max: 40 }),
            bytes: fc.integer({ min: 1, max: 500 }),
          }),
          {
            minLength: 200,
            maxLength: 600,
          },
        ),
        (steps) => {
          const { clock, open } = limitsWith({ user: { messagesPerSecond: 5, bytesPerSecond: 1_000 } });
          const lines = [0, 1, 2, 3].map(() => ({ ...open({ user: 'eve' }), until: 0 }));
          let [messages, bytes] = [0, 0];
          for (const step of steps) {
            clock.ms += step.pause;
            const line = lines[step.line]!;
            if (clock.ms < line.until) continue;
            messages += 1;
            bytes += step.bytes;
            line.until = clock.ms + line.traffic.spend(step.bytes, clock.ms);
          }
          const seconds = (clock.ms - 1_000) / 1_000;
          // Each of the four may be at one message when the budget ends.
          return messages <= 5 * (10 + seconds) + 4 && bytes <= 1_000 * (10 + seconds) + 4 * 500;
        },
      ),
    );
  },
);

void t.test('who stays over for long is told so, who only bursts is not', async (t) => {
  const { clock, open } = limitsWith({ user: { messagesPerSecond: 100 } });
  const bursting = open({ user: 'ada' }).traffic;
  for (let minute = 0; minute < 5; minute += 1) {
    send(bursting, clock, 10_000, 5);
    t.equal(bursting.isOverForLong(clock.ms), false);
    clock.ms += 30_000;
  }
  const flooding = open({ user: 'eve' }).traffic;
  send(flooding, clock, 10_000, 9);
  t.equal(flooding.isOverForLong(clock.ms), false);
  send(flooding, clock, 10_000, 5);
  t.equal(flooding.isOverForLong(clock.ms), true);
  t.equal(flooding.limitedBy, 'user');
});

void t.test('who was closed for it stays away for a while, and coming back makes no budget whole', async (t) => {
  const { clock, limits, open } = limitsWith({ user: { messagesPerSecond: 100 } });
  const first = open({ user: 'eve' });
  send(first.traffic, clock, 10_000, 20);
  first.traffic.holdOff(clock.ms);
  first.release();
  t.match(limits.open({ ...NOBODY, user: 'eve' }), { admitted: false, limitedBy: 'user', retryAfterSeconds: 30 });
  t.equal(limits.refused.user, 1);
  open({ user: 'ada' }).release();
  clock.ms += 30_000;
  const again = open({ user: 'eve' });
  send(again.traffic, clock, 10_000, 20);
  again.release();
  const third = open({ user: 'eve' });
  t.ok(third.traffic.spend(1, clock.ms) > 0, 'it begins where it left off');
});

void t.test('an office behind one address: two hundred type on while one of them floods', async (t) => {
  const { clock, open } = limitsWith({ user: { messagesPerSecond: 5_000 }, address: { messagesPerSecond: 4_000 } });
  const office = Array.from({ length: 200 }, (_, i) => open({ user: `u${i}`, address: '192.0.2.7' }).traffic);
  const abuser = open({ user: 'eve', address: '192.0.2.7' }).traffic;
  let abused = 0;
  let until = 0;
  let waited = 0;
  for (const end = clock.ms + 60_000; clock.ms < end; clock.ms += 50) {
    for (const one of office) waited += one.spend(50, clock.ms);
    for (let i = 0; i < 1_000 && clock.ms >= until; i += 1) {
      until = clock.ms + abuser.spend(50, clock.ms);
      abused += 1;
    }
  }
  t.equal(waited, 0, 'twenty messages a second of each of them, and nobody waited');
  t.ok(abused < 60_000, `the abuser got ${abused} through, at 20,000 a second`);
  t.equal(abuser.isOverForLong(clock.ms), true);
});

void t.test('documents and tenants have budgets of their own, and so have connections', async (t) => {
  const { clock, limits, open } = limitsWith({
    document: { messagesPerSecond: 200, connections: 3 },
    tenant: { messagesPerSecond: 400 },
    address: { connections: 4 },
  });
  const writers = [1, 2, 3].map((i) => open({ user: `u${i}`, document: 'd', tenant: 'acme', address: `192.0.2.${i}` }));
  t.match(limits.open({ ...NOBODY, document: 'd', address: '192.0.2.9' }), { admitted: false, limitedBy: 'document' });
  writers[2]!.release();
  writers[2]!.release();
  open({ document: 'd', address: '2001:db8::1' });
  for (let i = 2; i < 5; i += 1) open({ document: `d${i}`, address: `2001:db8::${i}` });
  t.match(
    limits.open({ ...NOBODY, document: 'e', address: '2001:db8:0:0:1::' }),
    { admitted: false, limitedBy: 'address' },
    'one /64 is one address',
  );
  t.ok(send(writers[0]!.traffic, clock, 10_000, 60) < 200 * 71);
  t.equal(writers[0]!.traffic.limitedBy, 'document');
  const elsewhere = open({ user: 'u9', document: 'other', tenant: 'acme' });
  t.ok(send(elsewhere.traffic, clock, 10_000, 60) < 200 * 71);
});

void t.test('nothing is remembered of those who left with a whole budget', async (t) => {
  const { clock, limits, open } = limitsWith({ user: {}, document: {}, address: {} });
  for (let i = 0; i < 1_000; i += 1) {
    const line = open({ user: `u${i}`, document: `d${i}`, address: `192.0.2.${i % 200}` });
    line.traffic.spend(10, clock.ms);
    line.release();
  }
  t.strictSame(limits.known(), { user: 0, document: 0, tenant: 0, address: 0 });
});

void t.test('a document is over its budget of work when it takes more than its share for long', async (t) => {
  const clock = { ms: 0 };
  const work = new DocumentWork(0.5, () => clock.ms);
  const isOver = (document: string, ms: number, times: number, everyMs: number): boolean => {
    let over = false;
    for (let i = 0; i < times; i += 1) {
      over = work.spend(document, ms) || over;
      clock.ms += everyMs;
    }
    return over;
  };
  t.equal(isOver('busy', 45, 1_000, 100), false, '45 % of a core for 100 s');
  t.equal(isOver('burst', 1_000, 9, 1_000), false, '9 s of work at once');
  t.equal(isOver('poison', 900, 60, 1_000), true, '90 % of a core');
  t.equal(work.spend('busy', 1), false, 'others have their own');
  const preempted = new DocumentWork(
    0.5,
    () => clock.ms,
    () => 0.1,
  );
  let isOverworked = false;
  for (let i = 0; i < 60; i += 1, clock.ms += 1_000) isOverworked = preempted.spend('slow', 1_000) || isOverworked;
  t.equal(isOverworked, false, 'time in which others had the processor is no work');
  work.forget('poison');
  t.equal(work.spend('poison', 900), false);
});

void t.test('who is refused by one budget leaves nothing behind in the others', async (t) => {
  const { limits, open } = limitsWith({ user: {}, document: {}, address: { connections: 1 } });
  open({ address: '10.0.0.1' });
  for (let i = 0; i < 10; i += 1) {
    const line = limits.open({ ...NOBODY, user: `user ${i}`, document: `form/${i}`, address: '10.0.0.1' });
    t.notOk(line.admitted);
  }
  t.match(limits.known(), { user: 0, document: 0, address: 1 });
});
