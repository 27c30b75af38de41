import fc from 'fast-check';
import t from 'tap';
import { addressKey, ClientAddresses } from './client-address.js';
import { RateLimits } from './rate-limits.js';
import { TokenBucket } from './token-bucket.js';

const clockAt = (ms: number): { ms: number; now: () => number } => {
  const clock = { ms, now: () => clock.ms };
  return clock;
};

void t.test('a bucket gives what it holds at once, then as it is refilled, and never more', async (t) => {
  const clock = clockAt(1_000);
  const bucket = new TokenBucket({ capacity: 3, refillPerSecond: 2, now: clock.now });
  t.strictSame(
    [1, 2, 3, 4].map(() => bucket.take()),
    [true, true, true, false],
  );
  t.ok(Math.abs(bucket.waitMs() - 500) < 0.001);
  clock.ms += 499;
  t.notOk(bucket.take());
  clock.ms += 1;
  t.ok(bucket.take());
  clock.ms += 60_000;
  t.notOk(bucket.take(4), 'it holds three');
  t.equal(bucket.waitMs(4), Infinity);
  t.ok(bucket.take(3));
  bucket.resize(1, 0);
  t.equal(bucket.waitMs(), Infinity, 'nothing flows');
  bucket.resize(1, 10);
  t.ok(Math.abs(bucket.waitMs() - 100) < 1e-6);
});

void t.test('over any time a bucket gives no more than its capacity and what flowed in', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 }), (pauses) => {
      const clock = clockAt(0);
      const bucket = new TokenBucket({ capacity: 5, refillPerSecond: 20, now: clock.now });
      let taken = 0;
      for (const pause of pauses) {
        clock.ms += pause;
        while (bucket.take()) taken += 1;
      }
      t.ok(taken <= 5 + (clock.ms * 20) / 1_000 + 1e-6);
    }),
  );
});

void t.test('a budget is spent, says when to come back, and holds for exactly so long', async (t) => {
  const clock = clockAt(0);
  const limits = new RateLimits({ rules: { user: { burst: 5, perSecond: 2 } }, now: clock.now });
  for (let left = 4; left >= 0; left--) {
    t.match(limits.consume({ user: 'ada' }), { isAllowed: true, limit: 5, remaining: left, retryAfterMs: 0 });
  }
  const refused = limits.consume({ user: 'ada' });
  t.match(refused, { isAllowed: false, limitedBy: 'user', limit: 5, remaining: 0, retryAfterMs: 500, resetSeconds: 3 });
  clock.ms += refused.retryAfterMs - 1;
  t.notOk(limits.consume({ user: 'ada' }).isAllowed);
  clock.ms += 1;
  t.ok(limits.consume({ user: 'ada' }).isAllowed);
  t.ok(limits.consume({ user: 'grace' }).isAllowed, 'each has a budget of its own');
  t.match(limits.consume({ user: 'grace' }, 6), { isAllowed: false, retryAfterMs: Infinity }, 'more than ever fits');
  t.match(limits.consume({ document: 'form/x' }), { isAllowed: true, limit: Infinity }, 'a kind without a rule');
});

void t.test('of several budgets all are spent or none, and the tightest is told', async (t) => {
  const clock = clockAt(0);
  const rules = { user: { burst: 2, perSecond: 1 }, document: { burst: 3, perSecond: 1 } };
  const limits = new RateLimits({ rules, now: clock.now });
  t.match(limits.consume({ user: 'ada', document: 'x' }), { isAllowed: true, limit: 2, remaining: 1 });
  limits.consume({ user: 'ada', document: 'x' });
  t.match(limits.consume({ user: 'ada', document: 'x' }), { isAllowed: false, limitedBy: 'user' });
  t.match(
    limits.consume({ user: 'grace', document: 'x' }),
    { isAllowed: true, remaining: 0 },
    'the refusal cost the document nothing',
  );
  t.match(limits.consume({ user: 'grace', document: 'x' }), { isAllowed: false, limitedBy: 'document' });
});

void t.test('keys are bounded, and a flood of new ones does not set an abuser free', async (t) => {
  const clock = clockAt(0);
  const limits = new RateLimits({ rules: { address: { burst: 3, perSecond: 1 } }, now: clock.now, maxKeys: 100 });
  for (let i = 0; i < 3; i++) limits.consume({ address: 'abuser' });
  for (let i = 0; i < 1_000; i++) {
    limits.consume({ address: `other ${i}` });
    t.notOk(limits.consume({ address: 'abuser' }).isAllowed);
  }
  t.equal(limits.size, 100);
});

void t.test(
  'an office of 200 behind one address works; one among them who floods is stopped alone, one outside as well',
  async (t) => {
    const clock = clockAt(0);
    const limits = new RateLimits({
      rules: { user: { burst: 50, perSecond: 10 }, address: { burst: 4_000, perSecond: 2_500 } },
      now: clock.now,
    });
    const addresses = new ClientAddresses(['10.0.0.0/8']);
    const addressOf = (client: string): string =>
      addressKey(addresses.of({ headers: { 'x-forwarded-for': client }, socket: { remoteAddress: '10.0.0.1' } }));
    const refused = { colleagues: 0, flooder: 0, outsider: 0 };
    const consume = (who: keyof typeof refused, subjects: { user?: string; address: string }): void => {
      if (!limits.consume(subjects).isAllowed) refused[who] += 1;
    };
    for (let second = 0; second < 10; second++) {
      for (let user = 0; user < 200; user++) {
        for (let i = 0; i < 5; i++) consume('colleagues', { address: addressOf('203.0.113.7'), user: `user ${user}` });
      }
      for (let i = 0; i < 1_000; i++) consume('flooder', { address: addressOf('203.0.113.7'), user: 'flooder' });
      for (let i = 0; i < 10_000; i++) consume('outsider', { address: addressOf('198.51.100.9') });
      clock.ms += 1_000;
    }
    t.equal(refused.colleagues, 0);
    t.equal(refused.flooder, 10_000 - 50 - 9 * 10, 'what its own budget gave, no more');
    t.equal(refused.outsider, 100_000 - 4_000 - 9 * 2_500);
  },
);
