/** Medians, spread and ratios of a scenario's runs, and whether the goals are met. */
import { CLIENT_LIMIT } from '../../load/measuring/meter.js';
import type { Figure } from '../scenarios/scenario.js';
import type { ServerName } from '../servers/server.js';
import type { HotFunction } from './cpu-profile.js';
import { GOALS, type Goal } from './goals.js';
import type { RunRecord, ScenarioRecord } from './records.js';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Values of the runs, in the order in which they were taken. */
  readonly values: readonly number[];
}

export interface ServerSummary {
  readonly name: ServerName;
  readonly title: string;
  readonly figures: Readonly<Record<string, Spread>>;
  /**
   * Median of the first figure as a multiple of Formloom's; of servers that ran at the same time, the median of the multiples.
   * Undefined without Formloom.
   */
  readonly ratio: number | undefined;
  /** What was lost, wrong or failed, and what makes a figure doubtful. */
  readonly problems: readonly string[];
  readonly remarks: readonly string[];
}

export interface GoalSummary {
  readonly text: string;
  readonly value: number;
  readonly limit: number;
  readonly isMet: boolean;
}

export interface ScenarioSummary {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly figures: readonly Figure[];
  readonly servers: readonly ServerSummary[];
  readonly goals: readonly GoalSummary[];
  readonly profile: readonly HotFunction[] | undefined;
  readonly hasProblems: boolean;
}

export function summarize({ scenario, servers, runs, isAtOnce, profile }: ScenarioRecord): ScenarioSummary {
  const { id, title, description, figures } = scenario;
  const bare = servers.map((server) => {
    const own = runs.filter((run) => run.server === server.name);
    return {
      ...server,
      figures: spreadsOf(figures, own),
      problems: problemsOf(own),
      remarks: remarksOf(own, isAtOnce),
    };
  });
  const [main] = figures;
  const medianOf = (name: ServerName, figure: string): number | undefined =>
    bare.find((server) => server.name === name)?.figures[figure]?.median;
  const ratioOf = (name: ServerName): number | undefined => {
    if (main === undefined) return undefined;
    if (isAtOnce) return medianOfPairs(runs, name, main.id);
    const [own, value] = [medianOf('formloom', main.id), medianOf(name, main.id)];
    return own === undefined || value === undefined ? undefined : value / own;
  };
  return {
    id,
    title,
    description,
    figures,
    servers: bare.map((server) => ({ ...server, ratio: ratioOf(server.name) })),
    goals: GOALS.filter((goal) => goal.scenario === id).flatMap((goal) => judge(goal, medianOf)),
    profile,
    hasProblems: bare.some(({ problems }) => problems.length > 0),
  };
}

function medianOfPairs(runs: readonly RunRecord[], name: ServerName, figure: string): number | undefined {
  const ofRun = (server: ServerName, repetition: number): number | undefined =>
    runs.find((run) => run.server === server && run.repetition === repetition)?.outcome?.figures[figure];
  const ratios = [...new Set(runs.map(({ repetition }) => repetition))].flatMap((repetition) => {
    const [own, value] = [ofRun('formloom', repetition), ofRun(name, repetition)];
    return own === undefined || value === undefined ? [] : [value / own];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios).median;
}

function spreadsOf(figures: readonly Figure[], runs: readonly RunRecord[]): Record<string, Spread> {
  const spreads: Record<string, Spread> = {};
  for (const { id } of figures) {
    const values = runs.flatMap(({ outcome }) => outcome?.figures[id] ?? []).filter((value) => !Number.isNaN(value));
    if (values.length > 0) spreads[id] = spreadOf(values);
  }
  return spreads;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN, values };
}

function problemsOf(runs: readonly RunRecord[]): string[] {
  const failures = runs.flatMap(({ failure, repetition }) =>
    // What the server printed follows; it was told when it happened.
    failure === undefined ? [] : [`run ${repetition + 1}: ${firstLine(failure)}`],
  );
  const wrong = runs.flatMap(({ outcome, repetition }) => {
    const [first, ...others] = outcome?.content.problems ?? [];
    if (first === undefined) return [];
    return [`run ${repetition + 1}: ${first}${others.length > 0 ? `, and ${others.length} more` : ''}`];
  });
  return [...failures, ...wrong];
}

function remarksOf(runs: readonly RunRecord[], isAtOnce: boolean): string[] {
  const usages = runs.flatMap(({ outcome }) => outcome?.usage ?? []);
  const remarks: string[] = [];
  const duplicates = runs.reduce((sum, { outcome }) => sum + (outcome?.content.duplicates ?? 0), 0);
  if (duplicates > 0) remarks.push(`${duplicates} clocks came more than once`);
  const limited = usages.filter(({ clientShare }) => clientShare > CLIENT_LIMIT).length;
  if (limited > 0) remarks.push(`the load client was the bottleneck in ${limited} of ${usages.length} runs`);
  const disturbed = usages.map(({ otherCores }) => otherCores).filter((cores) => cores > 0.1);
  // Of two that ran at once each is the other of the other.
  if (disturbed.length > 0 && !isAtOnce) {
    const { min, max } = spreadOf(disturbed);
    const cores = [...new Set([min.toFixed(1), max.toFixed(1)])].join(' to ');
    remarks.push(`others took ${cores} cores in ${disturbed.length} of ${usages.length} runs`);
  }
  return remarks;
}

const firstLine = (text: string): string => text.split('\n', 1)[0]?.replace(/:$/, '') ?? '';

function judge(goal: Goal, medianOf: (name: ServerName, figure: string) => number | undefined): GoalSummary[] {
  const own = medianOf('formloom', goal.figure);
  const other = goal.against === undefined ? 1 : medianOf(goal.against, goal.figure);
  if (own === undefined || other === undefined) return [];
  const value = own / other;
  return [{ text: goal.text, value, limit: goal.limit, isMet: value <= goal.limit }];
}
