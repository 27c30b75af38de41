/** Runs scenarios one after the other, each with a server and sockets of its own, and judges them. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LoadNetwork } from '../load/clients/load-socket.js';
import { ServerLauncher } from '../bench/servers/launcher.js';
import type { StressOptions } from './options.js';
import type { Figure, Outcome, Scenario } from './scenario.js';
import { StressServer } from './stress-server.js';

export interface Verdict {
  readonly id: string;
  readonly title: string;
  readonly hasPassed: boolean;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  /** Also limits that were not kept. */
  readonly problems: readonly string[];
}

const MAX_PROBLEMS = 10;
const TENTH = 10;

export class StressTest {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'formloom-stress-'));
  readonly #launcher = new ServerLauncher(this.#folder, undefined, undefined);

  /** @throws Error when there is no build, or this is no Linux */
  constructor(
    private readonly options: StressOptions,
    private readonly say: (line: string) => void,
  ) {
    if (process.platform !== 'linux') throw new Error('the stress test reads /proc: it needs Linux');
    if (!existsSync(options.formloomMain))
      throw new Error(`${options.formloomMain} is missing: run "npm run build" first`);
  }

  async run(scenario: Scenario): Promise<Verdict> {
    const { id, title } = scenario;
    const startedAt = performance.now();
    this.say(`${id}: ${title}`);
    const outcome = await this.#attempt(scenario);
    const problems = [...outcome.figures.flatMap(exceeded), ...outcome.problems].slice(0, MAX_PROBLEMS);
    const seconds = (performance.now() - startedAt) / 1_000;
    return { id, title, hasPassed: problems.length === 0, seconds, figures: outcome.figures, problems };
  }

  async #attempt(scenario: Scenario): Promise<Outcome> {
    const { isQuick, formloomMain } = this.options;
    const network = new LoadNetwork();
    const servers: StressServer[] = [];
    try {
      return await scenario.run({
        network,
        isQuick,
        scaled: (count) => (isQuick ? Math.max(1, Math.round(count / TENTH)) : count),
        say: (line) => this.say(`  ${line}`),
        start: async (options) => {
          const server = await StressServer.start(this.#launcher, formloomMain, options);
          servers.push(server);
          return server;
        },
      });
    } catch (error) {
      const ended = servers.find((server) => !server.isRunning);
      const why = error instanceof Error ? error.message : String(error);
      const problems = [ended === undefined ? why : `the server ended: ${ended.output()} (${why})`];
      return { figures: [], problems };
    } finally {
      network.destroyAll();
      for (const server of servers) await server.kill();
    }
  }

  async close(): Promise<void> {
    await this.#launcher.stopAll();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function exceeded({ label, value, unit, below }: Figure): string[] {
  return below === undefined || value < below ? [] : [`${label}: ${rounded(value)} ${unit}, the limit is ${below}`];
}

export function lineOf({ id, hasPassed, figures, problems, seconds }: Verdict): string {
  const told = figures.map(
    ({ label, value, unit, below }) =>
      `${label} ${rounded(value)} ${unit}${below === undefined ? '' : ` (< ${below})`}`,
  );
  const verdict = hasPassed ? 'passed' : 'FAILED';
  return `${verdict}  ${id.padEnd(16)} ${[...told, ...problems.map((problem) => `! ${problem}`)].join('; ')} [${seconds.toFixed(0)} s]`;
}

function rounded(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(3);
}
