import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { Test } from 'tap';
import type { RecordKey, RecordStore, ScanOptions } from './record-store.js';
import { hostileText } from './testing/hostile-text.js';
import { byBytes, bytes, eventually, textOf, type OpenStore, type ReadMedium } from './testing/store-under-test.js';

/** What every `RecordStore` promises. */
export async function recordStoreContract(t: Test, open: OpenStore<'records'>, readMedium: ReadMedium): Promise<void> {
  await t.test('records are written and compared by version', async (t) => {
    const [one, two] = [(await open(t, 'one')).records, (await open(t, 'two')).records];
    const key: RecordKey = ['suite', 'a:{b}', ''];
    const written = await one.put(key, bytes('one'), { ifVersion: null });
    if (written === 'conflict') throw new Error('There was a record already');
    t.strictSame(await keyValueVersion(two, key), [key, 'one', written.version]);
    t.equal(await two.put(key, bytes('two'), { ifVersion: null }), 'conflict');
    t.equal(await two.put(key, bytes('two'), { ifVersion: 'other' }), 'conflict');
    t.equal(await two.delete(key, { ifVersion: 'other' }), 'conflict');
    const again = await two.put(key, bytes('two'), { ifVersion: written.version });
    if (again === 'conflict') throw new Error('The version was the stored one');
    t.not(again.version, written.version);
    t.equal(await one.put(key, bytes('three'), { ifVersion: written.version }), 'conflict');
    t.equal(await one.delete(key, { ifVersion: again.version }), true);
    t.equal(await one.delete(key), false);
    t.equal(await two.get(key), undefined);
    t.equal(await two.put(key, bytes('four'), { ifVersion: again.version }), 'conflict', 'there is none any more');
  });

  await t.test('of those who write at once against one version, one succeeds', async (t) => {
    const stores = [(await open(t, 'one')).records, (await open(t, 'two')).records];
    let version: string | null = null;
    for (let round = 0; round < 5; round++) {
      const outcomes: Awaited<ReturnType<RecordStore['put']>>[] = await Promise.all(
        [...stores, ...stores].map((records, i) =>
          records.put(['race'], bytes(`${round} ${i}`), { ifVersion: version }),
        ),
      );
      const written = outcomes.filter((outcome) => outcome !== 'conflict');
      t.equal(written.length, 1);
      version = written[0]?.version ?? null;
      t.equal((await stores[round % 2]?.get(['race']))?.version, version);
    }
  });

  await t.test('an empty prefix scans every record', async (t) => {
    const { records } = await open(t);
    const keys: RecordKey[] = [['all'], ['all', 'a'], ['all too', 'b', 'c']];
    for (const key of keys) await records.put(key, bytes('x'));
    const found: RecordKey[] = [];
    for await (const { key } of records.scan([])) if (key[0].startsWith('all')) found.push(key);
    t.strictSame(found, keys);
  });

  await t.test('a record that has expired is gone, and may be written anew', async (t) => {
    const { records } = await open(t);
    const key: RecordKey = ['expiry', 'short'];
    const expiresAt = Date.now() + 1_500;
    await records.put(key, bytes('x'), { expiresAt });
    t.equal((await records.get(key))?.expiresAt, expiresAt);
    await records.put(['expiry', 'long'], bytes('y'), { expiresAt: Date.now() + 60_000 });
    await eventually('it has expired', async () => (await records.get(key)) === undefined);
    t.strictSame(await valuesOf(records, ['expiry']), ['y']);
    t.equal(await records.delete(key), false);
    t.not(await records.put(key, bytes('z'), { ifVersion: null }), 'conflict');
    t.strictSame(await valuesOf(records, ['expiry']), ['y', 'z']);
    await records.put(['expiry', 'past'], bytes('never'), { expiresAt: Date.now() - 1 });
    t.equal(await records.get(['expiry', 'past']), undefined);
  });

  await t.test('a scan is ordered by segments, goes both ways and starts anywhere', async (t) => {
    const { records } = await open(t);
    const numbers = Array.from({ length: 300 }, (_, i) => String(i).padStart(3, '0'));
    await Promise.all(numbers.toReversed().map((number) => records.put(['scan', 'x', number], bytes(number))));
    await records.put(['scan', 'xy', ''], bytes('longer'));
    await records.put(['scan', 'x'], bytes('itself'));
    t.strictSame(await valuesOf(records, ['scan', 'x']), ['itself', ...numbers]);
    t.strictSame(await valuesOf(records, ['scan'], { after: ['scan', 'x', '297'] }), ['298', '299', 'longer']);
    t.strictSame(await valuesOf(records, ['scan', 'x'], { reverse: true, limit: 2 }), ['299', '298']);
    t.strictSame(await valuesOf(records, ['scan', 'x'], { reverse: true, after: ['scan', 'x', '001'] }), [
      '000',
      'itself',
    ]);
    t.strictSame(await valuesOf(records, ['scan', 'x'], { limit: 0 }), []);
    // From outside the prefix, on either side.
    t.strictSame(await valuesOf(records, ['scan', 'xy'], { after: ['scan', 'x', '298'] }), ['longer']);
    t.strictSame(await valuesOf(records, ['scan', 'x'], { after: ['scan', 'z'] }), []);
    t.strictSame(await valuesOf(records, ['scan', 'x'], { after: ['scan', 'z'], reverse: true, limit: 1 }), ['299']);
    t.equal(await records.erase(['scan', 'x']), 301);
    t.strictSame(await valuesOf(records, ['scan']), ['longer']);
    t.equal(await records.erase(['scan', 'x']), 0);
  });

  await t.test('what a put has answered, a store opened anew gives back', async (t) => {
    const first = await open(t);
    const written = await first.records.put(['kept', 'a'], bytes('value'), { expiresAt: Date.now() + 60_000 });
    await first.records.put(['kept', 'b'], bytes('gone'));
    await first.records.delete(['kept', 'b']);
    const before = await first.records.get(['kept', 'a']);
    await first.close();
    const { records } = await open(t);
    t.strictSame(await records.get(['kept', 'a']), before);
    t.equal(before?.version, written === 'conflict' ? '' : written.version);
    t.strictSame(await valuesOf(records, ['kept']), ['value']);
    const next = await records.put(['kept', 'b'], bytes('new'), { ifVersion: null });
    t.not(next, 'conflict');
  });

  await t.test('an erasure leaves no byte, not of what was overwritten or deleted before either', async (t) => {
    const { records } = await open(t);
    const secrets = Array.from({ length: 4 }, () => randomBytes(24));
    const [overwritten = bytes(''), deleted = bytes(''), stored = bytes(''), other = bytes('')] = secrets;
    await records.put(['secret', 'a'], overwritten);
    await records.put(['secret', 'a'], stored);
    await records.put(['secret', 'b'], deleted);
    await records.put(['secretary', 'a'], other);
    const isHidden = readMedium.hidesContent === true;
    t.equal((await readMedium()).includes(stored), !isHidden, 'the medium is what is read here');
    await records.delete(['secret', 'b']);
    t.equal(await records.erase(['secret']), 1);
    await eventually('nothing of it is left', async () => {
      const medium = await readMedium();
      return [overwritten, deleted, stored].every((secret) => !medium.includes(secret));
    });
    // Compression may take its first and last bytes together with their neighbours.
    t.equal((await readMedium()).includes(other.subarray(4, -4)), !isHidden);
    t.strictSame((await records.get(['secretary', 'a']))?.value.length, other.length);
  });

  await t.test('no key, however hostile, reaches another record or prefix', async (t) => {
    const { records } = await open(t);
    let run = 0;
    const key = fc.array(fc.oneof(hostileText, fc.constant('')), { minLength: 1, maxLength: 3 });
    const keys = fc.uniqueArray(key, { minLength: 2, maxLength: 12, selector: (each) => JSON.stringify(each) });
    await fc.assert(
      fc.asyncProperty(keys, async (tails) => {
        const root = `hostile ${++run}`;
        const all = tails.map((tail): RecordKey => [root, ...tail]).sort(bySegments);
        await Promise.all(all.map((each) => records.put(each, bytes(JSON.stringify(each)), { ifVersion: null })));
        for (const each of all) {
          t.strictSame((await keyValueVersion(records, each)).slice(0, 2), [each, JSON.stringify(each)]);
          const under = all.filter((other) => each.every((segment, i) => other[i] === segment));
          t.strictSame(
            await valuesOf(records, each),
            under.map((other) => JSON.stringify(other)),
          );
        }
        const [first = [root]] = all;
        const spared = all.filter((other) => !first.every((segment, i) => other[i] === segment));
        t.equal(await records.erase(first), all.length - spared.length);
        t.strictSame(
          await valuesOf(records, [root]),
          spared.map((each) => JSON.stringify(each)),
        );
      }),
      { numRuns: 15 },
    );
  });

  await t.test('text that is not well-formed is a key of its own', async (t) => {
    const { records } = await open(t);
    const segments = ['\ud800', '\ud801', '\udfff', '\ufffd', '\ud800\0', 'a\ud800', '\udfff\ud800', '\ud83d'];
    for (const segment of segments) await records.put(['lone', segment, 'x'], bytes(JSON.stringify(segment)));
    for (const segment of segments) {
      t.strictSame((await keyValueVersion(records, ['lone', segment, 'x'])).slice(0, 2), [
        ['lone', segment, 'x'],
        JSON.stringify(segment),
      ]);
      t.strictSame(await valuesOf(records, ['lone', segment]), [JSON.stringify(segment)]);
    }
    const found: string[] = [];
    for await (const record of records.scan(['lone'])) found.push(record.key[1] ?? '');
    t.strictSame(found.sort(), segments.sort());
  });
}

async function keyValueVersion(records: RecordStore, key: RecordKey): Promise<unknown[]> {
  const record = await records.get(key);
  return [record?.key, textOf(record?.value), record?.version];
}

async function valuesOf(records: RecordStore, prefix: RecordKey, options?: ScanOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { value } of records.scan(prefix, options)) found.push(textOf(value));
  return found;
}

function bySegments(a: RecordKey, b: RecordKey): number {
  for (const [i, segment] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const order = byBytes(segment, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
