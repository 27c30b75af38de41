/** `/audit`: who changed what through the API. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { timeFrom } from '../events/index.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { pageOf, pageQuery, timeOf, timeSchema } from '../http/pages.js';
import type { AuditLog } from './audit-log.js';

const query = z.object({
  ...pageQuery,
  user: z.string().max(256).optional().describe('Id of a user.'),
  action: z.string().max(200).optional().describe('Such as form.published, or a group such as form.*'),
  since: z.iso.datetime({ offset: true }).optional().describe('Not before this time.'),
  until: z.iso.datetime({ offset: true }).optional().describe('Before this time.'),
});
const listSchema = pageOf(
  z.object({
    id: z.string(),
    at: timeSchema,
    user: z.object({ id: z.string(), name: z.string().optional() }),
    action: z.string(),
    details: z.record(z.string(), z.unknown()),
  }),
);

export const auditRoutes: FastifyPluginAsyncZod<{ readonly audit: AuditLog }> = async (api, { audit }) => {
  api.get(
    '/audit',
    {
      schema: {
        tags: ['operations'],
        summary: 'Who changed what through the API, newest first',
        querystring: query,
        response: { 200: listSchema },
      },
    },
    async (request) => {
      requireAdmin(callerOf(request));
      const { limit, cursor, user, action, since, until } = request.query;
      const filter = { user, action, since: timeFrom(since), until: timeFrom(until) };
      const { data, nextCursor } = await audit.list(filter, { limit, cursor: cursor ?? null });
      return { data: data.map((entry) => ({ ...entry, at: timeOf(entry.at) })), nextCursor };
    },
  );
};
