/** The load test: runs scenarios and judges them. */
import { runScenario, type ScenarioFigures } from './run-scenario.js';
import { loadScenarios, type LoadScenario, type ScenarioSettings } from './scenarios.js';
import { ownServer, remoteServer, type Target } from './target.js';

export interface LoadTestOptions extends ScenarioSettings {
  /** A running server; undefined: one of our own. */
  readonly url: string | undefined;
  readonly token: string | undefined;
  /** The built `main.js`, for a server of our own. */
  readonly main: string;
  /** Names of scenarios; all when empty. */
  readonly scenarios: readonly string[];
}

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly hasPassed: boolean;
  /** What was asked for and not reached, one sentence each. */
  readonly failures: readonly string[];
  readonly threshold: number;
  readonly figures: ScenarioFigures;
  /** The same with the tuner off, where that is compared. */
  readonly untuned: ScenarioFigures | undefined;
  readonly remark: string | undefined;
}

export interface LoadTestEvents {
  started(scenario: LoadScenario): void;
  progress(scenario: LoadScenario, step: string, share: number): void;
  finished(result: ScenarioResult): void;
}

/** The whole product has to do it with this much to spare. */
const LIMITS = { memoryShare: 0.8, cpuShare: 0.7, meanMs: 100, messagesPerMinute: 10_000 } as const;

/** @throws TargetError */
export async function runLoadTest(options: LoadTestOptions, events: LoadTestEvents): Promise<ScenarioResult[]> {
  const all = loadScenarios(options);
  const wanted = options.scenarios.length === 0 ? all : all.filter(({ name }) => options.scenarios.includes(name));
  const most = Math.max(...wanted.map(({ connections }) => connections));
  const results: ScenarioResult[] = [];
  for (const scenario of wanted) {
    events.started(scenario);
    // A fresh one each time: what a scenario leaves in memory is not the next one's.
    const target =
      options.url === undefined ? await ownServer(options.main, most) : remoteServer(options.url, options.token);
    try {
      const result = await judge(target, scenario, events);
      results.push(result);
      events.finished(result);
    } finally {
      await target.close();
    }
  }
  return results;
}

async function judge(target: Target, scenario: LoadScenario, events: LoadTestEvents): Promise<ScenarioResult> {
  const { name, title, threshold } = scenario;
  const run = (label: string): Promise<ScenarioFigures> =>
    runScenario(target, scenario, (step, share) => events.progress(scenario, `${label}${step}`, share));
  let untuned: ScenarioFigures | undefined;
  let remark: string | undefined;
  // An operator's own setting is put back at the end.
  const mode = scenario.isCompared ? await target.tuner() : undefined;
  if (scenario.isCompared) {
    if (mode !== undefined && (await target.setTuner('off'))) {
      untuned = await run('tuner off: ');
      await target.setTuner('auto');
    } else {
      remark = 'this server has no tuner that could be switched: run once as it is';
    }
  }
  const figures = await run(untuned === undefined ? '' : 'tuner on: ');
  if (mode !== undefined) await target.setTuner(mode);
  const failures = failuresOf(figures, scenario);
  return { name, title, threshold, hasPassed: failures.length === 0, failures, figures, untuned, remark };
}

function failuresOf(figures: ScenarioFigures, scenario: LoadScenario): string[] {
  const failures: string[] = [];
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  if (figures.success < scenario.threshold) {
    failures.push(
      `${percent(figures.success)} of connections succeeded, at least ${percent(scenario.threshold)} have to`,
    );
  }
  if (!(figures.meanMs < LIMITS.meanMs)) {
    failures.push(`mean latency ${figures.meanMs.toFixed(1)} ms, has to be under ${LIMITS.meanMs} ms`);
  }
  if (!(figures.cpuShare < LIMITS.cpuShare)) {
    failures.push(`CPU ${percent(figures.cpuShare)}, has to be under ${percent(LIMITS.cpuShare)}`);
  }
  if (!(figures.memoryShare < LIMITS.memoryShare)) {
    failures.push(`memory ${percent(figures.memoryShare)}, has to be under ${percent(LIMITS.memoryShare)}`);
  }
  // A short or small run may not have that many to send.
  const isBusy = scenario.connections >= 100;
  if (isBusy && figures.messagesPerMinute < LIMITS.messagesPerMinute) {
    failures.push(`${figures.messagesPerMinute} messages a minute, have to be ${LIMITS.messagesPerMinute}`);
  }
  return failures;
}
