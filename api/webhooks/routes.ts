/** `/webhooks`: who is told of events, what became of each delivery, and the way to send it again. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AuditLog } from '../audit/audit-log.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import type { Delivery } from './delivery/delivery-store.js';
import * as schemas from './schemas.js';
import type { WebhookService } from './service.js';
import type { Webhook } from './webhook-store.js';

const tags = ['events'];

export interface WebhookRoutesOptions {
  readonly webhooks: WebhookService;
  readonly audit: AuditLog;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export const webhookRoutes: FastifyPluginAsyncZod<WebhookRoutesOptions> = async (api, { webhooks, audit, clock }) => {
  // Before bodies are judged: who is no administrator learns nothing of them.
  api.addHook('preValidation', async (request) => requireAdmin(callerOf(request)));

  api.get(
    '/webhooks',
    { schema: { tags, summary: 'Webhooks, oldest first', response: { 200: schemas.webhookListSchema } } },
    async () => ({ data: (await webhooks.list()).map((webhook) => shown(webhook, clock())), nextCursor: null }),
  );

  api.post(
    '/webhooks',
    {
      schema: {
        tags,
        summary: 'Have events sent to a URL, signed as Standard Webhooks; the secret is shown once',
        body: schemas.webhookRequestSchema,
        response: { 201: schemas.webhookWithSecretSchema },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      const { webhook, secret } = await webhooks.create(principal, request.body);
      await audit.record(principal, 'webhook.created', { webhook: webhook.id, url: webhook.url });
      return reply
        .code(201)
        .headers({ location: `/api/v1/webhooks/${webhook.id}`, 'cache-control': 'no-store' })
        .send({ ...shown(webhook, clock()), secret });
    },
  );

  api.get(
    '/webhooks/:id',
    { schema: { tags, summary: 'A webhook', params: schemas.webhookParams, response: { 200: schemas.webhookSchema } } },
    async (request) => shown(await webhooks.get(request.params.id), clock()),
  );

  api.put(
    '/webhooks/:id',
    {
      schema: {
        tags,
        summary: 'Replace the settings of a webhook, with a new secret if wanted; what waits is tried at once',
        params: schemas.webhookParams,
        body: schemas.webhookChangeSchema,
        response: { 200: schemas.webhookWithSecretSchema },
      },
    },
    async (request, reply) => {
      const { rotateSecret, ...settings } = request.body;
      const { webhook, secret } = await webhooks.replace(request.params.id, settings, rotateSecret);
      await audit.record(callerOf(request), 'webhook.changed', { webhook: webhook.id, url: webhook.url, rotateSecret });
      reply.header('cache-control', 'no-store');
      return { ...shown(webhook, clock()), ...(secret === undefined ? {} : { secret }) };
    },
  );

  api.delete(
    '/webhooks/:id',
    {
      schema: {
        tags,
        summary: 'Delete a webhook with its deliveries',
        params: schemas.webhookParams,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await webhooks.delete(id);
      await audit.record(callerOf(request), 'webhook.deleted', { webhook: id });
      return reply.code(204).send();
    },
  );

  api.get(
    '/webhooks/:id/deliveries',
    {
      schema: {
        tags,
        summary: 'Deliveries of a webhook, newest first; `dead` ones were given up',
        params: schemas.webhookParams,
        querystring: schemas.deliveryListQuery,
        response: { 200: schemas.deliveryListSchema },
      },
    },
    async (request) => {
      const { status, limit, cursor } = request.query;
      const page = await webhooks.deliveriesOf(request.params.id, status, { limit, cursor: cursor ?? null });
      return { data: page.data.map(shownDelivery), nextCursor: page.nextCursor };
    },
  );

  api.post(
    '/webhooks/:id/deliveries/:deliveryId/replay',
    {
      schema: {
        tags,
        summary: 'Send a delivery again, or now if it waits',
        params: schemas.deliveryParams,
        response: { 202: schemas.deliverySchema },
      },
    },
    async (request, reply) => {
      const { id, deliveryId } = request.params;
      const delivery = await webhooks.replay(id, deliveryId);
      await audit.record(callerOf(request), 'webhook.replayed', { webhook: id, delivery: deliveryId });
      return reply.code(202).send(shownDelivery(delivery));
    },
  );
};

function shown(webhook: Webhook, now: number): z.infer<typeof schemas.webhookSchema> {
  const { id, url, description, types, formIds, isEnabled, createdAt, createdBy, secrets } = webhook;
  const endsAt = secrets.find((secret) => secret.endsAt !== undefined && secret.endsAt > now)?.endsAt;
  return {
    id,
    url,
    description,
    types,
    formIds,
    isEnabled,
    createdAt: timeOf(createdAt),
    createdBy,
    oldSecretUntil: endsAt === undefined ? null : timeOf(endsAt),
  };
}

function shownDelivery(delivery: Delivery): z.infer<typeof schemas.deliverySchema> {
  const { id, webhookId, state, event, attemptCount, attempts, nextAttemptAt, createdAt, settledAt } = delivery;
  const time = (at: number | null): string | null => (at === null ? null : timeOf(at));
  return {
    id,
    webhookId,
    status: state,
    event,
    attemptCount,
    attempts: attempts.map(({ at, ...attempt }) => ({ at: timeOf(at), ...attempt })),
    nextAttemptAt: time(nextAttemptAt),
    createdAt: timeOf(createdAt),
    settledAt: time(settledAt),
  };
}
