/** The rules that every server has. Each can be changed or switched off, and set back by deleting it. */
import type { z } from 'zod';
import type { MetricName } from '../facts/metrics-catalogue.js';
import { ruleSettingsSchema, type GroupField, type Rule } from './rule.js';

type Settings = Omit<z.input<typeof ruleSettingsSchema>, 'condition'> & { readonly condition: object };

const metric = (
  name: MetricName,
  comparison: 'above' | 'atLeast' | 'below' | 'atMost',
  threshold: number,
  more: { clearThreshold?: number; windowSeconds?: number } = {},
): object => ({ kind: 'metric', metric: name, comparison, threshold, ...more });

const events = (type: string, count: number, windowSeconds: number, groupBy: readonly GroupField[] = []): object => ({
  kind: 'event',
  type,
  count,
  windowSeconds,
  groupBy,
});

const SETTINGS: Readonly<Record<string, Settings>> = {
  'store-failing': {
    name: 'The store takes no writes',
    condition: metric('store.failing', 'atLeast', 1),
    forSeconds: 3,
    severity: 'critical',
  },
  'redis-unreachable': {
    name: 'Redis does not answer',
    condition: metric('redis.unreachable', 'atLeast', 1),
    forSeconds: 3,
    severity: 'critical',
  },
  'disk-stalled': {
    name: 'The disk does not answer writes',
    condition: metric('disk.stalled', 'atLeast', 1),
    severity: 'critical',
  },
  'disk-low': {
    name: 'The disk is nearly full',
    condition: metric('disk.free_percent', 'below', 10, { clearThreshold: 12 }),
    forSeconds: 10,
    severity: 'critical',
  },
  backlog: {
    name: 'Edits pile up before the store',
    condition: metric('backlog.percent', 'atLeast', 25, { clearThreshold: 10 }),
    forSeconds: 5,
    severity: 'critical',
  },
  'log-lost': {
    name: 'A document log had lost updates',
    condition: metric('errors.log_restated', 'atLeast', 1, { windowSeconds: 600 }),
    severity: 'critical',
  },
  'damaged-document': {
    name: 'A stored document is damaged',
    condition: metric('documents.damaged', 'atLeast', 1),
    severity: 'critical',
  },
  'compaction-failing': {
    name: 'Logs cannot be folded',
    condition: metric('errors.compaction', 'atLeast', 3, { windowSeconds: 600 }),
  },
  'event-loop-delay': {
    name: 'The event loop is late',
    condition: metric('eventloop.delay_p99_ms', 'above', 200, { clearThreshold: 100 }),
    forSeconds: 15,
  },
  memory: {
    name: 'Memory runs out',
    condition: metric('memory.percent', 'above', 85, { clearThreshold: 75 }),
    forSeconds: 15,
    severity: 'critical',
  },
  cpu: {
    name: 'The processor is busy',
    condition: metric('cpu.percent', 'above', 90, { clearThreshold: 75 }),
    forSeconds: 15,
  },
  'pool-full': {
    name: 'An admission pool is full',
    condition: metric('pools.fullest_percent', 'atLeast', 100, { clearThreshold: 95 }),
    forSeconds: 5,
  },
  'slow-readers': {
    name: 'Many readers are too slow',
    condition: metric('delivery.resyncs', 'atLeast', 50, { windowSeconds: 60 }),
  },
  'dead-letters': {
    name: 'Deliveries were given up',
    condition: metric('deadletters.waiting', 'atLeast', 1),
  },
  'breaker-open': {
    name: 'A circuit breaker is open',
    condition: metric('breakers.open', 'atLeast', 1),
    forSeconds: 10,
  },
  'malformed-frames': {
    name: 'Somebody sends malformed frames',
    condition: events('security.malformed_frame', 5, 60, ['address']),
  },
  'oversized-frames': {
    name: 'Somebody sends frames that are too large',
    condition: events('security.oversized_frame', 5, 60, ['address']),
  },
  'authentication-failures': {
    name: 'Many authentications fail',
    condition: events('security.authentication_failed', 20, 60, ['address']),
  },
  'forged-presence': {
    name: 'Somebody claims the presence of others',
    condition: events('security.forged_presence', 3, 60, ['userId']),
    severity: 'critical',
  },
  'forbidden-writes': {
    name: 'Somebody writes without the right',
    condition: events('security.forbidden_write', 10, 60, ['userId']),
  },
  'enumeration-scan': {
    name: 'Somebody looks for what is not there',
    condition: events('security.enumeration', 1, 60, ['address']),
  },
  'rate-abuse': {
    name: 'Somebody keeps calling over the limit',
    condition: events('security.rate_exceeded', 50, 60, ['address']),
  },
};

export const BUILT_IN_RULES: readonly Rule[] = Object.entries(SETTINGS).map(([id, settings]) => ({
  id,
  isBuiltIn: true,
  changedAt: null,
  changedBy: null,
  ...ruleSettingsSchema.parse(settings),
}));
