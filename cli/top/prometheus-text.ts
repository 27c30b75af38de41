/**
 * Reads Prometheus' text format, as far as this server writes it: `name{label="value",…} number`.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Scrape {
  readonly #samples = new Map<string, Sample[]>();

  /** @param atMs when it was taken, of a clock that does not go back */
  constructor(
    text: string,
    readonly atMs: number,
  ) {
    for (const line of text.split('\n')) {
      const match = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/i.exec(line);
      if (match === null) continue;
      const [, name = '', labels = '', value = ''] = match;
      const sample = { labels: labelsOf(labels), value: value === '+Inf' ? Infinity : Number(value) };
      const samples = this.#samples.get(name);
      if (samples === undefined) this.#samples.set(name, [sample]);
      else samples.push(sample);
    }
  }

  samples(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** All label values together; 0 when there is no such metric. */
  total(name: string): number {
    return this.samples(name).reduce((sum, { value }) => sum + value, 0);
  }

  by(name: string, label: string): Record<string, number> {
    return Object.fromEntries(this.samples(name).map(({ labels, value }) => [labels[label] ?? '', value]));
  }
}

/** Of a counter between two scrapes; since the start of the server when it was restarted meanwhile. */
export function increase(name: string, before: Scrape, after: Scrape): number {
  const [from, to] = [before.total(name), after.total(name)];
  return to >= from ? to - from : to;
}

export function rate(name: string, before: Scrape, after: Scrape): number {
  return increase(name, before, after) / Math.max(0.001, (after.atMs - before.atMs) / 1_000);
}

/**
 * Quantiles of what a histogram has counted between two scrapes, linear within a bucket as Prometheus'
 * `histogram_quantile` has it. Undefined when nothing was counted.
 */
export function quantile(q: number, name: string, before: Scrape, after: Scrape): number | undefined {
  const buckets = new Map<number, number>();
  const add = (scrape: Scrape, sign: number): void => {
    for (const { labels, value } of scrape.samples(`${name}_bucket`)) {
      const limit = labels['le'] === '+Inf' ? Infinity : Number(labels['le']);
      buckets.set(limit, (buckets.get(limit) ?? 0) + sign * value);
    }
  };
  add(after, 1);
  const isRestarted = after.total(`${name}_count`) < before.total(`${name}_count`);
  if (!isRestarted) add(before, -1);
  const limits = [...buckets.keys()].sort((a, b) => a - b);
  const total = buckets.get(Infinity) ?? 0;
  if (total <= 0) return undefined;
  let [lower, below] = [0, 0];
  for (const limit of limits) {
    const count = buckets.get(limit) ?? 0;
    if (count >= q * total) {
      // Beyond the last finite bucket all that is known is its limit.
      if (limit === Infinity) return lower;
      return lower + ((limit - lower) * (q * total - below)) / Math.max(1, count - below);
    }
    [lower, below] = [limit, count];
  }
  return lower;
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([a-z_][a-z0-9_]*)="((?:[^"\\]|\\.)*)"/gi)) {
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}
