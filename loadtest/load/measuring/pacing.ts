/** When to send, and when to stop waiting. */
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { Writer } from '../rooms/edit-room.js';

/** Calls `send(n)` for n = 0 … count − 1, evenly spaced at `perSecond`; catches up when it was held up. */
export async function paced(count: number, perSecond: number, send: (n: number) => void): Promise<void> {
  const start = performance.now();
  for (let n = 0; n < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - start) / 1_000) * perSecond) + 1);
    while (n < due) send(n++);
    if (n < count) await pause(1);
  }
}

/** Keystrokes per write at full speed: a socket gets a segment's worth, all writers take turns. */
const BURST = 32;

/** Lets all writers type `edits` each as fast as their sockets take it. */
export async function fullSpeed(writers: readonly Writer[], edits: number): Promise<void> {
  const stops = writers.map((writer) => writer.sent + edits);
  let isAnyLeft = true;
  while (isAnyLeft) {
    isAnyLeft = false;
    const full: Promise<void>[] = [];
    for (const [i, writer] of writers.entries()) {
      const left = (stops[i] ?? 0) - writer.sent;
      if (left <= 0 || writer.client?.isGone !== false) continue;
      if (!writer.type(Math.min(left, BURST))) full.push(writer.client.drained());
      isAnyLeft = true;
    }
    // A socket that is full holds up the round: what the server does not take must not pile up here.
    await Promise.all(full);
    await turn();
  }
}

/** Runs the tasks in order, so many at a time. */
export async function inBatches(tasks: readonly (() => Promise<unknown>)[], size: number): Promise<void> {
  for (let at = 0; at < tasks.length; at += size) await Promise.all(tasks.slice(at, at + size).map((task) => task()));
}

/** Resolves with true once `isDone`, with false when `progress` has not changed for `stallMs`. */
export async function settled(isDone: () => boolean, progress: () => number, stallMs = 15_000): Promise<boolean> {
  let last = progress();
  let since = performance.now();
  while (!isDone()) {
    await pause(5);
    const now = progress();
    if (now !== last) {
      last = now;
      since = performance.now();
    } else if (performance.now() - since > stallMs) {
      return false;
    }
  }
  return true;
}
