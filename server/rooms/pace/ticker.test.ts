import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { until } from '../../../test/harness/until.js';
import { Ticker, type Tickable } from './ticker.js';

class RecordedRoom implements Tickable {
  restsUntil = 0;
  busyMs = 0;
  ticks = 0;
  endedAt = 0;
  constructor(
    /** How long each of its ticks takes. */
    private readonly costMs = 0,
    private readonly onTick: () => void = () => undefined,
  ) {}

  tick(): void {
    const startedAt = performance.now();
    while (performance.now() - startedAt < this.costMs);
    this.ticks += 1;
    this.onTick();
    this.endedAt = performance.now();
  }
}

function newTicker(t: Test, isAdaptive = true): { ticker: Ticker; errors: unknown[] } {
  const errors: unknown[] = [];
  const ticker = new Ticker(isAdaptive, (error) => errors.push(error));
  t.teardown(() => ticker.close());
  return { ticker, errors };
}

void t.test('quiet rooms are flushed together at the end of the turn', async (t) => {
  const { ticker } = newTicker(t);
  const order: string[] = [];
  const rooms = ['a', 'b', 'c'].map((name) => new RecordedRoom(0, () => order.push(name)));
  for (const room of rooms) ticker.schedule(room);
  t.strictSame(order, [], 'not before the turn is over');
  await turn();
  t.strictSame(order, ['a', 'b', 'c']);
  t.equal(ticker.ticks, 3);
});

void t.test('a room rests after a costly tick, up to 19 ms, and is then flushed', async (t) => {
  const { ticker } = newTicker(t);
  const room = new RecordedRoom(4);
  ticker.schedule(room);
  await until(() => room.ticks === 1);
  const rest = room.restsUntil - room.endedAt;
  t.ok(rest >= 18.9, `${rest} ms`);
  const firstEndedAt = room.endedAt;
  const dueAt = room.restsUntil;
  ticker.schedule(room);
  await until(() => room.ticks === 2);
  // Timers may fire up to a millisecond early; the tick itself takes 4.
  t.ok(room.endedAt - 4 >= dueAt - 3, `${room.endedAt - firstEndedAt} ms after the first`);
});

void t.test('a room that costs nothing does not wait for one that rests', async (t) => {
  const { ticker } = newTicker(t);
  const order: string[] = [];
  const costly = new RecordedRoom(4, () => order.push('costly'));
  // Again where others held this process up for so long that the rest was over.
  do {
    const { ticks } = costly;
    order.length = 0;
    ticker.schedule(costly);
    await until(() => costly.ticks === ticks + 1);
  } while (performance.now() >= costly.restsUntil - 5);
  ticker.schedule(costly);
  ticker.schedule(new RecordedRoom(0, () => order.push('quiet')));
  await until(() => order.length === 3);
  t.strictSame(order, ['costly', 'quiet', 'costly']);
});

void t.test('with the adaptive tick off, no room rests', async (t) => {
  const { ticker } = newTicker(t, false);
  const room = new RecordedRoom(4);
  ticker.schedule(room);
  await turn();
  ticker.schedule(room);
  await turn();
  t.equal(room.ticks, 2);
});

void t.test('a room whose tick throws is reported, and its neighbours are flushed', async (t) => {
  const { ticker, errors } = newTicker(t);
  const fault = new Error('of this room alone');
  const broken = new RecordedRoom(0, () => {
    throw fault;
  });
  const neighbour = new RecordedRoom();
  ticker.schedule(broken);
  ticker.schedule(neighbour);
  await turn();
  t.equal(neighbour.ticks, 1);
  t.strictSame(errors, [fault]);
});

void t.test('after its close nothing is flushed any more', async (t) => {
  const { ticker } = newTicker(t);
  const room = new RecordedRoom();
  ticker.schedule(room);
  ticker.close();
  await turn();
  t.equal(room.ticks, 0);
});
