/** `/connections` and `/drain`: live WebSocket connections as operators see and steer them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ConnectionInfo, Connections } from '../../server/gateway/connections.js';
import { CLOSE } from '../../server/protocol/close-codes.js';
import type { AuditLog } from '../audit/audit-log.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { pageOf, pageQuery, timeOf, timeSchema } from '../http/pages.js';
import { Problem } from '../http/problem.js';

const tags = ['operations'];

const connectionSchema = z.object({
  id: z.string(),
  document: z.string(),
  user: z.object({ id: z.string(), name: z.string().optional() }),
  role: z.string(),
  pool: z.string(),
  address: z.string(),
  since: timeSchema,
  bytesIn: z.number(),
  bytesOut: z.number(),
  lagBytes: z.number().describe('Bytes that wait for this client.'),
  isBehind: z.boolean().describe('Its queue was dropped; it is resynced when it reads again.'),
});
const querySchema = z.object({
  ...pageQuery,
  document: z.string().optional(),
  userId: z.string().optional(),
  pool: z.string().optional(),
});

export interface ConnectionRoutesOptions {
  readonly connections: Connections;
  readonly audit: AuditLog;
  /** Begins to close everybody, staggered; readiness turns false at once. */
  readonly drain: () => void;
}

export const connectionRoutes: FastifyPluginAsyncZod<ConnectionRoutesOptions> = async (
  api,
  { connections, audit, drain },
) => {
  api.get(
    '/connections',
    {
      schema: {
        tags,
        summary: 'Live connections of this node',
        querystring: querySchema,
        response: { 200: pageOf(connectionSchema) },
      },
    },
    async (request) => {
      requireAdmin(callerOf(request));
      const { limit, cursor, document, userId, pool } = request.query;
      const wanted = connections
        .list()
        .filter(
          (connection) =>
            (cursor === undefined || connection.id > cursor) &&
            (document === undefined || connection.document === document) &&
            (userId === undefined || connection.principal.id === userId) &&
            (pool === undefined || connection.pool === pool),
        )
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const data = wanted.slice(0, limit);
      return { data: data.map(shown), nextCursor: wanted.length > limit ? (data[data.length - 1]?.id ?? null) : null };
    },
  );

  api.delete(
    '/connections/:id',
    {
      schema: {
        tags,
        summary: 'Disconnect a client (close code 1012); revoke its token to keep it away',
        params: z.object({ id: z.string() }),
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      requireAdmin(principal);
      const { id } = request.params;
      if (!connections.disconnect(id, CLOSE.restart, 'disconnected by an operator')) {
        throw new Problem('connection_not_found', `There is no connection "${id}".`);
      }
      await audit.record(principal, 'connection.closed', { connection: id });
      return reply.code(204).send();
    },
  );

  api.post(
    '/drain',
    {
      schema: {
        tags,
        summary: 'Turn unready and close all connections, staggered, as SIGTERM does, without exit',
        response: { 202: z.object({ status: z.literal('draining') }) },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      requireAdmin(principal);
      await audit.record(principal, 'server.drained', {});
      drain();
      return reply.code(202).send({ status: 'draining' as const });
    },
  );
};

function shown({ principal, since, ...facts }: ConnectionInfo): z.infer<typeof connectionSchema> {
  return { ...facts, user: principal, since: timeOf(since) };
}
