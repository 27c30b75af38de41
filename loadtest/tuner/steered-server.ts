/** A server whose tuner is steered over REST, with its CPU time and what its users feel. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startPinnedServer, type PinnedServer } from '../load/pinned-server.js';
import { startLoad, type RunningLoad, type TunerLoad } from './loads.js';

export interface Step {
  readonly knob: string;
  readonly from: number;
  readonly to: number;
  readonly outcome: 'kept' | 'taken back';
  readonly before: { readonly objective: number; readonly cpuShare: number };
  readonly after: { readonly objective: number; readonly cpuShare: number };
}

/** Values of knobs by name. */
export type Setting = Readonly<Record<string, number>>;

export interface Figures {
  /** Processor time in milliseconds for each thousand deliveries. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const SETTLE_MS = 2_000;

export class SteeredServer {
  private constructor(
    private readonly folder: string,
    private readonly server: PinnedServer,
    private readonly load: RunningLoad,
    /** Where the knobs stand when nobody tunes. */
    readonly home: Setting,
  ) {}

  /** Under this load. @param seconds for how long the load can go on */
  static async start(load: TunerLoad, seconds: number): Promise<SteeredServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'formloom-tuner-'));
    const server = await startPinnedServer(folder);
    const running = await startLoad(load, server.port, seconds);
    const steered = new SteeredServer(folder, server, running, {});
    return new SteeredServer(folder, server, running, await steered.setting());
  }

  /** Rounds of the tuner, so long each. Answers the steps that it judged, oldest first. */
  async tune(targets: object, rounds: number, roundMs: number): Promise<Step[]> {
    await this.#call('PUT', '/optimization/tuner', { mode: 'auto', bounds: {}, targets });
    for (let round = 0; round < rounds; round++) {
      await pause(roundMs);
      await this.#call('POST', '/optimization/tuner/run');
    }
    // Leaving `auto` takes back what is on trial; what was kept stays.
    await this.#call('PUT', '/optimization/tuner', { mode: 'off' });
    const { data } = (await this.#call('GET', '/optimization/tuner/history?limit=200')) as { data: Step[] };
    return data.reverse();
  }

  async setting(): Promise<Setting> {
    const { knobs } = (await this.#call('GET', '/optimization/tuner')) as { knobs: { name: string; value: number }[] };
    return Object.fromEntries(knobs.map(({ name, value }) => [name, value]));
  }

  /** With the knobs where the setting has them: bounds without room. What it does not name stays at home. */
  async measure(setting: Setting, ms: number): Promise<Figures> {
    const values = Object.entries({ ...this.home, ...setting });
    const bounds = Object.fromEntries(values.map(([name, value]) => [name, { min: value, max: value }]));
    await this.#call('PUT', '/optimization/tuner', { mode: 'auto', bounds });
    await pause(SETTLE_MS);
    const { latency } = this.load;
    const { usage } = this.server;
    latency.reset();
    const cpu = usage.cpuSeconds();
    await pause(ms);
    // By what was delivered: a load that was held up by its neighbours is no cheaper.
    const cpuMs = ((usage.cpuSeconds() - cpu) * 1e6) / Math.max(1, latency.count);
    return { cpuMs, p50Ms: latency.quantile(0.5), p99Ms: latency.quantile(0.99) };
  }

  async stop(): Promise<void> {
    const { child } = this.server;
    await this.load.stop();
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }

  async #call(method: string, route: string, body?: object): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.server.port}/api/v1${route}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
