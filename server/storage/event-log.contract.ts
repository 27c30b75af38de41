import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { Test } from 'tap';
import type { EventLog, RangeOptions } from './event-log.js';
import { hostileText } from './testing/hostile-text.js';
import { eventually, type OpenStore, type ReadMedium } from './testing/store-under-test.js';

/** What every `EventLog` promises. */
export async function eventLogContract(t: Test, open: OpenStore<'events'>, readMedium: ReadMedium): Promise<void> {
  await t.test('events are ordered, and read from any place in both directions', async (t) => {
    const [one, two] = [(await open(t, 'one')).events, (await open(t, 'two')).events];
    const started = Date.now();
    const ids = (await Promise.all([[1, 2], [{ three: 3 }], [null]].map((data) => one.append('s', data)))).flat();
    t.strictSame([ids.length, [...ids].sort()], [4, ids]);
    t.strictSame(await dataOf(two, 's'), [1, 2, { three: 3 }, null]);
    const [a = '', b = '', , d = ''] = ids;
    t.strictSame(await dataOf(two, 's', { after: a, before: d }), [2, { three: 3 }]);
    t.strictSame(await dataOf(two, 's', { after: b, limit: 1 }), [{ three: 3 }]);
    t.strictSame(await dataOf(two, 's', { reverse: true, limit: 2 }), [null, { three: 3 }]);
    t.strictSame(await dataOf(two, 's', { reverse: true, before: d, after: a }), [{ three: 3 }, 2]);
    t.strictSame(await dataOf(two, 's', { limit: 0 }), []);
    t.strictSame(await dataOf(two, 's', { after: d }), []);
    t.strictSame(await dataOf(two, 'unwritten'), []);
    t.strictSame(await one.append('s', []), []);
    const [event] = await one.range('s', { limit: 1 });
    // Redis and this process may read different clocks by a little.
    t.ok(event !== undefined && event.id === a && Math.abs(event.at - started) < 60_000);
  });

  await t.test('appends of several nodes at once are all there, each in one piece', async (t) => {
    const [one, two] = [(await open(t, 'one')).events, (await open(t, 'two')).events];
    const batches = Array.from({ length: 60 }, (_, i) => [`${i} a`, `${i} b`]);
    const ids = (await Promise.all(batches.map((batch, i) => (i % 2 === 0 ? one : two).append('many', batch)))).flat();
    const events = await one.range('many');
    t.strictSame(
      events.map(({ id }) => id),
      [...ids].sort(),
    );
    t.equal(new Set(ids).size, ids.length);
    const found = events.map(({ data }) => String(data));
    for (const [first = '', second] of batches) t.equal(found[found.indexOf(first) + 1], second);
  });

  await t.test('events are rewritten in their places, while others are appended', async (t) => {
    const [one, two] = [(await open(t, 'one')).events, (await open(t, 'two')).events];
    const texts = Array.from({ length: 1_100 }, (_, i) => `old ${i}`);
    const ids = await one.append('rewritten', texts);
    await one.commit('rewritten', 'audit', ids[7] ?? '');
    const appending = two.append('rewritten', ['new']);
    const renewed = (data: unknown): unknown =>
      typeof data === 'string' && data.startsWith('old') ? { was: data } : undefined;
    t.equal(await one.rewrite('rewritten', ({ data }) => renewed(data)), texts.length);
    const [last = ''] = await appending;
    const events = await two.range('rewritten');
    t.strictSame(
      events.map(({ id, data }) => [id, data]),
      [...ids.map((id, i) => [id, { was: `old ${i}` }]), [last, 'new']],
    );
    t.equal(await two.position('rewritten', 'audit'), ids[7]);
    t.equal(await one.rewrite('rewritten', ({ data }) => renewed(data)), 0, 'there is nothing left to do');
    t.equal(await one.rewrite('nowhere', ({ data }) => data), 0);
    const [next = ''] = await one.append('rewritten', ['later']);
    t.ok(next > last, 'ids go on growing');
    const names: string[] = [];
    for await (const name of one.streams()) names.push(name);
    t.equal(names.filter((name) => name === 'rewritten').length, 1);
    t.notOk(names.includes('nowhere'));
  });

  await t.test('each consumer keeps its own place, also in a store opened anew', async (t) => {
    const first = await open(t);
    const ids = await first.events.append('consumed', ['a', 'b', 'c']);
    t.equal(await first.events.position('consumed', 'outbox'), undefined);
    await first.events.commit('consumed', 'outbox', ids[0] ?? '');
    await first.events.commit('consumed', 'outbox', ids[1] ?? '');
    await first.events.commit('consumed', 'audit', ids[2] ?? '');
    await first.close();
    const { events } = await open(t);
    t.equal(await events.position('consumed', 'outbox'), ids[1]);
    t.equal(await events.position('consumed', 'audit'), ids[2]);
    t.equal(await events.position('other', 'outbox'), undefined);
    t.strictSame(await dataOf(events, 'consumed', { after: ids[1] ?? '' }), ['c']);
    const [next = ''] = await events.append('consumed', ['d']);
    t.ok(next > (ids[2] ?? ''), 'ids go on growing');
  });

  await t.test('a trimmed stream keeps what is younger, and its ids go on growing', async (t) => {
    const { events } = await open(t);
    const ids = await events.append('trimmed', ['a', 'b', 'c']);
    await events.commit('trimmed', 'outbox', ids[0] ?? '');
    await events.trim('trimmed', ids[1] ?? '');
    t.strictSame(await dataOf(events, 'trimmed'), ['b', 'c']);
    t.equal(await events.position('trimmed', 'outbox'), ids[0]);
    const [last = ''] = await events.append('trimmed', ['d']);
    await events.trim('trimmed', last);
    t.strictSame(await dataOf(events, 'trimmed', { after: ids[0] ?? '' }), ['d']);
  });

  await t.test('every stream is found with all of its consumers, whatever their names', async (t) => {
    const { events } = await open(t);
    const names = fc.sample(hostileText, { numRuns: 12, seed: 7 }).map((text) => `found ${text}`);
    for (const name of names) {
      const [id = ''] = await events.append(name, ['event', 'another']);
      for (const consumer of names) await events.commit(name, consumer, id);
    }
    const found: string[] = [];
    for await (const stream of events.streams()) found.push(stream);
    t.strictSame(found.filter((stream) => stream.startsWith('found ')).sort(), [...new Set(names)].sort());
    const consumers = await events.consumers(names[0] ?? '');
    t.strictSame([...consumers.keys()].sort(), [...new Set(names)].sort());
    t.equal(consumers.get(names[1] ?? ''), await events.position(names[0] ?? '', names[1] ?? ''));
    t.equal((await events.consumers('found none')).size, 0);
  });

  await t.test('an erased stream leaves no consumer and no byte', async (t) => {
    const { events } = await open(t);
    const [secret, trimmed] = [randomBytes(24).toString('base64url'), randomBytes(24).toString('hex')];
    const [, id = ''] = await events.append('erased', [trimmed, secret]);
    await events.commit('erased', 'outbox', id);
    await events.append('erased too', ['stays']);
    const isHidden = readMedium.hidesContent === true;
    t.equal((await readMedium()).includes(secret), !isHidden, 'the medium is what is read here');
    await events.trim('erased', id);
    await events.erase('erased');
    t.strictSame([await dataOf(events, 'erased'), await events.position('erased', 'outbox')], [[], undefined]);
    await eventually('nothing of it is left', async () => {
      const medium = await readMedium();
      return !medium.includes(secret) && !medium.includes(trimmed);
    });
    t.strictSame(await dataOf(events, 'erased too'), ['stays']);
  });

  await t.test('no name of a stream or consumer, however hostile, reaches another', async (t) => {
    const { events } = await open(t);
    let run = 0;
    const names = fc.uniqueArray(hostileText, { minLength: 2, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(names, async (texts) => {
        const root = `hostile ${++run}:`;
        const places = new Map<string, string>();
        for (const text of texts) {
          const [id = ''] = await events.append(root + text, [text]);
          for (const consumer of texts) await events.commit(root + text, consumer, id);
          places.set(text, id);
        }
        const check = async (remaining: readonly string[]): Promise<void> => {
          for (const text of remaining) {
            t.strictSame(await dataOf(events, root + text), [text]);
            for (const consumer of texts) t.equal(await events.position(root + text, consumer), places.get(text));
          }
        };
        await check(texts);
        await events.erase(root + (texts[0] ?? ''));
        await check(texts.slice(1));
      }),
      { numRuns: 10 },
    );
  });
}

async function dataOf(events: EventLog, stream: string, options?: RangeOptions): Promise<unknown[]> {
  return (await events.range(stream, options)).map(({ data }) => data);
}
