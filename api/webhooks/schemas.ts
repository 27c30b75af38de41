import { z } from 'zod';
import { isEphemeral } from '../../server/events/index.js';
import { shownEventSchema, typePattern } from '../feed/index.js';
import { pageOf, pageQuery, timeSchema } from '../http/pages.js';
import { DELIVERY_STATES } from './delivery/delivery-store.js';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id is 1 to 64 of A-Z, a-z, 0-9, _ and -');
const eventId = z.string().regex(/^[0-9]{1,20}(-[0-9]{1,20})?$/, 'the id of a delivery');

export const webhookParams = z.object({ id });
export const deliveryParams = z.object({ id, deliveryId: eventId });

const url = z
  .string()
  .max(2_048)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'an http or https URL')
  .refine(
    (text) => !URL.canParse(text) || new URL(text).username + new URL(text).password === '',
    'without credentials',
  );

export const webhookRequestSchema = z.strictObject({
  url,
  description: z.string().max(500).default(''),
  types: z
    .array(
      z
        .string()
        .regex(typePattern, 'an event type such as form.changed, or a group such as form.*')
        .refine((type) => !isEphemeral(type), {
          error: ({ input }) =>
            `${String(input)} is told to listeners of the feed alone, not to webhooks; name alert.* to hear when the server is unwell`,
        }),
    )
    .min(1)
    .max(50)
    .nullable()
    .default(null)
    .describe('Exact types and groups; all when null.'),
  formIds: z.array(id).min(1).max(200).nullable().default(null).describe('Only events of these forms; all when null.'),
  isEnabled: z.boolean().default(true).describe('Nothing new waits for a webhook that is not enabled.'),
});
export const webhookChangeSchema = webhookRequestSchema.extend({
  rotateSecret: z
    .boolean()
    .default(false)
    .describe('Answers a new secret. The old one signs beside it for another 24 hours.'),
});

export const webhookSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    description: z.string(),
    types: z.array(z.string()).nullable(),
    formIds: z.array(z.string()).nullable(),
    isEnabled: z.boolean(),
    createdAt: timeSchema,
    createdBy: z.string(),
    oldSecretUntil: timeSchema.nullable().describe('How long a secret that was replaced signs too.'),
  })
  .meta({ id: 'Webhook' });
export const webhookWithSecretSchema = webhookSchema.extend({
  secret: z.string().optional().describe('Shown when it is made, never again.'),
});
export const webhookListSchema = pageOf(webhookSchema);

export const deliveryListQuery = z.object({
  ...pageQuery,
  status: z.enum(DELIVERY_STATES).optional(),
});
export const deliverySchema = z
  .object({
    id: z.string(),
    webhookId: z.string(),
    status: z.enum(DELIVERY_STATES),
    event: shownEventSchema,
    attemptCount: z.number(),
    attempts: z.array(
      z.object({ at: timeSchema, ms: z.number(), status: z.number().nullable(), error: z.string().nullable() }),
    ),
    nextAttemptAt: timeSchema.nullable(),
    createdAt: timeSchema,
    settledAt: timeSchema.nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
export const deliveryListSchema = pageOf(deliverySchema);
