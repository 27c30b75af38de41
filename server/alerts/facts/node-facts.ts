/** The metrics of this node, as rules ask for them. */
import { METRICS, type MetricName } from './metrics-catalogue.js';
import { judge, type MetricCondition, type Observation } from '../rules/rule.js';

export interface Fact {
  readonly value: number;
  /** Names behind the figure. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}
/** A gauge answers what is, a counter its total since the start; undefined where this node has no such thing. */
export type FactSources = Readonly<Record<MetricName, () => number | Fact | undefined>>;

const KEPT_MS = 3_600_000;

interface Totals {
  readonly at: number;
  readonly values: ReadonlyMap<MetricName, number>;
}

export class NodeFacts {
  readonly #counters: MetricName[];
  /** Oldest first. */
  #totals: Totals[] = [];

  /** @param now milliseconds; what is counted before is not counted */
  constructor(
    private readonly sources: FactSources,
    now: number,
  ) {
    this.#counters = (Object.keys(sources) as MetricName[]).filter((name) => METRICS[name].kind === 'counter');
    this.sample(now);
  }

  /** Remembers the counters, so that windows have a beginning. */
  sample(now: number): void {
    const values = new Map<MetricName, number>();
    for (const name of this.#counters) values.set(name, this.#read(name)?.value ?? 0);
    this.#totals.push({ at: now, values });
    const first = this.#totals.findIndex(({ at }) => at >= now - KEPT_MS);
    // One before the window stays: it is where the longest window begins.
    if (first > 1) this.#totals = this.#totals.slice(first - 1);
  }

  fact(metric: MetricName, windowMs: number, now: number): Fact | undefined {
    const fact = this.#read(metric);
    if (fact === undefined || METRICS[metric].kind === 'gauge') return fact;
    let before = 0;
    for (const { at, values } of this.#totals) {
      if (at > now - windowMs && at !== this.#totals[0]?.at) break;
      before = values.get(metric) ?? 0;
    }
    return { ...fact, value: fact.value - before };
  }

  observe(condition: MetricCondition, labels: Readonly<Record<string, string>>, now: number): Observation | undefined {
    const fact = this.fact(condition.metric, condition.windowSeconds * 1_000, now);
    if (fact === undefined) return undefined;
    const { metric, threshold, comparison } = condition;
    return {
      labels,
      value: fact.value,
      ...judge(condition, fact.value),
      evidence: { metric, value: fact.value, comparison, threshold, ...fact.details },
    };
  }

  #read(name: MetricName): Fact | undefined {
    const read = this.sources[name]();
    return typeof read === 'number' ? { value: read } : read;
  }
}
