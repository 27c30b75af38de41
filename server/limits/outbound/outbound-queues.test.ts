import { setTimeout as nextTimers } from 'node:timers/promises';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { newDataFolder, openFolder } from '../../storage/testing/embedded-folder.js';
import { DeadLetters } from './dead-letters.js';
import {
  OUTBOUND_CLASSES,
  OutboundQueues,
  QUEUE_DEFAULTS,
  type OutboundClass,
  type OutboundMessage,
  type OutboundQueuesOptions,
} from './outbound-queues.js';

interface Bench {
  readonly clock: { ms: number };
  readonly letters: DeadLetters;
  readonly queues: OutboundQueues;
  /** `class body`, in the order of delivery. */
  readonly delivered: string[];
  /** Bodies whose delivery fails. */
  readonly failing: Set<unknown>;
  readonly send: (name: OutboundClass, ...bodies: unknown[]) => ('queued' | 'dead')[];
  /** Turns the clock until so many are delivered or have failed. */
  readonly until: (count: number) => Promise<void>;
}

async function bench(t: Test, options: Partial<OutboundQueuesOptions> = {}): Promise<Bench> {
  const storage = await openFolder(t, await newDataFolder(t));
  const letters = new DeadLetters({ records: storage.records, logger: pino({ level: 'silent' }) });
  await letters.start();
  const clock = { ms: 0 };
  const delivered: string[] = [];
  const failing = new Set<unknown>();
  const deliver = async ({ body }: OutboundMessage, name: OutboundClass): Promise<void> => {
    if (failing.has(body)) throw new Error('nobody is there');
    delivered.push(`${name} ${String(body)}`);
  };
  const queues = new OutboundQueues({ deliver, deadLetters: letters, now: () => clock.ms, ...options });
  t.teardown(() => queues.close());
  return {
    ...{ clock, letters, queues, delivered, failing },
    send: (name, ...bodies) =>
      bodies.map((body) => queues.enqueue(name, { kind: 'test', destination: 'ada', document: 'form/x', body })),
    until: async (count) => {
      const done = (): number => queues.list().reduce((sum, queue) => sum + queue.delivered + queue.failed, 0);
      while (done() < count) {
        clock.ms += 1;
        await nextTimers(1);
      }
    },
  };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

void t.test('the classes are those of the contract', async (t) => {
  const { queues } = await bench(t);
  t.strictSame(
    queues.list().map(({ name, capacity, ratePerSecond, priority }) => [name, capacity, ratePerSecond, priority]),
    [
      ['realtime', 5_000, 200, 1],
      ['broadcast', 10_000, 100, 2],
      ['notification', 15_000, 50, 3],
      ['system', 2_000, 300, 4],
    ],
  );
});

for (const name of OUTBOUND_CLASSES) {
  void t.test(`${name}: what its full queue cannot take is a dead letter, and can be replayed`, async (t) => {
    const { queues, letters, send } = await bench(t);
    const { capacity } = QUEUE_DEFAULTS[name];
    // In one turn, so that nothing is delivered meanwhile.
    const outcomes = send(name, ...numbers(capacity + 5));
    t.equal(outcomes.filter((outcome) => outcome === 'queued').length, capacity);
    t.strictSame(
      outcomes.slice(capacity),
      numbers(5).map(() => 'dead'),
    );
    t.match(
      queues.list().find((queue) => queue.name === name),
      { depth: capacity, dropped: 5 },
    );
    await letters.settled();
    const { data } = await letters.list();
    t.strictSame(
      data.map(({ body }) => body),
      numbers(5).map((i) => capacity + i),
    );
    t.match(data[0], { queue: name, reason: 'overflow', attempts: 0, destination: 'ada', document: 'form/x' });
    const again: unknown[] = [];
    await letters.replayAll({ queue: name }, async ({ body }) => void again.push(body));
    t.equal(again.length, 5);
    t.equal(letters.size, 0);
    queues.configure(name, { ratePerSecond: 0 });
    // Else closing buries them all, one by one.
    await queues.close();
  });
}

void t.test('no class is faster than its rate', async (t) => {
  const { clock, queues, send, until } = await bench(t);
  send('notification', ...numbers(30));
  await until(30);
  // 5 at once, the other 25 at 50 per second.
  t.ok(clock.ms >= 500, `${clock.ms} ms`);
  t.match(queues.list()[2], { delivered: 30, depth: 0 });
});

void t.test('what matters most goes first, in order, and what waits long enough goes before it', async (t) => {
  const { clock, delivered, send, until } = await bench(t, { concurrency: 1, agingMs: 500 });
  send('system', 'a');
  send('notification', 'b');
  send('broadcast', 'c', 'd');
  send('realtime', 'e', 'f');
  await until(6);
  t.strictSame(delivered, ['realtime e', 'realtime f', 'broadcast c', 'broadcast d', 'notification b', 'system a']);
  delivered.length = 0;
  send('system', 'old');
  clock.ms += 2_000;
  send('realtime', 'new');
  await until(8);
  t.strictSame(delivered, ['system old', 'realtime new']);
});

void t.test('what fails is a dead letter that says why, and holds nobody up', async (t) => {
  const { queues, letters, delivered, failing, send, until } = await bench(t);
  failing.add('bad');
  send('realtime', 'one', 'bad', 'two');
  await until(3);
  t.strictSame(delivered, ['realtime one', 'realtime two']);
  t.match(queues.list()[0], { delivered: 2, failed: 1 });
  await letters.settled();
  t.match((await letters.list()).data, [{ body: 'bad', reason: 'failed', error: 'nobody is there', attempts: 1 }]);
  t.equal((await letters.list()).data.length, 1);
});

void t.test('a queue that is made smaller keeps what waits; a rate of nothing holds back', async (t) => {
  const { queues, delivered, send, until } = await bench(t);
  queues.configure('realtime', { ratePerSecond: 0 });
  queues.configure('realtime', { capacity: 2 });
  t.strictSame(send('realtime', 1, 2, 3), ['queued', 'queued', 'dead']);
  send('system', 'other');
  await until(1);
  queues.configure('realtime', { capacity: 1, ratePerSecond: 100 });
  await until(3);
  t.strictSame(delivered.slice(1), ['realtime 1', 'realtime 2']);
});

void t.test('what still waits when the server stops becomes dead letters, for after the restart', async (t) => {
  const { queues, letters, send } = await bench(t);
  send('broadcast', 1, 2);
  await queues.close();
  t.strictSame(send('broadcast', 3), ['dead']);
  await letters.settled();
  const { data } = await letters.list();
  t.strictSame(
    data.map(({ body, reason }) => [body, reason]),
    [1, 2, 3].map((body) => [body, 'closed']),
  );
});
