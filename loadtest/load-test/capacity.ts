/** The capacity search: the most connections that type at once while the p99 of delivery stays within a goal. */
import { runScenario, type ScenarioFigures } from './run-scenario.js';
import type { LoadScenario } from './scenarios.js';
import { ownServer, remoteServer, type Target } from './target.js';

export interface CapacityOptions {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly main: string;
  /** Where the search begins. */
  readonly connections: number;
  /** How long each step types, in milliseconds. */
  readonly durationMs: number;
  readonly goalP99Ms: number;
}

export interface CapacityStep {
  readonly connections: number;
  readonly isWithinGoal: boolean;
  /** Of one core, what the load itself took: near 1 it is the load that is slow, not the server. */
  readonly loadShare: number;
  readonly figures: ScenarioFigures;
}

export interface CapacityResult {
  readonly goalP99Ms: number;
  /** The step with the most connections that held the goal; undefined when not even the first one did. */
  readonly best: CapacityStep | undefined;
  /** True when the load client had no more to give: the server may hold more. */
  readonly isLimitedByLoad: boolean;
  readonly steps: readonly CapacityStep[];
}

export interface CapacityEvents {
  started(connections: number): void;
  finished(step: CapacityStep): void;
}

/** One machine has so many ports and descriptors to spare; beyond it, load comes from several machines. */
const MAX_CONNECTIONS = 20_000;
/** The search ends when what held and what did not are this close. */
const PRECISION = 0.1;
/** A goal that is missed once may have been missed for what else the machine did. */
const TRIES = 2;
const BUSY_SHARE = 0.9;

/** @throws TargetError */
export async function findCapacity(options: CapacityOptions, events: CapacityEvents): Promise<CapacityResult> {
  const { url, token, main, goalP99Ms } = options;
  const target = url === undefined ? await ownServer(main, MAX_CONNECTIONS) : remoteServer(url, token);
  const steps: CapacityStep[] = [];
  const holds = async (connections: number): Promise<boolean> => {
    for (let tries = 1; ; tries += 1) {
      events.started(connections);
      const step = await measure(target, connections, options);
      steps.push(step);
      events.finished(step);
      if (step.isWithinGoal || tries === TRIES) return step.isWithinGoal;
    }
  };
  try {
    let [good, bad] = [0, Infinity];
    let next = Math.min(MAX_CONNECTIONS, options.connections);
    while (bad - good > good * PRECISION && next > good) {
      if (await holds(next)) good = next;
      else bad = next;
      next = bad === Infinity ? Math.min(MAX_CONNECTIONS, good * 2) : Math.round((good + bad) / 2);
      if (next < PEOPLE_PER_DOCUMENT) break;
    }
    const best = steps.filter(({ isWithinGoal }) => isWithinGoal).sort((a, b) => b.connections - a.connections)[0];
    const isLimitedByLoad = steps.some(({ isWithinGoal, loadShare }) => !isWithinGoal && loadShare > BUSY_SHARE);
    return { goalP99Ms, best, isLimitedByLoad, steps };
  } finally {
    await target.close();
  }
}

const PEOPLE_PER_DOCUMENT = 10;

async function measure(
  target: Target,
  connections: number,
  { durationMs, goalP99Ms }: CapacityOptions,
): Promise<CapacityStep> {
  const scenario: LoadScenario = {
    ...{ name: `capacity-${connections}`, title: 'Capacity', connections, perRoom: PEOPLE_PER_DOCUMENT, durationMs },
    ...{ edits: Math.max(1, Math.round(durationMs / 1_000)), threshold: 1, isCompared: false },
  };
  const figures = await runScenario(target, scenario, () => undefined);
  const isWithinGoal = figures.success === 1 && figures.p99Ms <= goalP99Ms;
  return { connections, isWithinGoal, loadShare: figures.loadShare, figures };
}
