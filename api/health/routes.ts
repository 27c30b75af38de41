/** `/health`: liveness, readiness, and details for administrators. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { credentialsFrom, mayAdminister, type Authenticator } from '../../server/auth/index.js';
import type { RoomInfo } from '../../server/rooms/rooms.js';

const tags = ['health'];
export interface Readiness {
  readonly ready: boolean;
  /** By part: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface HealthRoutesOptions {
  readonly authenticator: Authenticator;
  readonly corsOrigins: readonly string[];
  readonly version: string;
  readonly startedAt: number;
  readiness(): Readiness;
  rooms(): RoomInfo[];
  connectionCount(): number;
}

const readinessSchema = z.object({ status: z.enum(['ok', 'unavailable']), checks: z.record(z.string(), z.string()) });
const healthSchema = z.object({
  status: z.enum(['ok', 'unavailable']),
  version: z.string().optional(),
  uptimeSeconds: z.number().optional(),
  checks: z.record(z.string(), z.string()).optional(),
  rooms: z.number().optional(),
  connections: z.number().optional(),
  memory: z.object({ rssBytes: z.number(), heapUsedBytes: z.number() }).optional(),
});

export const healthRoutes: FastifyPluginAsyncZod<HealthRoutesOptions> = async (api, options) => {
  const config = { isPublic: true };

  api.get(
    '/health/live',
    {
      config,
      schema: {
        tags,
        summary: 'The process answers',
        security: [],
        response: { 200: z.object({ status: z.literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  api.get(
    '/health/ready',
    {
      config,
      schema: {
        tags,
        summary: 'The server takes work',
        security: [],
        response: { 200: readinessSchema, 503: readinessSchema },
      },
    },
    async (_request, reply) => {
      const { ready, checks } = options.readiness();
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', checks: { ...checks } });
    },
  );

  api.get(
    '/health',
    {
      config,
      schema: {
        tags,
        summary: 'Health; with details for administrators',
        security: [],
        response: { 200: healthSchema, 503: healthSchema },
      },
    },
    async (request, reply) => {
      const { ready, checks } = options.readiness();
      const status = ready ? ('ok' as const) : ('unavailable' as const);
      reply.code(ready ? 200 : 503);
      const caller = await options.authenticator
        .authenticate(credentialsFrom(request.raw, options.corsOrigins))
        .catch(() => undefined);
      if (caller === undefined || !mayAdminister(caller)) return { status };
      const { rss, heapUsed } = process.memoryUsage();
      return {
        status,
        version: options.version,
        uptimeSeconds: Math.round((Date.now() - options.startedAt) / 1_000),
        checks: { ...checks },
        rooms: options.rooms().length,
        connections: options.connectionCount(),
        memory: { rssBytes: rss, heapUsedBytes: heapUsed },
      };
    },
  );
};
