/** What rules can compare with a threshold. */
export interface MetricFacts {
  /** `gauge`: as it is now. `counter`: how many within the rule's window. */
  readonly kind: 'gauge' | 'counter';
  readonly unit: string;
  readonly description: string;
}

export const METRICS = {
  'cpu.percent': gauge('%', 'CPU time of the process; 100 is one core.'),
  'memory.percent': gauge('%', 'Resident memory of what the process may have.'),
  'memory.rss_bytes': gauge('bytes', 'Resident memory.'),
  'eventloop.delay_p99_ms': gauge('ms', 'Delay of the event loop over the last 10 s, 99th percentile.'),
  'disk.free_percent': gauge('%', 'Free space of the file system of DATA_DIR.'),
  'disk.free_bytes': gauge('bytes', 'Free space of the file system of DATA_DIR.'),
  'disk.stalled': gauge('0 or 1', 'The disk has not answered a write for seconds.'),
  'store.failing': gauge('0 or 1', 'The store does not take writes; they wait.'),
  'redis.unreachable': gauge('0 or 1', 'Redis does not answer.'),
  'backlog.bytes': gauge('bytes', 'Edits that wait for the store.'),
  'backlog.percent': gauge('%', 'Edits that wait for the store, of their budget.'),
  'pools.fullest_percent': gauge('%', 'Connections of the fullest admission pool, of its size.'),
  'queues.fullest_percent': gauge('%', 'Messages in the fullest outbound queue, of its capacity.'),
  'documents.damaged': gauge('documents', 'Documents whose stored content cannot be read.'),
  'deadletters.waiting': gauge('letters', 'Deliveries that were given up and wait for an operator.'),
  'breakers.open': gauge('breakers', 'Circuit breakers that are open.'),
  'connections.open': gauge('connections', 'Open connections.'),
  'rooms.open': gauge('documents', 'Documents in memory.'),
  'errors.total': counter('errors', 'Errors of every type.'),
  'errors.log_restated': counter('errors', 'Logs that had lost updates and were given the whole state again.'),
  'errors.append_refused': counter('errors', 'Appends that the log refused for good.'),
  'errors.document_load': counter('errors', 'Documents that could not be loaded.'),
  'errors.compaction': counter('errors', 'Compactions that failed.'),
  'errors.tick': counter('errors', 'Ticks of the room engine that failed.'),
  'errors.poison_update': counter('errors', 'Updates that Yjs could not apply.'),
  'errors.admission_refused': counter('refusals', 'Connections for which there was no room.'),
  'errors.keys_unavailable': counter('errors', 'Tokens that could not be verified for want of keys.'),
  'delivery.resyncs': counter('resyncs', 'Readers that were too slow and were brought up by state vector.'),
  'delivery.drops': counter('messages', 'Messages that were not delivered on purpose.'),
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as [MetricName, ...MetricName[]];

function gauge(unit: string, description: string): MetricFacts {
  return { kind: 'gauge', unit, description };
}

function counter(unit: string, description: string): MetricFacts {
  return { kind: 'counter', unit, description };
}
