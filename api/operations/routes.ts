/** `/operations/:id`: how far long work has come. For administrators. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf, requireAdmin } from '../http/caller.js';
import type { Operations } from './operations.js';
import { operationParams, operationSchema, shownOperation } from './schemas.js';

export const operationRoutes: FastifyPluginAsyncZod<{ readonly operations: Operations }> = async (
  api,
  { operations },
) => {
  api.get(
    '/operations/:id',
    {
      schema: {
        tags: ['operations'],
        summary: 'How far long work has come, and what it led to',
        params: operationParams,
        response: { 200: operationSchema },
      },
    },
    async (request) => {
      requireAdmin(callerOf(request));
      return shownOperation(await operations.get(request.params.id));
    },
  );
};
