/** Where the metrics of alert rules come from. */
import type { Fact, FactSources } from '../../server/alerts/index.js';
import type { AdmissionPools, Breakers, OutboundQueues } from '../../server/limits/index.js';
import type { Metrics } from '../../server/observability/index.js';
import type { Storage } from '../../server/storage/index.js';
import type { SystemSampler } from '../../server/system-events/index.js';

export interface FactOptions {
  readonly storage: Storage;
  readonly metrics: Metrics;
  readonly sampler: SystemSampler;
  readonly pools: AdmissionPools;
  readonly queues: OutboundQueues;
  readonly breakers: Breakers;
  /** Each document that could not be read, and why. */
  damagedDocuments(): ReadonlyMap<string, string>;
  backlog(): { readonly bytes: number; readonly limitBytes: number };
  deadLetters(): { readonly waiting: number; readonly lost: number };
}

const NAMES = 20;

export function factSources(options: FactOptions): FactSources {
  const { storage, metrics, sampler, pools, queues, breakers } = options;
  const disk = (): { totalBytes: number; freeBytes: number } | undefined => sampler.now().disk ?? undefined;
  const errors = (type: string) => (): number => metrics.errorsOf(type);
  return {
    'cpu.percent': () => sampler.now().cpuPercent,
    'memory.percent': () => sampler.now().memoryPercent,
    'memory.rss_bytes': () => process.memoryUsage.rss(),
    'eventloop.delay_p99_ms': () => ({
      value: metrics.eventLoopDelay().p99Ms,
      details: { ...metrics.eventLoopDelay() },
    }),
    'disk.free_percent': () => {
      const facts = disk();
      return facts && { value: (facts.freeBytes / facts.totalBytes) * 100, details: facts };
    },
    'disk.free_bytes': () => disk()?.freeBytes,
    'disk.stalled': () => (storage.kind === 'embedded' ? failing(storage, true) : undefined),
    'store.failing': () => failing(storage, false),
    'redis.unreachable': () => (storage.kind === 'redis' ? failing(storage, false) : undefined),
    'backlog.bytes': () => options.backlog().bytes,
    'backlog.percent': () => {
      const { bytes, limitBytes } = options.backlog();
      return { value: (bytes / limitBytes) * 100, details: { bytes, limitBytes } };
    },
    'pools.fullest_percent': () =>
      fullest(pools.list().map((pool) => ({ ...pool, filled: pool.connections / pool.size }))),
    'queues.fullest_percent': () =>
      fullest(queues.list().map((queue) => ({ ...queue, filled: queue.depth / queue.capacity }))),
    'documents.damaged': () => {
      const damaged = options.damagedDocuments();
      return { value: damaged.size, details: { documents: Object.fromEntries([...damaged].slice(0, NAMES)) } };
    },
    'deadletters.waiting': () => options.deadLetters().waiting,
    'breakers.open': () => {
      const open = breakers.list().filter(({ state }) => state !== 'closed');
      return { value: open.length, details: { breakers: open.slice(0, NAMES).map(({ name }) => name) } };
    },
    'connections.open': () => sampler.now().connections,
    'rooms.open': () => sampler.now().rooms,
    'errors.total': () => metrics.totals().errors,
    'errors.log_restated': errors('log_restated'),
    'errors.append_refused': errors('append_refused'),
    'errors.document_load': errors('document_load'),
    'errors.compaction': errors('compaction'),
    'errors.tick': errors('tick'),
    'errors.poison_update': errors('poison_update'),
    'errors.admission_refused': errors('admission_refused'),
    'errors.keys_unavailable': errors('keys_unavailable'),
    'delivery.resyncs': () => metrics.delivery.resyncs,
    'delivery.drops': () => metrics.totals().drops,
  };
}

function failing(storage: Storage, isStallWanted: boolean): Fact {
  const health = storage.health();
  if (health.state !== 'failing' || (isStallWanted && health.isStalled !== true)) return { value: 0 };
  const { reason, pendingBytes, since } = health;
  return { value: 1, details: { reason, pendingBytes, failingSince: new Date(since).toISOString() } };
}

function fullest(parts: readonly { readonly name: string; readonly filled: number }[]): Fact {
  let [name, filled] = ['', 0];
  for (const part of parts) if (part.filled > filled) [name, filled] = [part.name, part.filled];
  return { value: filled * 100, details: { name } };
}
