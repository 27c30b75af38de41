/** `/optimization/pools`: how many connections there may be, by pool. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ROLES } from '../../server/auth/index.js';
import type { PoolInfo } from '../../server/limits/index.js';
import { callerOf } from '../http/caller.js';
import type { OptimizationRoutesOptions } from './routes.js';
import * as schemas from './schemas.js';

const tags = ['optimization'];

export const poolRoutes: FastifyPluginAsyncZod<OptimizationRoutesOptions> = async (api, { optimization, audit }) => {
  const { settings, pools } = optimization;

  api.get(
    '/optimization/pools',
    { schema: { tags, summary: 'Admission pools of this node', response: { 200: schemas.poolListSchema } } },
    async () => ({ data: pools.list().map(shownPool), nextCursor: null }),
  );

  api.put(
    '/optimization/pools/:name',
    {
      schema: {
        tags,
        summary: 'Make an admission pool, or change one; connections that are in it stay',
        params: schemas.poolParams,
        body: schemas.poolChange,
        response: { 200: schemas.poolSchema, 201: schemas.poolSchema },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const isNew = pools.get(name) === undefined;
      const pool = shownPool(await settings.putPool(name, request.body));
      const { size, idleTimeoutSeconds, rule } = pool;
      await audit.record(callerOf(request), 'optimization.pool.changed', {
        pool: name,
        size,
        idleTimeoutSeconds,
        rule,
      });
      return reply.code(isNew ? 201 : 200).send(pool);
    },
  );

  api.delete(
    '/optimization/pools/:name',
    {
      schema: {
        tags,
        summary: 'Remove a pool of your own; its connections stay open',
        params: schemas.poolParams,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      await settings.deletePool(name);
      await audit.record(callerOf(request), 'optimization.pool.deleted', { pool: name });
      return reply.code(204).send();
    },
  );
};

export function shownPool({ idleTimeoutMs, rule, ...pool }: PoolInfo): z.infer<typeof schemas.poolSchema> {
  return { ...pool, idleTimeoutSeconds: idleTimeoutMs / 1_000, rule: rule === undefined ? null : shownRule(rule) };
}

function shownRule({ roles, ...rule }: NonNullable<PoolInfo['rule']>): z.infer<typeof schemas.poolSchema>['rule'] {
  return { ...rule, ...(roles === undefined ? {} : { roles: ROLES.filter((role) => roles.includes(role)) }) };
}
