/** `/security/events`: who was refused what. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ActivityLog } from '../../server/system-events/index.js';
import { eventListSchema, eventQuery, shownEvent, timeFrom } from '../events/index.js';
import { callerOf, requireAdmin } from '../http/caller.js';

const query = z.object({
  ...eventQuery,
  address: z.string().max(64).optional().describe('Of the client.'),
  document: z.string().max(255).optional(),
});

export const securityRoutes: FastifyPluginAsyncZod<{ readonly security: ActivityLog }> = async (api, { security }) => {
  api.addHook('preValidation', async (request) => requireAdmin(callerOf(request)));

  api.get(
    '/security/events',
    {
      schema: {
        tags: ['operations'],
        summary: 'Failed authentications, forged identities, forbidden writes, scans and abuse, newest first',
        querystring: query,
        response: { 200: eventListSchema },
      },
    },
    async (request) => {
      const { limit, cursor, type, severity, user, address, document, since, until } = request.query;
      // `forged_presence` is short for `security.forged_presence`.
      const full = type === undefined || type.startsWith('security.') ? type : `security.${type}`;
      const { userId = user } = request.query;
      const filter = { type: full, severity, userId, address, document };
      const times = { since: timeFrom(since), until: timeFrom(until) };
      const page = await security.query({ ...filter, ...times }, { limit, cursor: cursor ?? null });
      return { data: page.data.map(shownEvent), nextCursor: page.nextCursor };
    },
  );
};
