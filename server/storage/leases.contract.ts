import fc from 'fast-check';
import type { Test } from 'tap';
import type { Lease, Leases } from './leases.js';
import { hostileText } from './testing/hostile-text.js';
import { eventually, type OpenStore } from './testing/store-under-test.js';

/** What every `Leases` promises. */
export async function leasesContract(t: Test, open: OpenStore<'leases'>): Promise<void> {
  await t.test('a duty has one holder at a time, and fencing tokens grow with every grant', async (t) => {
    const [one, two] = [(await open(t, 'one')).leases, (await open(t, 'two')).leases];
    const lease = await granted(one, 'duty', 60_000);
    t.equal(await two.acquire('duty', 'two', 60_000), undefined);
    t.equal(await one.acquire('duty', 'one', 60_000), undefined, 'the holder itself has one lease');
    t.equal(await lease.renew(60_000), true);
    await lease.release();
    const short = await granted(two, 'duty', 50);
    t.ok(short.fencingToken > lease.fencingToken);
    t.equal(await lease.renew(60_000), false, 'given back');
    await lease.release();
    const next = await eventuallyGranted(one, 'duty');
    t.equal(await short.renew(60_000), false, 'lost');
    await short.release();
    t.equal(await two.acquire('duty', 'two', 60_000), undefined, 'who lost it cannot give it back');
    t.ok(next.fencingToken > short.fencingToken);
  });

  await t.test('of those who ask at once, one is granted', async (t) => {
    const stores = [(await open(t, 'one')).leases, (await open(t, 'two')).leases];
    const leases = await Promise.all([...stores, ...stores].map((each) => each.acquire('wanted', 'any', 60_000)));
    t.equal(leases.filter((lease) => lease !== undefined).length, 1);
  });

  await t.test('fencing tokens go on growing in a store opened anew', async (t) => {
    const first = await open(t);
    const before = await granted(first.leases, 'restart', 60_000);
    await before.release();
    await first.close();
    const { leases } = await open(t);
    t.ok((await granted(leases, 'restart', 60_000)).fencingToken > before.fencingToken);
  });

  await t.test('no name of a duty, however hostile, is held with another', async (t) => {
    const { leases } = await open(t);
    const names = [...new Set(fc.sample(hostileText, { numRuns: 40, seed: 37 }))];
    for (const name of names) t.equal((await granted(leases, `hostile ${name}`, 60_000)).duty, `hostile ${name}`);
    for (const name of names) t.equal(await leases.acquire(`hostile ${name}`, 'two', 60_000), undefined);
  });
}

async function granted(leases: Leases, duty: string, ttlMs: number): Promise<Lease> {
  const lease = await leases.acquire(duty, 'holder', ttlMs);
  if (lease === undefined) throw new Error(`${duty} is held by another`);
  return lease;
}

async function eventuallyGranted(leases: Leases, duty: string): Promise<Lease> {
  let lease: Lease | undefined;
  await eventually('the lease before has expired', async () => {
    lease = await leases.acquire(duty, 'holder', 60_000);
    return lease !== undefined;
  });
  if (lease === undefined) throw new Error('Unreachable');
  return lease;
}
