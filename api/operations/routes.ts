/** `/operations/:id`: how far long work has come. For administrators, and for whoever began it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { mayAdminister } from '../../server/auth/index.js';
import { callerOf } from '../http/caller.js';
import { Problem } from '../http/problem.js';
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
      const caller = callerOf(request);
      const isAdmin = mayAdminister(caller);
      const operation = await operations.get(request.params.id).catch((error: unknown) => {
        // Whether there is such an operation is told to administrators alone.
        if (isAdmin || !(error instanceof Problem)) throw error;
        return undefined;
      });
      if (operation === undefined || (!isAdmin && operation.owner !== caller.id)) {
        throw new Problem('forbidden', 'An operation is followed by administrators, and by whoever began it.');
      }
      return shownOperation(operation);
    },
  );
};
