/** `/events`: what happened, told by the product and by host applications; kept for 30 days. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { EventPublisher } from '../../server/events/index.js';
import type { ActivityLog } from '../../server/system-events/index.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import * as schemas from './schemas.js';
import { shownEvent, timeFrom } from './shown.js';

const tags = ['operations'];

export interface EventRoutesOptions {
  readonly activity: ActivityLog;
  readonly feed: EventPublisher;
}

export const eventRoutes: FastifyPluginAsyncZod<EventRoutesOptions> = async (api, { activity, feed }) => {
  // Before bodies are judged: who is no administrator learns nothing of them.
  api.addHook('preValidation', async (request) => requireAdmin(callerOf(request)));

  api.get(
    '/events',
    {
      schema: {
        tags,
        summary: 'What happened, newest first',
        querystring: schemas.eventListQuery,
        response: { 200: schemas.eventListSchema },
      },
    },
    async (request) => {
      const { limit, cursor, type, severity, source, user, form, since, until } = request.query;
      const { userId = user, formId = form } = request.query;
      const filter = { type, severity, source, userId, formId };
      const times = { since: timeFrom(since), until: timeFrom(until) };
      const page = await activity.query({ ...filter, ...times }, { limit, cursor: cursor ?? null });
      return { data: page.data.map(shownEvent), nextCursor: page.nextCursor };
    },
  );

  api.post(
    '/events',
    {
      schema: {
        tags,
        summary: 'Tell of activity in a host application, one event or up to 200',
        body: schemas.publishSchema,
        response: { 201: schemas.publishedSchema },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const entries = ('events' in body ? body.events : [body]).map((event) => ({
        type: event.type,
        severity: event.severity,
        source: 'host' as const,
        ...(event.userId === undefined ? {} : { userId: event.userId }),
        ...(event.formId === undefined ? {} : { formId: event.formId }),
        data: { ...event.data, toldBy: callerOf(request).id },
      }));
      const ids = await activity.append(entries);
      for (const { type, severity, userId, formId, data } of entries) {
        const about = { ...(userId === undefined ? {} : { userId }), ...(formId === undefined ? {} : { formId }) };
        await feed.publish({ type: `activity.${type}`, ...about, data: { ...data, severity } });
      }
      return reply.code(201).send({ id: ids.at(-1) ?? '', ids });
    },
  );
};
