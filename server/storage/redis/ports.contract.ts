import type { Test } from 'tap';
import { START, type LoggedUpdate } from '../document-log.js';
import { DocumentErasedError, DocumentExistsError } from '../errors.js';
import type { Lease } from '../leases.js';
import type { RecordKey } from '../record-store.js';
import type { Storage } from '../storage.js';
import { eventually } from './testing/redis-test-server.js';
import { saying, textsOf } from './testing/opened-storage.js';

/**
 * What every port promises, run against each way Redis can be set up. `open` answers a new process' view of the one
 * store; names are prefixed, so that suites can share a server.
 */
export async function portSuite(t: Test, open: (t: Test, node: string) => Promise<Storage>): Promise<void> {
  const bytes = (text: string): Uint8Array => Buffer.from(text);

  await t.test('a log gives back what was appended, from all nodes, in order', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    t.strictSame(await one.documents.load('log'), { updates: [], position: START });
    const update = saying('a');
    const first = await one.documents.append('log', [update, saying('b')]);
    const second = await two.documents.append('log', [saying('c')]);
    const { updates, position, epoch, snapshot } = await one.documents.load('log');
    t.strictSame(textsOf(updates), ['a', 'b', 'c']);
    t.match(updates[0], { node: 'one', attribution: update.attribution });
    t.strictSame(
      [updates[1]?.position, updates[2]?.position, position, updates[2]?.node, snapshot],
      [first, second, second, 'two', undefined],
    );
    t.type(epoch, 'string');
    t.strictSame(textsOf(await one.documents.history('log', first, 10)), ['c']);
    t.strictSame(textsOf(await one.documents.history('log', START, 2)), ['a', 'b']);
    t.equal(await one.documents.append('log', []), second, 'nothing to append');
  });

  await t.test('appends made at once keep their order, and each has its own position', async (t) => {
    const { documents } = await open(t, 'one');
    const texts = Array.from({ length: 600 }, (_, i) => String(i));
    const positions = await Promise.all(texts.map((text) => documents.append('busy', [saying(text)])));
    const { updates } = await documents.load('busy');
    t.strictSame(textsOf(updates), texts);
    t.strictSame(
      updates.map(({ position }) => position),
      positions,
    );
  });

  await t.test('a document is seeded once, whoever tries', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const tries = [one, two, one, two].map(({ documents }, i) =>
      documents.append('seed', [saying(String(i))], { ifAbsent: true }).then(
        () => 'seeded',
        (error: unknown) => (error instanceof DocumentExistsError ? 'exists' : error),
      ),
    );
    t.strictSame((await Promise.all(tries)).sort(), ['exists', 'exists', 'exists', 'seeded']);
    t.equal((await one.documents.load('seed')).updates.length, 1);
  });

  await t.test('a compaction replaces what it includes, and only the first one does', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const early = await one.documents.append('folded', [saying('a')]);
    const middle = await one.documents.append('folded', [saying('b')]);
    const last = await two.documents.append('folded', [saying('c')]);
    t.equal(await one.documents.compact('folded', START, bytes('nothing')), 'lost the race');
    t.equal(await one.documents.compact('folded', middle, bytes('ab')), 'done');
    for (const position of [early, middle]) {
      t.equal(await two.documents.compact('folded', position, bytes('old')), 'lost the race');
    }
    const { snapshot, updates, position } = await two.documents.load('folded');
    t.strictSame([Buffer.from(snapshot!).toString(), textsOf(updates), position], ['ab', ['c'], last]);
    t.equal(await two.documents.compact('folded', last, bytes('abc')), 'done');
    t.strictSame(await one.documents.history('folded', START, 10), []);
    t.match(await one.documents.info('folded'), { updates: 3, uncompactedUpdates: 0, uncompactedBytes: 0 });
    const next = await one.documents.append('folded', [saying('d')]);
    t.equal((await one.documents.load('folded')).position, next);
  });

  await t.test('racing compactions leave one complete form', async (t) => {
    const stores = [await open(t, 'one'), await open(t, 'two')];
    const positions: string[] = [];
    for (let i = 0; i < 10; i++) positions.push(await stores[0]!.documents.append('raced', [saying(String(i))]));
    const texts = (count: number): string => Array.from({ length: count }, (_, i) => String(i)).join('');
    await Promise.all(
      positions.map((position, i) => stores[i % 2]!.documents.compact('raced', position, bytes(texts(i + 1)))),
    );
    const { snapshot, updates } = await stores[0]!.documents.load('raced');
    t.equal(Buffer.from(snapshot ?? []).toString() + textsOf(updates).join(''), texts(10));
  });

  await t.test('no compaction folds what its live document has not received from another node', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    let release = (): void => undefined;
    const isHeldUp = new Promise<void>((resolve) => (release = resolve));
    await one.documents.append('ahead', [saying('a')]);
    await one.documents.subscribe('ahead', START, (updates) => {
      if (textsOf(updates).includes('foreign')) return isHeldUp;
    });
    await two.documents.append('ahead', [saying('foreign')]);
    const own = await one.documents.append('ahead', [saying('b')]);
    await one.documents.compact('ahead', own, bytes('state of a and b'));
    release();
    t.strictSame(textsOf((await one.documents.load('ahead')).updates), ['foreign', 'b']);
  });

  await t.test(
    'a subscriber gets everything after its position, from all nodes, never two calls at once',
    async (t) => {
      const [one, two] = [await open(t, 'one'), await open(t, 'two')];
      const from = await one.documents.append('followed', [saying('before')]);
      await two.documents.append('followed', [saying('missed')]);
      const seen: string[] = [];
      let calls = 0;
      const subscription = await two.documents.subscribe('followed', from, async (updates: LoggedUpdate[]) => {
        t.equal(++calls, 1);
        await Promise.resolve();
        seen.push(...textsOf(updates));
        calls--;
      });
      t.strictSame(seen, ['missed'], 'what was there is delivered first');
      const texts = Array.from({ length: 50 }, (_, i) => String(i));
      for (const text of texts) await [one, two][Number(text) % 2]!.documents.append('followed', [saying(text)]);
      await one.documents.append('followed', [saying('x'.repeat(300_000))]);
      await eventually('all has arrived', () => seen.length === 52);
      t.strictSame(seen.slice(1, -1), texts);
      await subscription.close();
      await one.documents.append('followed', [saying('after')]);
      t.equal(seen.length, 52);
    },
  );

  await t.test('a subscriber that a compaction has overtaken gets the state', async (t) => {
    const { documents } = await open(t, 'one');
    const from = await documents.append('overtaken', [saying('a')]);
    const upTo = await documents.append('overtaken', [saying('b')]);
    await documents.append('overtaken', [saying('c')]);
    await documents.compact('overtaken', upTo, bytes('state of a and b'));
    const seen: string[] = [];
    await documents.subscribe('overtaken', from, (updates) => void seen.push(...textsOf(updates)));
    t.strictSame(seen, ['state of a and b', 'c']);
  });

  await t.test('documents are listed by prefix, in order and in pages', async (t) => {
    const { documents } = await open(t, 'one');
    const names = ['list/a', 'list/a/b', 'list/é', 'list/z', 'list{}', 'lisu'];
    for (const name of names.toReversed()) await documents.append(name, [saying(name)]);
    const all: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await documents.list('list', cursor, 2);
      t.ok(page.data.length <= 2);
      all.push(...page.data.map(({ document }) => document));
      cursor = page.nextCursor;
    } while (cursor !== null);
    t.strictSame(all, ['list/a', 'list/a/b', 'list/z', 'list/é', 'list{}']);
    t.strictSame((await documents.list('list/a/', null, 1000)).data[0], await documents.info('list/a/b'));
  });

  await t.test('an erased document stays erased', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const position = await one.documents.append('erased', [saying('a'), saying('b')]);
    await one.documents.compact('erased', position, bytes('ab'));
    const receipt = await two.documents.erase('erased');
    t.match(receipt, { document: 'erased', updates: 2, bytes: Number, erasedAt: Number });
    t.equal((await one.documents.erase('erased')).erasedAt, receipt.erasedAt);
    for (const { documents } of [one, two]) {
      await t.rejects(documents.append('erased', [saying('c')]), DocumentErasedError);
      await t.rejects(documents.load('erased'), DocumentErasedError);
      await t.rejects(documents.compact('erased', position, bytes('x')), DocumentErasedError);
      t.equal(await documents.info('erased'), undefined);
      t.strictSame((await documents.list('erased', null, 10)).data, []);
    }
  });

  await t.test('records are written, compared, expired, scanned and erased', async (t) => {
    const { records } = await open(t, 'one');
    const key: RecordKey = ['suite', 'a:{b}', ''];
    const written = await records.put(key, bytes('one'), { ifVersion: null });
    if (written === 'conflict') throw new Error('There was a record already');
    t.match(await records.get(key), { key, value: bytes('one'), version: written.version });
    t.equal(await records.put(key, bytes('two'), { ifVersion: null }), 'conflict');
    t.equal(await records.put(key, bytes('two'), { ifVersion: 'other' }), 'conflict');
    t.equal(await records.delete(key, { ifVersion: 'other' }), 'conflict');
    t.not(await records.put(key, bytes('two'), { ifVersion: written.version }), 'conflict');
    t.equal(await records.delete(key), true);
    t.equal(await records.delete(key), false);
    t.equal(await records.get(key), undefined);
    const racing = await Promise.all(
      [1, 2, 3].map((i) => records.put(['race'], bytes(String(i)), { ifVersion: null })),
    );
    t.equal(racing.filter((outcome) => outcome === 'conflict').length, 2);
    const expiresAt = Date.now() + 100;
    await records.put(['suite', 'short'], bytes('x'), { expiresAt });
    t.match(await records.get(['suite', 'short']), { expiresAt });
    await eventually('it has expired', async () => (await records.get(['suite', 'short'])) === undefined);
    for (let i = 0; i < 300; i++) await records.put(['scan', 'x', String(i).padStart(3, '0')], bytes(String(i)));
    await records.put(['scan', 'xy', ''], bytes('longer'));
    const collect = async (prefix: RecordKey, options = {}): Promise<string[]> => {
      const found: string[] = [];
      for await (const { value } of records.scan(prefix, options)) found.push(Buffer.from(value).toString());
      return found;
    };
    t.strictSame((await collect(['scan', 'x'])).length, 300);
    t.strictSame(await collect(['scan'], { after: ['scan', 'x', '297'] }), ['298', '299', 'longer']);
    t.strictSame(await collect(['scan', 'x'], { reverse: true, limit: 2 }), ['299', '298']);
    t.equal(await records.erase(['scan', 'x']), 300);
    t.strictSame(await collect(['scan']), ['longer']);
  });

  await t.test('events are ordered, read from any place, trimmed and erased', async (t) => {
    const { events } = await open(t, 'one');
    const ids = (await Promise.all([[1, 2], [{ three: 3 }], [null]].map((data) => events.append('s', data)))).flat();
    t.strictSame([ids.length, [...ids].sort()], [4, ids]);
    const data = async (options = {}): Promise<unknown[]> => (await events.range('s', options)).map((e) => e.data);
    t.strictSame(await data(), [1, 2, { three: 3 }, null]);
    t.strictSame(await data({ after: ids[0], before: ids[3] }), [2, { three: 3 }]);
    t.strictSame(await data({ reverse: true, limit: 2 }), [null, { three: 3 }]);
    t.equal(await events.position('s', 'c'), undefined);
    await events.commit('s', 'c', ids[1]!);
    t.equal(await events.position('s', 'c'), ids[1]);
    await events.trim('s', ids[2]!);
    t.strictSame(await data(), [{ three: 3 }, null]);
    await events.erase('s');
    t.strictSame([await data(), await events.position('s', 'c')], [[], undefined]);
  });

  await t.test('the bus reaches every node, and a lease one holder', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const heard: string[] = [];
    for (const [i, { bus }] of [one, two].entries()) {
      await bus.subscribe('channel', (message) => heard.push(`${i}: ${Buffer.from(message).toString()}`));
    }
    await one.bus.publish('channel', bytes('hello'));
    await eventually('both have heard', () => heard.length === 2);
    t.strictSame(heard.sort(), ['0: hello', '1: hello']);

    const lease = (await one.leases.acquire('duty', 'one', 60_000))!;
    t.equal(await two.leases.acquire('duty', 'two', 60_000), undefined);
    t.equal(await lease.renew(60_000), true);
    await lease.release();
    const short = (await two.leases.acquire('duty', 'two', 50))!;
    t.ok(short.fencingToken > lease.fencingToken);
    t.equal(await lease.renew(60_000), false, 'given back');
    const granted: Lease[] = [];
    await eventually('it has expired', async () => {
      const third = await one.leases.acquire('duty', 'one', 60_000);
      if (third !== undefined) granted.push(third);
      return third !== undefined;
    });
    t.equal(await short.renew(60_000), false, 'lost');
    t.ok(granted[0]!.fencingToken > short.fencingToken);
  });
}
