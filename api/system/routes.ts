/** `/system/metrics`: how this node is doing, and was over the last hour. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { SystemSampler } from '../../server/system-events/index.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { sampleSchema, shownSample } from './sample.js';

const metricsSchema = z.object({
  node: z.string(),
  everySeconds: z.number(),
  now: sampleSchema,
  lastHour: z.array(sampleSchema).describe('Oldest first.'),
});

export interface SystemRoutesOptions {
  readonly node: string;
  readonly sampler: SystemSampler;
}

export const systemRoutes: FastifyPluginAsyncZod<SystemRoutesOptions> = async (api, { node, sampler }) => {
  api.get(
    '/system/metrics',
    {
      schema: {
        tags: ['operations'],
        summary: 'CPU, memory, event loop, disk, store and Redis of this node: now and over the last hour',
        response: { 200: metricsSchema },
      },
    },
    async (request) => {
      requireAdmin(callerOf(request));
      return { node, everySeconds: 10, now: shownSample(sampler.now()), lastHour: sampler.lastHour.map(shownSample) };
    },
  );
};
