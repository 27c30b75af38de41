/** What a node does besides syncing, as metrics: pools, queues, breakers, alerts, store, disk. All read when asked. */
import type { Collected } from './collected.js';

export interface NodeSources {
  version(): string;
  isReady(): boolean;
  isStoreOk(): boolean;
  /** Time spent in ticks since the start, in milliseconds. */
  tickMs(): number;
  pools(): readonly { readonly name: string; readonly size: number; readonly refused: number }[];
  queues(): readonly {
    readonly name: string;
    readonly depth: number;
    readonly capacity: number;
    readonly delivered: number;
    readonly dropped: number;
    readonly failed: number;
  }[];
  breakersOpen(): number;
  deadLetters(): number;
  /** Open alerts that this node watches, by severity. */
  alerts(): Readonly<Record<string, number>>;
  /** Of the file system of DATA_DIR; null where it cannot be asked. */
  disk(): { readonly totalBytes: number; readonly freeBytes: number } | null;
}

/** Custom pools are an operator's, but a script may make many. */
const MAX_POOLS = 32;

/** @param sources filled in later by whoever owns the values */
export function registerNode(metrics: Collected, sources: Partial<NodeSources>): void {
  const startedAt = Date.now() / 1_000 - process.uptime();
  const pools = (): ReturnType<NodeSources['pools']> => (sources.pools?.() ?? []).slice(0, MAX_POOLS);
  const queues = (): ReturnType<NodeSources['queues']> => sources.queues?.() ?? [];
  metrics.gauge('build_info', 'Always 1.', 'version', () => [[sources.version?.() ?? 'unknown', 1]]);
  metrics.gauge('process_start_time_seconds', 'Unix time.', undefined, () => [['', startedAt]]);
  metrics.gauge('ready', '1 while the node takes work.', undefined, () => one(sources.isReady?.()));
  metrics.gauge('store_up', '1 while the store takes writes.', undefined, () => one(sources.isStoreOk?.()));
  metrics.counter('tick_seconds_total', 'Time spent in ticks.', undefined, () => [
    ['', (sources.tickMs?.() ?? 0) / 1_000],
  ]);
  metrics.gauge('pool_size', 'Connections that a pool admits.', 'pool', () =>
    pools().map(({ name, size }) => [name, size]),
  );
  metrics.counter('pool_refusals_total', 'Connections that a full pool refused.', 'pool', () =>
    pools().map(({ name, refused }) => [name, refused]),
  );
  metrics.gauge('queue_depth', 'Messages waiting.', 'class', () => queues().map(({ name, depth }) => [name, depth]));
  metrics.gauge('queue_capacity', 'Messages that a queue holds.', 'class', () =>
    queues().map(({ name, capacity }) => [name, capacity]),
  );
  metrics.counter('queue_delivered_total', 'Messages that left a queue.', 'class', () =>
    queues().map(({ name, delivered }) => [name, delivered]),
  );
  metrics.counter('queue_failed_total', 'Messages whose delivery failed.', 'class', () =>
    queues().map(({ name, failed }) => [name, failed]),
  );
  metrics.gauge('breakers_open', 'Circuit breakers that are not closed.', undefined, () => [
    ['', sources.breakersOpen?.() ?? 0],
  ]);
  metrics.gauge('dead_letters', 'Deliveries that were given up and wait.', undefined, () => [
    ['', sources.deadLetters?.() ?? 0],
  ]);
  metrics.gauge('alerts_open', 'Alerts that this node watches and that are not resolved.', 'severity', () =>
    Object.entries(sources.alerts?.() ?? {}),
  );
  const disk = (part: 'totalBytes' | 'freeBytes') => (): [string, number][] => {
    const facts = sources.disk?.() ?? null;
    return facts === null ? [] : [['', facts[part]]];
  };
  metrics.gauge('disk_total_bytes', 'File system of DATA_DIR.', undefined, disk('totalBytes'));
  metrics.gauge('disk_free_bytes', 'Free on the file system of DATA_DIR.', undefined, disk('freeBytes'));
}

function one(value: boolean | undefined): [string, number][] {
  return [['', value === true ? 1 : 0]];
}
