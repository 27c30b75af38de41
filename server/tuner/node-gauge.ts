/** Takes readings of this process: each covers the time since the one before. */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { constrainedMemory, cpuUsage, memoryUsage } from 'node:process';
import { totalmem } from 'node:os';
import type { Reading } from './reading.js';

export interface NodeGaugeSources {
  /** Milliseconds spent on fan-out since the start; undefined where nobody measures it. */
  readonly fanOutMs?: () => number;
  /** Depth over capacity of the fullest outbound queue. */
  readonly queueShare: () => number;
}

const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

export class NodeGauge {
  readonly #delays: IntervalHistogram;
  #cpu = cpuUsage();
  #fanOutMs: number;
  #at = performance.now();

  constructor(private readonly sources: NodeGaugeSources) {
    this.#delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delays.enable();
    this.#fanOutMs = sources.fanOutMs?.() ?? 0;
  }

  /** Since the last `take`, or since the start. Takes nothing away: the next one covers the same time and more. */
  peek(): Reading {
    const elapsedMs = Math.max(1, performance.now() - this.#at);
    const { user, system } = cpuUsage(this.#cpu);
    const { rss } = memoryUsage();
    return {
      loopDelayP99Ms:
        this.#delays.count === 0 ? 0 : Math.max(0, this.#delays.percentile(99) / NS_PER_MS - RESOLUTION_MS),
      cpuShare: (user + system) / 1_000 / elapsedMs,
      memoryShare: rss / memoryLimit(),
      fanOutShare: ((this.sources.fanOutMs?.() ?? 0) - this.#fanOutMs) / elapsedMs,
      queueShare: this.sources.queueShare(),
    };
  }

  take(): Reading {
    const reading = this.peek();
    this.#delays.reset();
    this.#cpu = cpuUsage();
    this.#fanOutMs = this.sources.fanOutMs?.() ?? 0;
    this.#at = performance.now();
    return reading;
  }

  close(): void {
    this.#delays.disable();
  }
}

/** Of the container when there is a limit (Node answers 0 or a huge number when there is none), else of the machine. */
function memoryLimit(): number {
  const limit = constrainedMemory();
  const total = totalmem();
  return limit > 0 && limit < total ? limit : total;
}
