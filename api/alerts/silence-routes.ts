/** `/alerts/silences`: of what nobody wants to be told for a while. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Silence } from '../../server/alerts/index.js';
import { callerOf } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import type { AlertRoutesOptions } from './routes.js';
import * as schemas from './schemas.js';

const tags = ['alerts'];

export const silenceRoutes: FastifyPluginAsyncZod<AlertRoutesOptions> = async (api, { alerts, audit }) => {
  api.get(
    '/alerts/silences',
    { schema: { tags, summary: 'Silences in force', response: { 200: schemas.silenceListSchema } } },
    async () => ({ data: alerts.listSilences().map(shown), nextCursor: null }),
  );

  api.post(
    '/alerts/silences',
    {
      schema: {
        tags,
        summary: 'Tell nobody of alerts with these labels, until a time',
        body: schemas.silenceRequestSchema,
        response: { 201: schemas.silenceSchema },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      const { until, ...content } = request.body;
      const silence = await alerts.silence(principal, { ...content, until: Date.parse(until) });
      await audit.record(principal, 'alert-silence.created', { silence: silence.id, labels: silence.labels });
      return reply.code(201).header('location', `/api/v1/alerts/silences/${silence.id}`).send(shown(silence));
    },
  );

  api.delete(
    '/alerts/silences/:id',
    {
      schema: {
        tags,
        summary: 'End a silence; what fires is told then',
        params: schemas.idParams,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await alerts.unsilence(id);
      await audit.record(callerOf(request), 'alert-silence.deleted', { silence: id });
      return reply.code(204).send();
    },
  );
};

function shown({ until, createdAt, ...silence }: Silence): z.infer<typeof schemas.silenceSchema> {
  return { ...silence, until: timeOf(until), createdAt: timeOf(createdAt) };
}
