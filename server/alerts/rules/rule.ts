/** An alert rule: what is looked at, when it is too much, for how long, and who hears of it. */
import { z } from 'zod';
import { METRIC_NAMES } from '../facts/metrics-catalogue.js';

export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const;
const CHANNELS = ['feed', 'notifications', 'log'] as const;
export const GROUP_FIELDS = ['address', 'userId', 'document', 'formId', 'node'] as const;
export type GroupField = (typeof GROUP_FIELDS)[number];

const windowSeconds = z.number().int().min(1).max(3_600).default(60);

export const metricConditionSchema = z
  .strictObject({
    kind: z.literal('metric'),
    metric: z.enum(METRIC_NAMES),
    comparison: z.enum(['above', 'atLeast', 'below', 'atMost']),
    threshold: z.number(),
    clearThreshold: z
      .number()
      .optional()
      .describe(
        'Hysteresis: once it fires, it is over only on the good side of this value. The threshold when absent.',
      ),
    windowSeconds: windowSeconds.describe('For counters: over how long is counted.'),
  })
  .refine(
    ({ comparison, threshold, clearThreshold }) =>
      clearThreshold === undefined ||
      (comparison === 'above' || comparison === 'atLeast' ? clearThreshold <= threshold : clearThreshold >= threshold),
    { path: ['clearThreshold'], message: 'lies on the bad side of the threshold' },
  );

export const eventConditionSchema = z.strictObject({
  kind: z.literal('event'),
  type: z
    .string()
    .regex(
      /^[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*)?$/i,
      'an event type such as login or security.forged_presence, or a group such as security.*',
    )
    .max(100),
  where: z
    .partialRecord(z.enum([...GROUP_FIELDS, 'severity', 'source']), z.string().max(255))
    .default({})
    .describe('Only events with these values.'),
  count: z.number().int().min(1).max(1_000_000).describe('So many within the window are too many.'),
  windowSeconds,
  groupBy: z
    .array(z.enum(GROUP_FIELDS))
    .max(3)
    .default([])
    .describe('Counted apart, with an alert of its own, for each combination of these.'),
});

const conditionSchema = z.discriminatedUnion('kind', [metricConditionSchema, eventConditionSchema]);

export const ruleSettingsSchema = z.strictObject({
  name: z.string().trim().min(1).max(120),
  description: z.string().max(1_000).default(''),
  condition: conditionSchema,
  forSeconds: z.number().min(0).max(86_400).default(0).describe('It must hold for so long before it fires.'),
  resolveAfterSeconds: z
    .number()
    .min(0)
    .max(86_400)
    .default(10)
    .describe('It must be over for so long before it is resolved.'),
  severity: z.enum(ALERT_SEVERITIES).default('warning'),
  channels: z
    .array(z.enum(CHANNELS))
    .max(3)
    .default(['feed', 'log'])
    .describe('`feed` reaches webhooks too; `notifications` goes to the recipients.'),
  recipients: z.array(z.string().min(1).max(255)).max(50).default([]).describe('Users that get a notification.'),
  isEnabled: z.boolean().default(true),
});

export type MetricCondition = z.infer<typeof metricConditionSchema>;
export type EventCondition = z.infer<typeof eventConditionSchema>;
export type RuleSettings = z.infer<typeof ruleSettingsSchema>;

export interface Rule extends RuleSettings {
  readonly id: string;
  readonly isBuiltIn: boolean;
  /** Unix time in milliseconds; null for a built-in rule that nobody has changed. */
  readonly changedAt: number | null;
  readonly changedBy: string | null;
}

/** Event patterns are looked at by one node of the cluster; metrics by each node for itself. */
export function isClusterWide(rule: Rule): boolean {
  return rule.condition.kind === 'event' || rule.condition.metric === 'deadletters.waiting';
}

export interface Observation {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly isOver: boolean;
  /** On the good side, hysteresis included. */
  readonly isClear: boolean;
  /** What an operator looks at first. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

export function judge(condition: MetricCondition, value: number): { isOver: boolean; isClear: boolean } {
  const { comparison, threshold, clearThreshold = threshold } = condition;
  const isBeyond = (limit: number): boolean => {
    switch (comparison) {
      case 'above':
        return value > limit;
      case 'atLeast':
        return value >= limit;
      case 'below':
        return value < limit;
      case 'atMost':
        return value <= limit;
    }
  };
  return { isOver: isBeyond(threshold), isClear: !isBeyond(threshold) && !isBeyond(clearThreshold) };
}
