/**
 * Runs scenarios against servers in turns: within a repetition each server has its run, and the next repetition begins
 * with another one, so that whatever else the machine does meets all of them. Two builds of Formloom run at the same time.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { LoadNetwork } from '../load/clients/load-socket.js';
import type { BenchmarkOptions } from './options.js';
import { hottestFunctions } from './report/cpu-profile.js';
import type { RunRecord, ScenarioRecord } from './report/records.js';
import type { Outcome, Scenario } from './scenarios/scenario.js';
import { createAdapter, needsPeers } from './servers/adapters.js';
import { coresForBenchmark, pinThisProcess } from './servers/cores.js';
import { ServerLauncher, type RunningServer } from './servers/launcher.js';
import { installPeers, type Peers } from './servers/peers.js';
import type { ServerAdapter, ServerName } from './servers/server.js';

export interface BenchmarkEvents {
  /** One line for whoever watches. */
  say(line: string): void;
  /** After each scenario: what is known so far. */
  scenarioDone(records: readonly ScenarioRecord[]): void;
}

export class Benchmark {
  readonly #workFolder: string;
  readonly #serverCore: number | undefined;
  readonly #launchers = new Set<ServerLauncher>();

  /** @throws Error when the machine or the build is not fit for it. */
  constructor(
    private readonly options: BenchmarkOptions,
    private readonly root: string,
    private readonly events: BenchmarkEvents,
  ) {
    if (process.platform !== 'linux') throw new Error('the benchmark reads /proc: it needs Linux');
    const cores = coresForBenchmark();
    if (cores === undefined) events.say('Less than two cores or no taskset: nothing is pinned, the figures are rough.');
    else pinThisProcess(cores.load);
    this.#serverCore = cores?.server;
    mkdirSync(options.outputFolder, { recursive: true });
    // Beside the results and not in the folder for temporary files, which may be memory: a log must meet a disk.
    this.#workFolder = mkdtempSync(path.join(options.outputFolder, '.work-'));
  }

  async run(): Promise<readonly ScenarioRecord[]> {
    const { scenarios, servers, formloomMain } = this.options;
    const wanted = new Set(scenarios.flatMap((scenario) => this.#serversOf(scenario)));
    if (wanted.has('formloom') && !existsSync(formloomMain)) {
      throw new Error(`${formloomMain} is missing: run "npm run build" first, or choose other --servers`);
    }
    if (wanted.size === 0) throw new Error(`none of ${servers?.join(', ') ?? 'the servers'} runs these scenarios`);
    const peers = needsPeers([...wanted]) ? await installPeers(this.root, (line) => this.events.say(line)) : undefined;
    const records: ScenarioRecord[] = [];
    for (const scenario of scenarios) {
      records.push(await this.#runScenario(scenario, peers));
      this.events.scenarioDone(records);
    }
    return records;
  }

  /** Ends what runs and frees the disk. */
  async close(): Promise<void> {
    await Promise.all([...this.#launchers].map((launcher) => launcher.stopAll()));
    rmSync(this.#workFolder, { recursive: true, force: true });
  }

  #serversOf(scenario: Scenario): readonly ServerName[] {
    if (this.options.besideMain !== undefined) return ['formloom', 'other-build'];
    return this.options.servers ?? scenario.servers;
  }

  async #runScenario(scenario: Scenario, peers: Peers | undefined): Promise<ScenarioRecord> {
    const { repetitions, isProfiled, besideMain } = this.options;
    const adapters = this.#serversOf(scenario).map((name) => createAdapter(name, this.options, peers));
    const isAtOnce = besideMain !== undefined;
    const runs: RunRecord[] = [];
    this.events.say(`\n${scenario.title}`);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const first = repetition % adapters.length;
      const inTurn = [...adapters.slice(first), ...adapters.slice(0, first)];
      if (isAtOnce) runs.push(...(await Promise.all(inTurn.map((one) => this.#runOnce(scenario, one, repetition)))));
      else for (const adapter of inTurn) runs.push(await this.#runOnce(scenario, adapter, repetition));
    }
    const formloom = adapters.find(({ name }) => name === 'formloom');
    const profile = isProfiled && formloom !== undefined ? await this.#profile(scenario, formloom) : undefined;
    return { scenario, servers: adapters.map(({ name, title }) => ({ name, title })), runs, isAtOnce, profile };
  }

  async #runOnce(scenario: Scenario, adapter: ServerAdapter, repetition: number): Promise<RunRecord> {
    const label = `  ${adapter.name} ${repetition + 1}/${this.options.repetitions}`;
    const run = { server: adapter.name, repetition };
    try {
      const outcome = await this.#attempt(scenario, adapter, undefined);
      this.events.say(`${label}: ${summaryOf(scenario, outcome)}`);
      return { ...run, outcome };
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      this.events.say(`${label}: FAILED, ${failure}`);
      return { ...run, failure };
    }
  }

  async #attempt(scenario: Scenario, adapter: ServerAdapter, profileDir: string | undefined): Promise<Outcome> {
    const launcher = new ServerLauncher(this.#workFolder, this.#serverCore, profileDir);
    this.#launchers.add(launcher);
    const network = new LoadNetwork();
    const started: RunningServer[] = [];
    try {
      const outcome = await scenario.run({
        adapter,
        network,
        isQuick: this.options.isQuick,
        start: async (startOptions) => {
          const server = await launcher.start(adapter, startOptions);
          started.push(server);
          return server;
        },
      });
      // A profile is written at a clean end.
      for (const server of started) await (profileDir === undefined ? server.kill() : server.stop());
      return outcome;
    } finally {
      network.destroyAll();
      await launcher.stopAll();
      this.#launchers.delete(launcher);
      for (const server of started) server.discard();
    }
  }

  async #profile(scenario: Scenario, adapter: ServerAdapter): Promise<ScenarioRecord['profile']> {
    const folder = mkdtempSync(path.join(this.#workFolder, 'profile-'));
    try {
      const { usage } = await this.#attempt(scenario, adapter, folder);
      const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
      if (file === undefined) throw new Error('the server left no profile');
      this.events.say('  formloom: profiled');
      return hottestFunctions(path.join(folder, file), usage);
    } catch (error) {
      this.events.say(`  formloom: no profile, ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
}

function summaryOf({ figures }: Scenario, { figures: values, content, usage }: Outcome): string {
  const parts = figures.slice(0, 4).flatMap(({ id, label, unit }) => {
    const value = values[id];
    return value === undefined || Number.isNaN(value) ? [] : [`${label} ${value.toPrecision(3)} ${unit}`];
  });
  if (usage !== undefined) parts.push(`client at ${(usage.clientShare * 100).toFixed(0)} %`);
  const [problem] = content.problems;
  if (problem !== undefined) parts.push(`WRONG (${content.problems.length}): ${problem}`);
  return parts.join(', ');
}
