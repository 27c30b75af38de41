/** A span for each sampled request, and for what its handler does to documents below it. Only where tracing is on. */
import type { FastifyInstance } from 'fastify';
import { parseTraceparent, type Span, type Tracing } from '../../server/observability/index.js';

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | undefined;
  }
}

export function addRequestTracing(api: FastifyInstance, tracing: Tracing): void {
  api.decorateRequest('span', undefined);

  api.addHook('onRequest', async (request) => {
    const { method, headers } = request;
    const route = request.routeOptions.url ?? 'unknown';
    const facts = {
      name: `${method} ${route}`,
      kind: 'server' as const,
      attributes: { 'http.request.method': method, 'http.route': route },
    };
    request.span = tracing.start(facts, parseTraceparent(headers.traceparent));
  });

  // Here and not before: reading the body loses the context.
  api.addHook('preHandler', (request, _reply, done) => {
    if (request.span === undefined) done();
    else tracing.within(request.span, done);
  });

  api.addHook('onResponse', async (request, reply) => {
    const { statusCode } = reply;
    request.span?.end({
      attributes: { 'http.response.status_code': statusCode },
      error: statusCode >= 500 ? `answered with ${statusCode}` : undefined,
    });
  });
}
