/** What a phase of a run took: CPU of the server, of the load client, of everything else on the machine. */
import { setTimeout as pause } from 'node:timers/promises';
import { machineBusySeconds, type ProcessUsage } from './process-usage.js';

export interface PhaseUsage {
  /** From the first byte of load until everything had arrived. */
  readonly wallSeconds: number;
  /** Including what the server did after that (a store that lags behind). */
  readonly serverCpuSeconds: number;
  /** Of that, the thread that runs JavaScript. */
  readonly serverMainThreadSeconds: number;
  readonly clientCpuSeconds: number;
  /** Share of one core; above `CLIENT_LIMIT` the load client may have been the bottleneck. */
  readonly clientShare: number;
  readonly serverShare: number;
  /** CPU that neither of the two took, in cores. */
  readonly otherCores: number;
  /** Monotonic clock in µs, that of CPU profiles: which samples belong to the phase. */
  readonly fromUs: number;
  readonly toUs: number;
}

/** Share of its core above which the load client itself may have set the pace. */
export const CLIENT_LIMIT = 0.9;

const monotonicUs = (): number => Number(process.hrtime.bigint() / 1_000n);

export class Meter {
  readonly #fromUs = monotonicUs();
  readonly #client = process.cpuUsage();
  readonly #machine = machineBusySeconds();
  readonly #server: number;
  readonly #mainThread: number;
  #load: Pick<PhaseUsage, 'wallSeconds' | 'clientCpuSeconds' | 'serverShare' | 'otherCores'> | undefined;

  constructor(private readonly usage: ProcessUsage) {
    this.#server = usage.cpuSeconds();
    this.#mainThread = usage.mainThreadCpuSeconds();
  }

  /** Everything has arrived: what follows is the server's own. */
  loadEnded(): void {
    const wallSeconds = (monotonicUs() - this.#fromUs) / 1e6;
    const { user, system } = process.cpuUsage(this.#client);
    const clientCpuSeconds = (user + system) / 1e6;
    const serverCpuSeconds = this.usage.cpuSeconds() - this.#server;
    const others = machineBusySeconds() - this.#machine - serverCpuSeconds - clientCpuSeconds;
    this.#load = {
      wallSeconds,
      clientCpuSeconds,
      serverShare: serverCpuSeconds / wallSeconds,
      otherCores: Math.max(0, others / wallSeconds),
    };
  }

  /** Resolves when the server is quiet. */
  async stop(): Promise<PhaseUsage> {
    if (this.#load === undefined) this.loadEnded();
    const load = this.#load ?? { wallSeconds: 0, clientCpuSeconds: 0, serverShare: 0, otherCores: 0 };
    await untilQuiet(this.usage);
    return {
      ...load,
      serverCpuSeconds: this.usage.cpuSeconds() - this.#server,
      serverMainThreadSeconds: this.usage.mainThreadCpuSeconds() - this.#mainThread,
      clientShare: load.clientCpuSeconds / load.wallSeconds,
      fromUs: this.#fromUs,
      toUs: monotonicUs(),
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
