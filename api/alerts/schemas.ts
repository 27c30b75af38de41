import { z } from 'zod';
import { ALERT_SEVERITIES, ALERT_STATES, ruleSettingsSchema } from '../../server/alerts/index.js';
import { pageOf, pageQuery, timeSchema } from '../http/pages.js';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id is 1 to 64 of A-Z, a-z, 0-9, _ and -');
export const idParams = z.object({ id });

export const alertSchema = z
  .object({
    id: z.string(),
    ruleId: z.string(),
    name: z.string(),
    severity: z.enum(ALERT_SEVERITIES),
    state: z.enum(ALERT_STATES),
    labels: z.record(z.string(), z.string()),
    evidence: z.record(z.string(), z.unknown()).describe('What was seen when it fired.'),
    since: timeSchema,
    isSilenced: z.boolean().describe('Nobody was told of it.'),
    resolvedAt: timeSchema.nullable(),
    resolvedBy: z.string().nullable().describe('A user, or `system` when the condition was over.'),
    history: z.array(
      z.object({
        time: timeSchema,
        by: z.string(),
        action: z.enum(['fired', 'acknowledged', 'resolved']),
        note: z.string(),
      }),
    ),
  })
  .meta({ id: 'Alert' });
export const alertListSchema = pageOf(alertSchema);
export const alertListQuery = z.object({
  ...pageQuery,
  state: z
    .enum([...ALERT_STATES, 'open'])
    .optional()
    .describe('`open`: firing or acknowledged.'),
  severity: z.enum(ALERT_SEVERITIES).optional(),
  rule: id.optional().describe('Id of a rule.'),
});
export const noteSchema = z.strictObject({ note: z.string().max(2_000).default('') }).nullish();

export const ruleRequestSchema = ruleSettingsSchema.extend({ id: id.optional().describe('Made when absent.') });
export const ruleChangeSchema = ruleSettingsSchema;
export const ruleSchema = ruleSettingsSchema
  .extend({
    id: z.string(),
    isBuiltIn: z.boolean(),
    changedAt: timeSchema.nullable().describe('Null for a built-in rule that is as it was made.'),
    changedBy: z.string().nullable(),
  })
  .meta({ id: 'AlertRule' });
export const ruleListSchema = pageOf(ruleSchema).extend({
  metrics: z
    .record(z.string(), z.object({ kind: z.enum(['gauge', 'counter']), unit: z.string(), description: z.string() }))
    .describe('What metric conditions can name.'),
});
export const ruleTestSchema = z.object({
  isOver: z.boolean().describe('Something is beyond the threshold now; it fires after `forSeconds` of it.'),
  observations: z.array(
    z.object({
      labels: z.record(z.string(), z.string()),
      value: z.number(),
      isOver: z.boolean(),
      evidence: z.record(z.string(), z.unknown()),
    }),
  ),
});

const MAX_SILENCE_MS = 90 * 24 * 3_600_000;
export const silenceRequestSchema = z.strictObject({
  labels: z
    .record(z.string().min(1).max(64), z.string().max(255))
    .refine((labels) => Object.keys(labels).length > 0, 'at least one label: `rule`, `severity`, `node` or a grouping'),
  until: z.iso
    .datetime({ offset: true })
    .refine((time) => Date.parse(time) < Date.now() + MAX_SILENCE_MS, 'more than 90 days ahead'),
  comment: z.string().max(2_000).default(''),
});
export const silenceSchema = z
  .object({
    id: z.string(),
    labels: z.record(z.string(), z.string()),
    until: timeSchema,
    comment: z.string(),
    createdAt: timeSchema,
    createdBy: z.string(),
  })
  .meta({ id: 'AlertSilence' });
export const silenceListSchema = pageOf(silenceSchema);
