/**
 * HOT PATH. Interrupt moderation: while hundreds of small frames a second arrive, each in an event-loop turn of its own,
 * the process sleeps up to 4 ms at the end of a turn, and the kernel hands over several sockets at once in the next one. Half
 * of what a small frame costs is the turn: waking up, `epoll_wait`, timers, the ticks and writes that could have been shared
 * (45 µs a frame without, 27 with five frames a turn; docs/performance.md).
 *
 * Nothing sleeps on a quiet node, where an edit is delivered at once, and nothing on a busy one, where turns fill by
 * themselves. Nothing sleeps while people arrive: libuv accepts one connection in a turn. Work of other threads (the disk) goes on
 * meanwhile; its results are seen up to 4 ms later.
 */
import { performance, type EventLoopUtilization } from 'node:perf_hooks';

const SAMPLE_MS = 100;
/** Frames a second below which each is handled as it comes. */
const BUSY_FRAMES_PER_SECOND = 400;
/** As many frames as should share a turn. */
const FRAMES_PER_TURN = 8;
export const MAX_SLEEP_MS = 4;
/** Above this share of time in use there is nothing to be gained. */
const MAX_UTILIZATION = 0.7;
/** Of the frames. With fewer awaited among them they are cursors, which wait for their window anyway: sleeps may be longer. */
const FEW_AWAITED = 0.1;
const PATIENCE_WITH_CURSORS = 2;

export class ReceivePacer {
  /** Total time slept, in milliseconds: the event loop counts it as time in use. */
  sleptMs = 0;
  /** The longest sleep. May be changed at any time. */
  maxSleepMs = MAX_SLEEP_MS;
  #frames = 0;
  #awaited = 0;
  #hasAccepted = false;
  #sleepMs = 0;
  #sampledAt = performance.now();
  #sleptAtSample = 0;
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  /** How long a turn that brought frames is followed by sleep at present. */
  get sleepMs(): number {
    return this.#sleepMs;
  }

  noteFrame(): void {
    this.#frames += 1;
  }

  /** Somebody waits for what the frame brings: an edit for the others, a join for who sent it. */
  noteAwaited(): void {
    this.#awaited += 1;
  }

  /** A connection was accepted. More may wait behind it, and each would come after a sleep. */
  noteAccepted(): void {
    this.#hasAccepted = true;
  }

  /** To be called at the end of a turn that brought frames, when its work is done. */
  endTurn(maySleep: boolean): void {
    const now = performance.now();
    if (now - this.#sampledAt >= SAMPLE_MS) this.#adapt(now);
    const hasAccepted = this.#hasAccepted;
    this.#hasAccepted = false;
    if (this.#sleepMs === 0 || hasAccepted || !maySleep) return;
    sleep(this.#cell, this.#sleepMs);
    this.sleptMs += performance.now() - now;
  }

  #adapt(now: number): void {
    const elapsed = now - this.#sampledAt;
    const current = performance.eventLoopUtilization();
    const { active } = performance.eventLoopUtilization(current, this.#utilization);
    const busyMs = active - (this.sleptMs - this.#sleptAtSample);
    const framesPerSecond = (this.#frames / elapsed) * 1_000;
    this.#utilization = current;
    this.#sampledAt = now;
    this.#sleptAtSample = this.sleptMs;
    const patience = this.#awaited < this.#frames * FEW_AWAITED ? PATIENCE_WITH_CURSORS : 1;
    this.#frames = 0;
    this.#awaited = 0;
    const sleepMs = Math.min(this.maxSleepMs * patience, (FRAMES_PER_TURN / framesPerSecond) * 1_000);
    const pays = framesPerSecond >= BUSY_FRAMES_PER_SECOND && busyMs / elapsed < MAX_UTILIZATION && sleepMs >= 1;
    this.#sleepMs = pays ? sleepMs : 0;
  }
}

/** A function of its own, so that a profile tells it from work. */
function sleep(cell: Int32Array, ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}
