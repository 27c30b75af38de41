/** `/optimization/tuner`: what it may do, what it did, and a round now. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import type { OptimizationRoutesOptions } from './routes.js';
import * as schemas from './schemas.js';
import { shownTuner } from './shown.js';

const tags = ['optimization'];

export const tunerRoutes: FastifyPluginAsyncZod<OptimizationRoutesOptions> = async (api, { optimization, audit }) => {
  const { settings, tuner, tunerClock, history } = optimization;

  api.get(
    '/optimization/tuner',
    {
      schema: {
        tags,
        summary: 'The tuner: its mode, its knobs and how this node feels',
        response: { 200: schemas.tunerSchema },
      },
    },
    async () => shownTuner(optimization),
  );

  api.put(
    '/optimization/tuner',
    {
      schema: {
        tags,
        summary: 'off: looks; advise: says what it would do; auto: does it, one step at a time, within the bounds',
        body: schemas.tunerChange,
        response: { 200: schemas.tunerSchema },
      },
    },
    async (request) => {
      await settings.putTuner(request.body);
      await audit.record(callerOf(request), 'optimization.tuner.changed', { ...settings.tunerSettings });
      return shownTuner(optimization);
    },
  );

  api.get(
    '/optimization/tuner/history',
    {
      schema: {
        tags,
        summary: 'Steps of the tuners of all nodes, newest first, with what was felt before and after',
        querystring: schemas.historyQuery,
        response: { 200: schemas.historySchema },
      },
    },
    async (request) => {
      const { data, nextCursor } = await history.list(request.query.limit, request.query.cursor);
      return { data: data.map((step) => ({ ...step, at: timeOf(step.at) })), nextCursor };
    },
  );

  api.post(
    '/optimization/tuner/run',
    {
      schema: {
        tags,
        summary: 'One round now, over the time since the last',
        response: { 200: schemas.roundSchema },
      },
    },
    async (request) => {
      const { at, reading, objective, judged = null, advice = null } = tunerClock.run();
      await audit.record(callerOf(request), 'optimization.tuner.run', { mode: tuner.mode });
      return { at: timeOf(at), mode: tuner.mode, reading, objective, judged, advice };
    },
  );
};
