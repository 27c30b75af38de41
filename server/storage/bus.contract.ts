import fc from 'fast-check';
import type { Test } from 'tap';
import { hostileText } from './testing/hostile-text.js';
import { bytes, eventually, textOf, type OpenStore } from './testing/store-under-test.js';

/** What every `Bus` promises. */
export async function busContract(t: Test, open: OpenStore<'bus'>): Promise<void> {
  await t.test('a message reaches every subscriber on every node, until it leaves', async (t) => {
    const [one, two] = [(await open(t, 'one')).bus, (await open(t, 'two')).bus];
    const heard: string[] = [];
    const hear = (who: string) => (message: Uint8Array) => void heard.push(`${who}: ${textOf(message)}`);
    await one.subscribe('channel', hear('a'));
    const leaving = await two.subscribe('channel', hear('b'));
    await two.subscribe('channel', hear('c'));
    await one.publish('channel', bytes('hello'));
    await eventually('all have heard', () => heard.length === 3);
    t.strictSame(heard.sort(), ['a: hello', 'b: hello', 'c: hello']);
    await leaving.close();
    await two.publish('channel', bytes('again'));
    await eventually('those who stayed have heard', () => heard.length === 5);
    t.strictSame(heard.slice(3).sort(), ['a: again', 'c: again']);
  });

  await t.test('messages of a channel arrive in the order in which one node sent them, as they were', async (t) => {
    const [one, two] = [(await open(t, 'one')).bus, (await open(t, 'two')).bus];
    const sent = Array.from({ length: 100 }, (_, i) => Buffer.from([i, 0, 255, 13, 10]));
    const heard: Buffer[] = [];
    await two.subscribe('ordered', (message) => void heard.push(Buffer.from(message)));
    await Promise.all(sent.map((message) => one.publish('ordered', message)));
    await eventually('all has arrived', () => heard.length === sent.length);
    t.strictSame(heard, sent);
  });

  await t.test('no name of a channel, however hostile, is heard on another', async (t) => {
    const [one, two] = [(await open(t, 'one')).bus, (await open(t, 'two')).bus];
    const texts = fc.sample(hostileText, { numRuns: 40, seed: 37 });
    const names = [...new Set(['error', 'newListener', 'removeListener', '*', 'a*', 'ab', '', ...texts])];
    await Promise.all(names.map((name) => one.publish(name, bytes('nobody listens'))));
    const heard = new Map(names.map((name) => [name, [] as string[]]));
    await Promise.all(
      names.map((name) => two.subscribe(name, (message) => void heard.get(name)?.push(textOf(message)))),
    );
    await Promise.all(names.map((name) => one.publish(name, bytes(name))));
    await eventually('each has heard', () => [...heard.values()].every((each) => each.length > 0));
    for (const [name, each] of heard) t.strictSame(each, [name]);
  });
}
