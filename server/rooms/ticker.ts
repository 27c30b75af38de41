/**
 * HOT PATH. Decides when rooms with work are flushed: at the end of the event-loop turn when the node is idle,
 * up to 20 ms later as it gets busy, so that more edits share one transaction, one append, one frame and one write.
 * One timer for all rooms.
 */
import { performance, type EventLoopUtilization } from 'node:perf_hooks';

export interface Tickable {
  tick(): void;
}

const MAX_DELAY_MS = 20;
/** Share of time that the event loop is busy: below `LOW` no delay, at `HIGH` the longest. */
const LOW = 0.35;
const HIGH = 0.75;
const SAMPLE_MS = 100;

export class Ticker {
  /** Total ticks, for metrics. */
  ticks = 0;
  #dirty: Tickable[] = [];
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #delayMs = 0;
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  #sampledAt = performance.now();

  constructor(
    private readonly isAdaptive: boolean,
    private readonly onError: (error: unknown) => void,
  ) {}

  get delayMs(): number {
    return this.#delayMs;
  }

  /** The caller sees to it that a room is scheduled once per tick. */
  schedule(room: Tickable): void {
    this.#dirty.push(room);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#delayMs < 1) this.#immediate = setImmediate(this.#flush);
    else this.#timer = setTimeout(this.#flush, this.#delayMs);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    const rooms = this.#dirty;
    this.#dirty = [];
    for (const room of rooms) {
      this.ticks += 1;
      try {
        room.tick();
      } catch (error) {
        // One room's fault is not its neighbours'.
        this.onError(error);
      }
    }
    if (this.isAdaptive) this.#adapt();
  };

  #adapt(): void {
    const now = performance.now();
    if (now - this.#sampledAt < SAMPLE_MS) return;
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, this.#utilization);
    this.#utilization = current;
    this.#sampledAt = now;
    const wanted = ((utilization - LOW) / (HIGH - LOW)) * MAX_DELAY_MS;
    // Batching lowers the load that asked for it: half the way each time, so that the delay settles.
    this.#delayMs = Math.max(0, Math.min(MAX_DELAY_MS, (this.#delayMs + wanted) / 2));
  }

  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#dirty = [];
    this.#isScheduled = false;
  }
}
