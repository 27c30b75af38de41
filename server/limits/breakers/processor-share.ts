/**
 * How much of the time in which this process was busy it really had a processor: 1 on a quiet machine, less where others
 * take the cores. Time measured by the clock, times this, is work.
 */
import { performance } from 'node:perf_hooks';

const SAMPLE_MS = 1_000;
const LEAST = 0.05;

export class ProcessorShare {
  #share = 1;
  #sampledAt = performance.now();
  #cpu = process.cpuUsage();
  #loop = performance.eventLoopUtilization();

  /** Of about the last second. */
  read(): number {
    const now = performance.now();
    if (now - this.#sampledAt < SAMPLE_MS) return this.#share;
    const { user, system } = process.cpuUsage(this.#cpu);
    const loop = performance.eventLoopUtilization();
    const busyMs = loop.active - this.#loop.active;
    // Other threads work as well: with them it may look like more than there was.
    if (busyMs > 0) this.#share = Math.min(1, Math.max(LEAST, (user + system) / 1_000 / busyMs));
    this.#sampledAt = now;
    this.#cpu = process.cpuUsage();
    this.#loop = loop;
    return this.#share;
  }
}
