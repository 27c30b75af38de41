/** What the endpoints of analytics take and answer. */
import { z } from 'zod';
import { FIELD_TYPES, idSchema } from '../../crdt/index.js';
import { timeSchema } from '../http/pages.js';
import { METRICS } from './metrics.js';

const count = z.number();
const share = z.number().nullable().describe('0 to 1; null when there is nothing to compare with.');
const seconds = z.number().nullable().describe('In seconds.');

export const formParams = z.object({ formId: idSchema });
export const fieldParams = z.object({ formId: idSchema, fieldId: idSchema });
export const userParams = z.object({ userId: z.string().min(1).max(256) });

const timeQuery = z.iso.datetime({ offset: true });
const rangeQuery = {
  from: timeQuery.optional().describe('The first span is the one that this lies in.'),
  to: timeQuery.optional().describe('Exclusive; now when absent.'),
  step: z.enum(['minute', 'hour', 'day']).default('hour'),
};
const csvQuery = {
  format: z.enum(['json', 'csv']).optional().describe('`json` when absent, `csv` also by `Accept: text/csv`.'),
  token: z.string().optional().describe('Where a link cannot send headers.'),
};
export const answerQuery = z.strictObject(csvQuery);
export const seriesQuery = z.strictObject({ metric: z.enum(METRICS), ...rangeQuery, ...csvQuery });
export const liveQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50), ...csvQuery });

export const REPORTS = ['summary', 'timeseries', 'funnel', 'field', 'collaboration', 'live', 'user'] as const;
export const exportQuery = z.strictObject({
  report: z.enum(REPORTS).optional().describe('`summary` when absent.'),
  view: z.enum(REPORTS).optional().describe('The same as `report`.'),
  format: z.literal('csv').optional(),
  token: z.string().optional().describe('Where a link cannot send headers.'),
  fieldId: idSchema.optional().describe('For `field`.'),
  userId: z.string().min(1).max(256).optional().describe('For `user`: yourself, or anybody for administrators.'),
  metric: z.enum(METRICS).optional().describe('For `timeseries`; all when absent.'),
  ...rangeQuery,
});

const liveFormSchema = z.object({
  formId: idSchema,
  editors: count,
  respondents: count,
  editsPerMinute: count.describe('In the last 60 seconds.'),
});
export const liveSchema = z.object({
  at: timeSchema,
  forms: count.describe('With anybody on them, of those that the token may see.'),
  editors: count,
  respondents: count,
  editsPerMinute: count,
  data: z.array(liveFormSchema).describe('The busiest first.'),
});

const figures = {
  views: count,
  starts: count,
  submissions: count,
  completed: count,
  rejected: count,
  abandoned: count.describe('Now: sheets that were gone on with are not counted.'),
  edits: count,
  comments: count,
};
export const overviewSchema = z.object({
  forms: count,
  isComplete: z.boolean().describe('False when there are more forms than were summed up.'),
  totals: z.object(figures),
  live: z.object({ editors: count, respondents: count, editsPerMinute: count }),
  busiest: z.array(z.object({ formId: idSchema, activity: count, ...figures })),
});

export const formReportSchema = z
  .object({
    formId: idSchema,
    ...figures,
    visitors: count.describe('Different ones: exact up to 1,000, then within about 2 %.'),
    inProgress: count,
    completionRate: share,
    abandonmentRate: share,
    medianSeconds: seconds.describe('From start to submit; exact up to 500 submissions, then within 1 %.'),
    devices: z.record(z.string(), z.number()).describe('Submissions by type of device, where it is collected.'),
    answers: count,
    corrections: count,
    errors: count,
    authors: count,
    conflicts: z.object({ opened: count, resolved: count }),
    peakEditors: count,
    peakRespondents: count,
  })
  .meta({ id: 'FormAnalytics' });

