/** What a phase of a run took: CPU of the server, of the load client, of everything else on the machine. */
import { setTimeout as pause } from 'node:timers/promises';
import { machineBusySeconds, type ProcessUsage } from '../servers/process-usage.js';

export interface PhaseUsage {
  readonly wallSeconds: number;
  readonly serverCpuSeconds: number;
  readonly clientCpuSeconds: number;
  /** Share of one core; above 0.85 the client may have been the bottleneck. */
  readonly clientShare: number;
  readonly serverShare: number;
  /** CPU that neither of the two took, in cores. */
  readonly otherCores: number;
}

export class Meter {
  readonly #wall = performance.now();
  readonly #client = process.cpuUsage();
  readonly #machine = machineBusySeconds();
  readonly #server: number;

  constructor(private readonly usage: ProcessUsage) {
    this.#server = usage.cpuSeconds();
  }

  stop(): PhaseUsage {
    const wallSeconds = (performance.now() - this.#wall) / 1_000;
    const { user, system } = process.cpuUsage(this.#client);
    const clientCpuSeconds = (user + system) / 1e6;
    const serverCpuSeconds = this.usage.cpuSeconds() - this.#server;
    const others = machineBusySeconds() - this.#machine - serverCpuSeconds - clientCpuSeconds;
    return {
      wallSeconds,
      serverCpuSeconds,
      clientCpuSeconds,
      clientShare: clientCpuSeconds / wallSeconds,
      serverShare: serverCpuSeconds / wallSeconds,
      otherCores: Math.max(0, others / wallSeconds),
    };
  }
}

const WINDOW_MS = 250;
const QUIET_CPU_SECONDS = 0.03;
const LIMIT_MS = 20_000;

/** Waits until the server has finished what it deferred (a store that lags behind), so that it is counted. */
export async function untilQuiet(usage: ProcessUsage, limitMs = LIMIT_MS): Promise<void> {
  const limit = performance.now() + limitMs;
  let before = usage.cpuSeconds();
  while (performance.now() < limit) {
    await pause(WINDOW_MS);
    const now = usage.cpuSeconds();
    if (now - before <= QUIET_CPU_SECONDS) return;
    before = now;
  }
}
