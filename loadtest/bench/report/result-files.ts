/** The JSON and the page of a run; written after each scenario, so that a run that is broken off leaves what it has. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pageOf } from './page.js';
import type { ScenarioSummary } from './summary.js';

/** What the figures were taken on. */
export interface Circumstances {
  readonly takenAt: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** Of the sources, when they lie in a Git repository. */
  readonly commit: string | undefined;
  readonly repetitions: number;
  readonly isQuick: boolean;
}

export class ResultFiles {
  readonly json: string;
  readonly html: string;
  readonly #circumstances: Circumstances;

  constructor(folder: string, settings: Pick<Circumstances, 'repetitions' | 'isQuick'>) {
    const takenAt = new Date().toISOString();
    const stem = path.join(folder, `bench-${takenAt.replaceAll(':', '-').slice(0, 19)}`);
    this.json = `${stem}.json`;
    this.html = `${stem}.html`;
    this.#circumstances = {
      takenAt,
      node: process.version,
      cpu: os.cpus()[0]?.model ?? 'unknown',
      cores: os.cpus().length,
      kernel: os.release(),
      commit: commit(),
      ...settings,
    };
  }

  write(scenarios: readonly ScenarioSummary[]): void {
    writeFileSync(this.json, `${JSON.stringify({ circumstances: this.#circumstances, scenarios }, null, 2)}\n`);
    writeFileSync(this.html, pageOf(this.#circumstances, scenarios));
  }
}

function commit(): string | undefined {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    // Not a repository, or no git: the figures stand without it.
    return undefined;
  }
}
