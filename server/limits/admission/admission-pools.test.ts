import fc from 'fast-check';
import t from 'tap';
import {
  AdmissionPools,
  PoolError,
  type Admission,
  type AdmissionRequest,
  type PoolSettings,
} from './admission-pools.js';

const visitor: AdmissionRequest = { document: 'form/x', role: 'editor', headers: {} };
const owner: AdmissionRequest = { ...visitor, role: 'owner' };

const poolsOf = (size: number, areRolesProven = true): AdmissionPools =>
  new AdmissionPools({ connectionPoolSize: size, areRolesProven, random: () => 0.5 });

function admitted(admission: Admission): Extract<Admission, { admitted: true }> {
  if (!admission.admitted) throw new Error(admission.reason);
  return admission;
}

const poolNameOf = (pools: AdmissionPools, request: AdmissionRequest): string => {
  const admission = admitted(pools.admit(request));
  admission.release();
  return admission.pool;
};

void t.test(
  'a pool of N admits N, refuses the next with a time to come back, and admits again when one leaves',
  async (t) => {
    const pools = poolsOf(1_000);
    const places = Array.from({ length: 1_000 }, () => admitted(pools.admit(visitor)));
    t.match(places[999], { pool: 'default', idleTimeoutMs: 30_000 });
    for (let i = 0; i < 3; i++) {
      t.strictSame(pools.admit(visitor), {
        admitted: false,
        retryAfterSeconds: 6,
        reason: 'the pool "default" is full',
      });
    }
    t.match(pools.get('default'), { size: 1_000, connections: 1_000, refused: 3 });
    places[0]?.release();
    places[0]?.release();
    t.match(pools.get('default'), { connections: 999 }, 'a place is given back once');
    t.ok(pools.admit(visitor).admitted);
    t.notOk(pools.admit(visitor).admitted);
  },
);

void t.test('those who are refused are told different times, of 1 to 10 seconds', async (t) => {
  const pools = new AdmissionPools({ connectionPoolSize: 0, areRolesProven: true });
  const times = new Set<number>();
  for (let i = 0; i < 1_000; i++) {
    const admission = pools.admit(visitor);
    if (!admission.admitted) times.add(admission.retryAfterSeconds);
  }
  t.strictSame(
    [...times].sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
});

void t.test('who must act in a storm has a reserve, and the common pool after it', async (t) => {
  const pools = poolsOf(1);
  t.ok(pools.admit(visitor).admitted);
  t.notOk(pools.admit(visitor).admitted);
  for (let i = 0; i < 500; i++)
    t.match(pools.admit(i % 2 === 0 ? owner : { ...visitor, role: 'admin' }), {
      pool: 'priority',
      idleTimeoutMs: 15_000,
    });
  t.match(pools.admit(owner), { admitted: false, reason: 'the pool "default" is full' });
  t.match(pools.resize('default', 2), true);
  t.match(pools.admit(owner), { admitted: true, pool: 'default' });
  t.equal(poolNameOf(poolsOf(1, false), owner), 'default', 'not where everybody may call himself owner');
});

void t.test('a custom pool takes whom its whole rule matches, before the built-in ones', async (t) => {
  const pools = poolsOf(10);
  const settings = (rule: NonNullable<PoolSettings['rule']>): PoolSettings => ({ size: 5, idleTimeoutMs: 1_000, rule });
  pools.put('tenant', settings({ documentPrefix: 'form/t-', roles: ['owner', 'editor'] }));
  pools.put('kiosk', settings({ header: { name: 'X-Kiosk' } }));
  pools.put('lobby', settings({ header: { name: 'x-place', value: 'lobby' } }));
  t.equal(poolNameOf(pools, { ...owner, document: 'form/t-1' }), 'tenant');
  t.equal(poolNameOf(pools, { ...visitor, role: 'viewer', document: 'form/t-1' }), 'default');
  t.equal(poolNameOf(pools, owner), 'priority');
  t.equal(poolNameOf(pools, { ...visitor, headers: { 'x-kiosk': '' } }), 'kiosk');
  t.equal(poolNameOf(pools, { ...visitor, headers: { 'x-place': ['hall', 'lobby'] } }), 'lobby');
  t.equal(poolNameOf(pools, { ...visitor, headers: { 'x-place': 'hall' } }), 'default');
  const place = admitted(pools.admit({ ...visitor, headers: { 'x-kiosk': '1' } }));
  t.equal(pools.delete('kiosk'), true);
  t.equal(pools.delete('kiosk'), false);
  place.release();
  t.equal(poolNameOf(pools, { ...visitor, headers: { 'x-kiosk': '1' } }), 'default');
});

void t.test('a pool that is made smaller disconnects nobody and admits nobody until there is room', async (t) => {
  const pools = poolsOf(4);
  const places = Array.from({ length: 4 }, () => admitted(pools.admit(visitor)));
  pools.put('default', { size: 2, idleTimeoutMs: 5_000 });
  t.match(pools.get('default'), { size: 2, connections: 4 });
  for (const place of places.slice(0, 2)) place.release();
  t.notOk(pools.admit(visitor).admitted);
  places[2]?.release();
  t.match(pools.admit(visitor), { admitted: true, idleTimeoutMs: 5_000 });
});

void t.test('pools that cannot be are refused', async (t) => {
  const pools = poolsOf(1);
  const rule = { documentPrefix: 'a' };
  const wrong: (() => unknown)[] = [
    () => pools.put('default', { size: 1, idleTimeoutMs: 1, rule }),
    () => pools.put('custom', { size: 1, idleTimeoutMs: 1 }),
    () => pools.put('custom', { size: 1, idleTimeoutMs: 1, rule: {} }),
    () => pools.put('a name', { size: 1, idleTimeoutMs: 1, rule }),
    () => pools.delete('priority'),
  ];
  for (const attempt of wrong) t.throws(attempt, PoolError);
  for (let i = 0; i < 30; i++) pools.put(`p${i}`, { size: 1, idleTimeoutMs: 1, rule });
  t.throws(() => pools.put('one-more', { size: 1, idleTimeoutMs: 1, rule }), PoolError);
  t.equal(pools.list().length, 32);
});

void t.test('whatever comes and goes, the count is of those who are there and never above the size', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5 }), fc.array(fc.boolean(), { maxLength: 60 }), (size, steps) => {
      const pools = poolsOf(size);
      const held: Extract<Admission, { admitted: true }>[] = [];
      for (const comes of steps) {
        const admission = comes ? pools.admit(visitor) : undefined;
        if (admission?.admitted === true) held.push(admission);
        else if (admission === undefined) held.shift()?.release();
        else t.equal(held.length, size);
        t.equal(pools.get('default')?.connections, held.length);
      }
    }),
  );
});
