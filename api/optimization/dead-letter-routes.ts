/** `/optimization/dead-letters`: what could not be queued or delivered. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { DeadLetter, DeadLetterFilter } from '../../server/limits/index.js';
import { callerOf } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import type { OptimizationRoutesOptions } from './routes.js';
import * as schemas from './schemas.js';

const tags = ['optimization'];

export const deadLetterRoutes: FastifyPluginAsyncZod<OptimizationRoutesOptions> = async (
  api,
  { optimization, audit },
) => {
  const { deadLetters } = optimization;

  api.get(
    '/optimization/dead-letters',
    {
      schema: {
        tags,
        summary: 'Messages that could not be queued or delivered, oldest first',
        querystring: schemas.letterListQuery,
        response: { 200: schemas.letterListSchema },
      },
    },
    async (request) => {
      const { limit, cursor = null, ...filter } = request.query;
      await deadLetters.settled();
      const { data, nextCursor } = await deadLetters.list(filterOf(filter), cursor, limit);
      return { data: data.map(shownLetter), nextCursor };
    },
  );

  api.post(
    '/optimization/dead-letters/replay',
    {
      schema: {
        tags,
        summary: 'Deliver what the filter matches again, oldest first; what fails stays',
        body: schemas.replayRequest,
        response: { 200: schemas.replaySchema },
      },
    },
    async (request) => {
      const filter = filterOf(request.body);
      const report = await deadLetters.replayAll(filter, (letter) => optimization.replay(letter));
      await audit.record(callerOf(request), 'optimization.dead_letters.replayed', { filter, ...report });
      return report;
    },
  );

  api.post(
    '/optimization/dead-letters/:id/replay',
    {
      schema: {
        tags,
        summary: 'Deliver one again; it is gone afterwards',
        params: schemas.letterParams,
        response: { 200: schemas.letterSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      let letter: DeadLetter | undefined;
      try {
        letter = await deadLetters.replay(id, (stored) => optimization.replay(stored));
      } catch (error) {
        if (error instanceof Problem) throw error;
        const reason = error instanceof Error ? error.message : 'it failed';
        throw new Problem('replay_failed', `It stays a dead letter: ${reason}.`, { cause: error });
      }
      if (letter === undefined) throw missing(id);
      await audit.record(callerOf(request), 'optimization.dead_letters.replayed', { letter: id });
      return shownLetter(letter);
    },
  );

  api.delete(
    '/optimization/dead-letters/:id',
    {
      schema: {
        tags,
        summary: 'Remove one for good',
        params: schemas.letterParams,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await deadLetters.delete(id))) throw missing(id);
      await audit.record(callerOf(request), 'optimization.dead_letters.purged', { letter: id });
      return reply.code(204).send();
    },
  );

  api.delete(
    '/optimization/dead-letters',
    {
      schema: {
        tags,
        summary: 'Remove what the filter matches for good; everything without one',
        querystring: schemas.letterFilterQuery,
        response: { 200: schemas.purgeSchema },
      },
    },
    async (request) => {
      const filter = filterOf(request.query);
      const purged = await deadLetters.purge(filter);
      await audit.record(callerOf(request), 'optimization.dead_letters.purged', { filter, purged });
      return { purged };
    },
  );
};

type Filter = { readonly [K in keyof DeadLetterFilter]?: string | undefined };

function filterOf({ queue, kind, destination, document }: Filter): DeadLetterFilter {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(kind === undefined ? {} : { kind }),
    ...(destination === undefined ? {} : { destination }),
    ...(document === undefined ? {} : { document }),
  };
}

function shownLetter(letter: DeadLetter): z.infer<typeof schemas.letterSchema> {
  const { document = null, error = null, at } = letter;
  return { ...letter, document, error, at: timeOf(at) };
}

function missing(id: string): Problem {
  return new Problem('dead_letter_not_found', `There is no dead letter "${id}".`);
}
