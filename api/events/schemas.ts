import { z } from 'zod';
import { SEVERITIES, SOURCES } from '../../server/system-events/index.js';
import { pageOf, pageQuery, timeSchema } from '../http/pages.js';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id is 1 to 64 of A-Z, a-z, 0-9, _ and -');
const text = z.string().min(1).max(255);
const typePattern = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*)?$/i;

/** What every list of events can be asked for. */
export const eventQuery = {
  ...pageQuery,
  type: z.string().max(100).regex(typePattern, 'a type such as form.published, or a group such as form.*').optional(),
  severity: z.enum(SEVERITIES).optional(),
  user: text.optional().describe('Id of a user.'),
  userId: text.optional().describe('The same as `user`.'),
  since: z.iso.datetime({ offset: true }).optional().describe('Not before this time.'),
  until: z.iso.datetime({ offset: true }).optional().describe('Before this time.'),
};

export const eventListQuery = z.object({
  ...eventQuery,
  form: id.optional().describe('Id of a form.'),
  formId: id.optional().describe('The same as `form`.'),
  source: z.enum(SOURCES).optional(),
});

export const eventSchema = z
  .object({
    id: z.string(),
    time: timeSchema,
    type: z.string(),
    severity: z.enum(SEVERITIES),
    source: z.enum(SOURCES),
    userId: z.string().nullable(),
    formId: z.string().nullable(),
    document: z.string().nullable(),
    address: z.string().nullable().describe('Of the client.'),
    node: z.string().nullable(),
    count: z.number().describe('So many of the same within a second are one event.'),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'SystemEvent' });
export const eventListSchema = pageOf(eventSchema);

const dataValue = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]);
const newEventSchema = z.strictObject({
  type: z
    .string()
    .max(80)
    .regex(/^(login|logout|upload|custom(\.[a-z0-9_-]+)*)$/, 'login, logout, upload, custom, or custom.<name>'),
  userId: text.optional(),
  formId: id.optional(),
  severity: z.enum(SEVERITIES).default('info'),
  data: z
    .record(z.string().min(1).max(64), dataValue)
    .refine((data) => Object.keys(data).length <= 32, 'at most 32 members')
    .default({})
    .describe('Flat: texts, numbers, booleans. No content of forms, no secrets.'),
});
export const publishSchema = z.union([
  newEventSchema,
  z.strictObject({ events: z.array(newEventSchema).min(1).max(200) }),
]);
export const publishedSchema = z.object({ id: z.string().describe('Of the last one.'), ids: z.array(z.string()) });
