import { z } from 'zod';
import { timeOf, timeSchema } from '../http/pages.js';
import type { FeedEvent } from '../../server/events/index.js';

/** A type such as `form.changed`, or a group such as `form.*`. */
export const typePattern = /^[a-z][a-z_]{0,40}\.([a-z][a-z_]{0,40}|\*)$/;
const typeSchema = z.string().regex(typePattern, 'an event type such as form.changed, or a group such as form.*');

/** Of either store: digits, in two groups on Redis. */
export const eventIdSchema = z
  .string()
  .regex(/^[0-9]{1,20}(-[0-9]{1,20})?$/, 'the id of an event, as the feed gave it');

export const feedQuery = z.object({
  after: eventIdSchema.optional().describe('Go on after this event; `Last-Event-ID` does the same and goes first.'),
  types: z
    .string()
    .max(2_000)
    .transform((text) => text.split(',').map((type) => type.trim()))
    .pipe(z.array(typeSchema).min(1).max(50))
    .optional()
    .describe('Only these, with commas between them: `form.changed,submission.*`.'),
  formId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id is 1 to 64 of A-Z, a-z, 0-9, _ and -')
    .optional()
    .describe('Only events of this form.'),
});
export type FeedQuery = z.infer<typeof feedQuery>;

/** An event as consumers of the feed and receivers of webhooks see it. */
export const shownEventSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    time: timeSchema,
    formId: z.string().optional(),
    userId: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'FeedEvent' });
export type ShownEvent = z.infer<typeof shownEventSchema>;

export function shownEvent({ id, type, time, formId, userId, data }: FeedEvent): ShownEvent {
  return {
    id,
    type,
    time: timeOf(time),
    ...(formId === undefined ? {} : { formId }),
    ...(userId === undefined ? {} : { userId }),
    data,
  };
}
