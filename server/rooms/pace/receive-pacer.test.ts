import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { until } from '../../../test/harness/until.js';
import { MAX_SLEEP_MS, ReceivePacer } from './receive-pacer.js';

/** Longer than what the pacer looks at to know its load. */
const PERIOD_MS = 150;

/** Ends a turn as if frames had come at this rate since `startedAt`. */
function endTurnAfter(pacer: ReceivePacer, startedAt: number, framesPerSecond: number, areEdits = true): void {
  const frames = ((performance.now() - startedAt) / 1_000) * framesPerSecond;
  for (let i = 0; i < frames; i++) {
    pacer.noteFrame();
    if (areEdits) pacer.noteAwaited();
  }
  pacer.endTurn(true);
}

/** A period without work but for these frames. Once more where others kept the processor busy: that looks like work. */
async function untilSleeping(pacer: ReceivePacer, framesPerSecond: number, areEdits: boolean): Promise<void> {
  await until(async () => {
    const startedAt = performance.now();
    await pause(PERIOD_MS);
    endTurnAfter(pacer, startedAt, framesPerSecond, areEdits);
    return pacer.sleepMs > 0;
  });
}

void t.test('an otherwise idle process sleeps while many frames come, and stops when they do not', async (t) => {
  const pacer = new ReceivePacer();
  await untilSleeping(pacer, 2_000, true);
  t.ok(pacer.sleepMs >= 1 && pacer.sleepMs <= MAX_SLEEP_MS, `${pacer.sleepMs} ms`);
  t.ok(pacer.sleptMs > 0);
  const startedAt = performance.now();
  await pause(PERIOD_MS);
  endTurnAfter(pacer, startedAt, 100);
  t.equal(pacer.sleepMs, 0);
});

void t.test('nothing sleeps while a room waits for its tick anyway', async (t) => {
  const startedAt = performance.now();
  const pacer = new ReceivePacer();
  await pause(PERIOD_MS);
  for (let i = 0; i < performance.now() - startedAt; i++) pacer.noteFrame();
  pacer.endTurn(false);
  t.equal(pacer.sleptMs, 0);
});

void t.test('nothing sleeps while connections arrive: the loop accepts one in a turn', async (t) => {
  const pacer = new ReceivePacer();
  // Once more where the machine held this process up for so long that the pacer saw a quiet period.
  await until(async () => {
    await untilSleeping(pacer, 1_000, true);
    const { sleptMs } = pacer;
    pacer.noteAccepted();
    pacer.endTurn(true);
    t.equal(pacer.sleptMs, sleptMs);
    pacer.endTurn(true);
    return pacer.sleptMs > sleptMs;
  });
});

void t.test('a busy process has no time to sleep', async (t) => {
  const startedAt = performance.now();
  const pacer = new ReceivePacer();
  while (performance.now() - startedAt < PERIOD_MS);
  endTurnAfter(pacer, startedAt, 2_000);
  t.equal(pacer.sleepMs, 0);
});

void t.test('cursors may wait longer than edits', async (t) => {
  const sleepMs = async (areEdits: boolean): Promise<number> => {
    const pacer = new ReceivePacer();
    await untilSleeping(pacer, 1_000, areEdits);
    return pacer.sleepMs;
  };
  t.equal(await sleepMs(true), MAX_SLEEP_MS);
  const withCursors = await sleepMs(false);
  t.ok(withCursors > MAX_SLEEP_MS && withCursors <= 2 * MAX_SLEEP_MS, `${withCursors} ms`);
});