export const seriesSchema = z.object({
  formId: idSchema,
  metric: z.enum(METRICS),
  step: z.enum(['minute', 'hour', 'day']),
  from: timeSchema,
  to: timeSchema,
  points: z.array(z.object({ time: timeSchema, value: z.number() })),
});

const stage = z.object({
  id: idSchema,
  reached: count.describe('Different people who came there.'),
  answered: count,
  left: count.describe('Whose sheet was abandoned there, and who left there without one.'),
});
export const funnelSchema = z.object({
  formId: idSchema,
  views: count,
  starts: count,
  submissions: count,
  pages: z.array(stage.extend({ fields: z.array(stage) })),
});

export const fieldReportSchema = z.object({
  formId: idSchema,
  fieldId: idSchema,
  type: z.enum(FIELD_TYPES),
  reached: count,
  answered: count,
  left: count,
  errors: count,
  corrections: count,
  errorRate: share.describe('Of those who answered: became wrong answers.'),
  correctionRate: share.describe('Of those who answered: changed what they had answered.'),
  meanSeconds: seconds.describe('Of those whose client told how long they stayed.'),
  distribution: z.object({
    kind: z.enum(['values', 'numbers', 'texts', 'none']),
    answers: count,
    submissions: count.describe('That were handed in and looked at.'),
    isComplete: z.boolean().describe('False when only the newest 5,000 were looked at.'),
    values: z.array(z.object({ value: z.string(), count })).optional(),
    numbers: z
      .object({
        ...{ min: count, max: count, mean: count, median: count },
        bins: z.array(z.object({ from: count, to: count, count })),
      })
      .optional(),
    texts: z.object({ meanLength: count, longest: count }).optional(),
  }),
});

export const collaborationSchema = z.object({
  formId: idSchema,
  edits: count,
  authors: count,
  comments: count,
  conflicts: z.object({ opened: count, resolved: count, open: count }),
  editors: count.describe('Now.'),
  peakEditors: count,
  isComplete: z.boolean(),
  data: z
    .array(z.object({ userId: z.string(), edits: count, bytes: count, comments: count, lastAt: timeSchema }))
    .describe('The most active first, at most 200.'),
});

const activity = { edits: count, bytes: count, comments: count, views: count, starts: count, submissions: count };
export const userReportSchema = z.object({
  userId: z.string(),
  ...activity,
  lastAt: timeSchema.nullable(),
  isComplete: z.boolean(),
  forms: z
    .array(z.object({ formId: idSchema, ...activity, lastAt: timeSchema }))
    .describe('Newest first, at most 200.'),
  days: z.array(z.object({ day: z.iso.date(), activity: count })).describe('In UTC, oldest first, at most 60.'),
});

const MAX_EVENTS = 200;
const place = {
  formId: idSchema,
  submissionId: idSchema.optional(),
  session: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id is 1 to 64 of A-Z a-z 0-9 _ -')
    .optional()
    .describe('Made up by the client, for who has no sheet. The user of the token when both are absent.'),
  page: idSchema.optional(),
  field: idSchema.optional(),
  at: timeQuery.optional().describe('At most 24 hours ago; now when absent.'),
};
export const clientEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('view'), ...place }),
  z.strictObject({ type: z.literal('focus'), ...place }),
  z.strictObject({
    type: z.literal('leave'),
    ...place,
    seconds: z.number().min(0).max(86_400).optional().describe('How long it was looked at.'),
  }),
]);
export type ClientEvent = z.infer<typeof clientEventSchema>;
const batch = z.array(clientEventSchema).min(1).max(MAX_EVENTS);
/** A batch; also one event alone, and a batch without its wrapping. */
export const clientEventsSchema = z.preprocess(
  (body) => {
    if (Array.isArray(body)) return { events: body };
    return typeof body === 'object' && body !== null && 'type' in body ? { events: [body] } : body;
  },
  z.strictObject({ events: batch }),
);
export const acceptedSchema = z.object({ accepted: count });
