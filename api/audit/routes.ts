/** `/audit`: what administrators did. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf, requireAdmin } from '../http/caller.js';
import { pageOf, pageQuery, timeOf, timeSchema } from '../http/pages.js';
import type { AuditLog } from './audit-log.js';

const query = z.object({
  ...pageQuery,
  cursor: z
    .string()
    .regex(/^[0-9]{1,20}(-[0-9]{1,20})?$/)
    .optional(),
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
        summary: 'Administrative actions, newest first',
        querystring: query,
        response: { 200: listSchema },
      },
    },
    async (request) => {
      requireAdmin(callerOf(request));
      const { limit, cursor } = request.query;
      const { data, nextCursor } = await audit.list({ limit, cursor: cursor ?? null });
      return { data: data.map((entry) => ({ ...entry, at: timeOf(entry.at) })), nextCursor };
    },
  );
};
