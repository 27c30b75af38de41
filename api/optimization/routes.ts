/** `/optimization`: for administrators alone; every change is live at once, survives restarts and is audited. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { AuditLog } from '../audit/audit-log.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import { adviceOn } from './advice.js';
import { deadLetterRoutes } from './dead-letter-routes.js';
import type { Optimization } from './index.js';
import { loadTestRoutes } from './load-test/routes.js';
import { poolRoutes, shownPool } from './pool-routes.js';
import * as schemas from './schemas.js';
import { shownBreaker, shownTuner } from './shown.js';
import { tunerRoutes } from './tuner-routes.js';

const tags = ['optimization'];

export interface OptimizationRoutesOptions {
  readonly optimization: Optimization;
  readonly audit: AuditLog;
  readonly corsOrigins: readonly string[];
}

export const optimizationRoutes: FastifyPluginAsyncZod<OptimizationRoutesOptions> = async (api, options) => {
  const { optimization, audit } = options;
  // Before bodies are judged: who is no administrator learns nothing of them.
  api.addHook('preValidation', async (request) => requireAdmin(callerOf(request)));
  // The start itself keeps the event loop busy: that is no reading to give advice on.
  api.addHook('onListen', async () => void optimization.gauge.take());
  await api.register(poolRoutes, options);
  await api.register(deadLetterRoutes, options);
  await api.register(tunerRoutes, options);
  await api.register(loadTestRoutes, options);

  api.get(
    '/optimization',
    {
      schema: {
        tags,
        summary: 'The state of everything that can be tuned, with advice',
        response: { 200: schemas.overviewSchema },
      },
    },
    async () => overviewOf(optimization),
  );

  api.get(
    '/optimization/queues',
    { schema: { tags, summary: 'Outbound queues of this node', response: { 200: schemas.queueListSchema } } },
    async () => ({ data: optimization.queues.list(), nextCursor: null }),
  );

  api.put(
    '/optimization/queues/:name',
    {
      schema: {
        tags,
        summary: 'Change the capacity or rate of an outbound queue; what waits stays',
        params: schemas.queueParams,
        body: schemas.queueChange,
        response: { 200: schemas.queueSchema },
      },
    },
    async (request) => {
      const { capacity, ratePerSecond } = request.body;
      const queue = await optimization.settings.putQueue(request.params.name, {
        ...(capacity === undefined ? {} : { capacity }),
        ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
      });
      const { name } = queue;
      const set = { queue: name, capacity: queue.capacity, ratePerSecond: queue.ratePerSecond };
      await audit.record(callerOf(request), 'optimization.queue.changed', set);
      return queue;
    },
  );

  api.get(
    '/optimization/breakers',
    { schema: { tags, summary: 'Circuit breakers, failing ones first', response: { 200: schemas.breakerListSchema } } },
    async () => ({ data: optimization.breakers.list().map(shownBreaker), nextCursor: null }),
  );

  api.post(
    '/optimization/breakers/:name/reset',
    {
      schema: {
        tags,
        summary: 'Close a breaker and forget its failures',
        params: schemas.breakerParams,
        response: { 200: schemas.breakerSchema },
      },
    },
    async (request) => {
      const { name } = request.params;
      const isThere = optimization.breakers.reset(name);
      const breaker = optimization.breakers.find(name);
      if (!isThere || breaker === undefined) throw new Problem('breaker_not_found', `There is no breaker "${name}".`);
      await audit.record(callerOf(request), 'optimization.breaker.reset', { breaker: name });
      return shownBreaker(breaker.describe());
    },
  );

  api.get(
    '/optimization/documents',
    {
      schema: {
        tags,
        summary: 'Open documents of this node by what they cost, with their health',
        querystring: schemas.documentsQuery,
        response: { 200: schemas.documentListSchema },
      },
    },
    async (request) => {
      const documents = await optimization.documents(request.query);
      const data = documents.map((one) => ({
        ...one,
        changedAt: one.changedAt === undefined ? null : timeOf(one.changedAt),
      }));
      return { data, nextCursor: null };
    },
  );
};

function overviewOf(optimization: Optimization): z.infer<typeof schemas.overviewSchema> {
  const { pools, queues, deadLetters, breakers, tuner, tunerClock, gauge } = optimization;
  const observed = {
    pools: pools.list(),
    queues: queues.list(),
    deadLetters: { count: deadLetters.size, lost: deadLetters.lost },
    breakers: breakers.list(),
    store: optimization.storeState(),
  };
  const reading = tunerClock.last?.reading ?? gauge.peek();
  const advice = adviceOn({ ...observed, reading, tuner: { mode: tuner.mode, advice: tunerClock.last?.advice } });
  return {
    pools: observed.pools.map(shownPool),
    queues: observed.queues,
    deadLetters: observed.deadLetters,
    breakers: observed.breakers.map(shownBreaker),
    tuner: shownTuner(optimization),
    store: { state: observed.store },
    advice,
  };
}
