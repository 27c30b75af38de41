/** `/optimization/load-tests`: what this server bears, found out by itself. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { credentialsFrom } from '../../../server/auth/index.js';
import { callerOf } from '../../http/caller.js';
import { pageOf, pageQuery, timeOf, timeSchema } from '../../http/pages.js';
import type { OptimizationRoutesOptions } from '../routes.js';
import { runSchema, type LoadTestRun, type LoadTestTarget } from './load-tests.js';
import { loadTestRequest } from './scenarios.js';

const tags = ['optimization'];
const shownSchema = runSchema
  .extend({ startedAt: timeSchema, endedAt: timeSchema.nullable() })
  .meta({ id: 'LoadTest' });

export const loadTestRoutes: FastifyPluginAsyncZod<OptimizationRoutesOptions> = async (
  api,
  { optimization: { loadTests }, audit, corsOrigins },
) => {
  api.post(
    '/optimization/load-tests',
    {
      schema: {
        tags,
        summary: 'Let simulated editors connect to this server; one test at a time',
        body: loadTestRequest,
        response: { 202: shownSchema },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      const run = loadTests.start(principal, request.body, targetOf(request, corsOrigins));
      const { id, scenario, connections, edits } = run;
      await audit.record(principal, 'optimization.load_test.started', { id, scenario, connections, edits });
      return reply.code(202).header('location', `/api/v1/optimization/load-tests/${id}`).send(shown(run));
    },
  );

  api.get(
    '/optimization/load-tests',
    {
      schema: {
        tags,
        summary: 'Load tests, newest first; of those that run, the one of this node',
        querystring: z.object(pageQuery),
        response: { 200: pageOf(shownSchema) },
      },
    },
    async (request) => {
      const { data, nextCursor } = await loadTests.list(request.query.limit, request.query.cursor);
      return { data: data.map(shown), nextCursor };
    },
  );

  api.get(
    '/optimization/load-tests/:id',
    {
      schema: {
        tags,
        summary: 'Progress or report of a load test',
        params: z.object({ id: z.string().min(1).max(64) }),
        response: { 200: shownSchema },
      },
    },
    async (request) => shown(await loadTests.get(request.params.id)),
  );
};

/** The address at which the request came in, with the caller's own token, wherever that was carried. */
function targetOf({ raw }: FastifyRequest, corsOrigins: readonly string[]): LoadTestTarget {
  const { localAddress = '127.0.0.1', localPort = 0 } = raw.socket;
  const host = localAddress.includes(':') ? `[${localAddress}]` : localAddress;
  const { token } = credentialsFrom(raw, corsOrigins);
  return { ws: `ws://${host}:${localPort}`, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } };
}

function shown(run: LoadTestRun): z.infer<typeof shownSchema> {
  return { ...run, startedAt: timeOf(run.startedAt), endedAt: run.endedAt === null ? null : timeOf(run.endedAt) };
}
