/**
 * HOT PATH. Decides when rooms with work are flushed. A room that was quiet is flushed at the end of the event-loop turn;
 * the busier it is, the longer it gathers, up to 20 ms, so that more edits share one transaction, one append, one frame
 * and one write per socket. Two things lengthen the pause:
 *
 *   the room's fan-out   after a tick that took c ms, the room rests 30 c: 100 readers are written to about 50 times a
 *                        second, however many keystrokes arrive, and two people typing are never held up
 *   the node's load      from 35 % of the event loop in use on, all rooms
 *
 * What is due in the same slot of 2 ms is flushed together, so that the store commits it together. One timer for all.
 * How many frames share an event-loop turn is in `receive-pacer.ts`.
 */
import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { ReceivePacer } from './receive-pacer.js';

export interface Tickable {
  /** `performance.now()` before which the next tick should not be. Kept by the ticker. */
  restsUntil: number;
  /** Time spent in its ticks, in milliseconds. Kept by the ticker. */
  busyMs: number;
  tick(): void;
}

export const MAX_DELAY_MS = 20;
/** Of the bound: a little less, so that the wait and the tick itself keep within it. */
const MAX_REST_SHARE = 0.95;
export const REST_FACTOR = 30;
const SLOT_MS = 2;
/** Share of time that the event loop is busy: below `LOW` no delay, at `HIGH` the longest. */
const LOW = 0.35;
const HIGH = 0.75;
const SAMPLE_MS = 100;

export class Ticker {
  /** Total ticks, for metrics. */
  ticks = 0;
  /** Total time spent in ticks, in milliseconds. */
  busyMs = 0;
  /** How many times its duration a room rests after a tick. */
  restFactor = REST_FACTOR;
  /** The longest that a room gathers, in milliseconds. */
  maxDelayMs = MAX_DELAY_MS;
  /** Rooms for the end of this turn. */
  #now: Tickable[] = [];
  #immediate: NodeJS.Immediate | undefined;
  /** Rooms by the slot in which they are due. */
  readonly #later = new Map<number, Tickable[]>();
  #timer: NodeJS.Timeout | undefined;
  #timerSlot = Infinity;
  #delayMs = 0;
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  #sampledAt = performance.now();
  #sleptAtSample = 0;
  readonly pacer = new ReceivePacer();

  constructor(
    private readonly isAdaptive: boolean,
    private readonly onError: (error: unknown) => void,
    /** Whether small frames may be let gather by sleeping: two nodes that do so add up (decision 0009). */
    private readonly isGathering = isAdaptive,
  ) {}

  /** What the node's load adds for every room. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** The caller sees to it that a room is scheduled once per tick. */
  schedule(room: Tickable): void {
    const now = performance.now();
    const due = this.#delayMs < 1 ? room.restsUntil : Math.max(room.restsUntil, now + this.#delayMs);
    if (due <= now) {
      this.#now.push(room);
      this.#immediate ??= setImmediate(this.#flushNow);
      return;
    }
    const slot = Math.ceil(due / SLOT_MS);
    const rooms = this.#later.get(slot);
    if (rooms === undefined) this.#later.set(slot, [room]);
    else rooms.push(room);
    if (slot < this.#timerSlot) this.#setTimer(slot, now);
  }

  /** A frame has arrived, with an edit or not. */
  noteFrame(): void {
    if (!this.isAdaptive) return;
    this.pacer.noteFrame();
    this.#immediate ??= setImmediate(this.#flushNow);
  }

  #setTimer(slot: number, now: number): void {
    clearTimeout(this.#timer);
    this.#timerSlot = slot;
    this.#timer = setTimeout(this.#flushDue, Math.max(1, slot * SLOT_MS - now));
  }

  readonly #flushNow = (): void => {
    this.#immediate = undefined;
    const rooms = this.#now;
    this.#now = [];
    this.#tick(rooms);
    // Where rooms rest, frames gather already.
    if (this.isGathering) this.pacer.endTurn(this.#later.size === 0);
  };

  readonly #flushDue = (): void => {
    this.#timerSlot = Infinity;
    const now = performance.now();
    let next = Infinity;
    // Timers may fire up to a millisecond early.
    const dueSlot = Math.floor((now + 1) / SLOT_MS);
    for (const [slot, rooms] of this.#later) {
      if (slot <= dueSlot) {
        this.#later.delete(slot);
        this.#tick(rooms);
      } else if (slot < next) {
        next = slot;
      }
    }
    if (next < this.#timerSlot) this.#setTimer(next, performance.now());
  };

  #tick(rooms: readonly Tickable[]): void {
    if (rooms.length === 0) return;
    let startedAt = performance.now();
    for (const room of rooms) {
      this.ticks += 1;
      try {
        room.tick();
      } catch (error) {
        // One room's fault is not its neighbours'.
        this.onError(error);
      }
      const now = performance.now();
      this.busyMs += now - startedAt;
      room.busyMs += now - startedAt;
      if (this.isAdaptive)
        room.restsUntil = now + Math.min(this.maxDelayMs * MAX_REST_SHARE, this.restFactor * (now - startedAt));
      startedAt = now;
    }
    if (this.isAdaptive) this.#adapt(startedAt);
  }

  #adapt(now: number): void {
    if (now - this.#sampledAt < SAMPLE_MS) return;
    const current = performance.eventLoopUtilization();
    const { active } = performance.eventLoopUtilization(current, this.#utilization);
    const { sleptMs } = this.pacer;
    const utilization = (active - (sleptMs - this.#sleptAtSample)) / (now - this.#sampledAt);
    this.#utilization = current;
    this.#sampledAt = now;
    this.#sleptAtSample = sleptMs;
    const wanted = ((utilization - LOW) / (HIGH - LOW)) * this.maxDelayMs;
    // Batching lowers the load that asked for it: half the way each time, so that the delay settles.
    this.#delayMs = Math.max(0, Math.min(this.maxDelayMs, (this.#delayMs + wanted) / 2));
  }

  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#now = [];
    this.#later.clear();
  }
}
