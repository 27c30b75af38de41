/** Metrics that are plain numbers until somebody asks: each is read when the registry is. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** Values by label; one with an empty label when the metric has none. */
export type Read = () => Iterable<readonly [string, number]>;

export class Collected {
  constructor(private readonly registry: Registry) {}

  /** @param label undefined when there is a single value */
  counter(name: string, help: string, label: string | undefined, read: Read): void {
    new Counter({
      ...shape(name, help, label),
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.inc(labels(label, value), count);
      },
    });
  }

  gauge(name: string, help: string, label: string | undefined, read: Read): void {
    new Gauge({
      ...shape(name, help, label),
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.set(labels(label, value), count);
      },
    });
  }
}

function shape(
  name: string,
  help: string,
  label: string | undefined,
): { name: string; help: string; labelNames: string[] } {
  return { name: `formloom_${name}`, help, labelNames: label === undefined ? [] : [label] };
}

function labels(label: string | undefined, value: string): Record<string, string> {
  return label === undefined ? {} : { [label]: value };
}
