/** The HTTP sidecar: health, metrics and the state of documents. */
import { fastify, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { can, credentialsFrom, type Authenticator } from '../server/auth/index.js';
import type { Metrics } from '../server/observability/index.js';
import { checkDocumentName } from '../server/protocol/document-name.js';
import type { Rooms } from '../server/rooms/rooms.js';

export interface ApiOptions {
  readonly corsOrigins: readonly string[];
  readonly logger: Logger;
  readonly rooms: Rooms;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readiness(): { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };
}

/** Not listening yet: the composition root adds WebSocket upgrades to `api.server` first. */
export function createApi(options: ApiOptions): FastifyInstance {
  const api = fastify({ routerOptions: { maxParamLength: 1024 } });
  const problem = (status: number, code: string, detail: string): object => ({ type: 'about:blank', status, code, detail });
  api.setErrorHandler((error, request, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'internal_error';
    if (status >= 500) options.logger.error({ err: error, request: request.id }, 'a request failed');
    const detail = status >= 500 || !(error instanceof Error) ? 'The request failed.' : error.message;
    return reply.code(status).type('application/problem+json').send(problem(status, code, detail));
  });
  api.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('application/problem+json').send(problem(404, 'not_found', 'There is nothing here.')),
  );
  api.get('/api/v1/health/live', () => ({ status: 'ok' }));
  api.get('/api/v1/health/ready', (_request, reply) => {
    const { ready, checks } = options.readiness();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', checks });
  });
  api.get('/metrics', async (_request, reply) => reply.type(options.metrics.contentType).send(await options.metrics.render()));
  api.get<{ Params: { name: string } }>('/api/v1/documents/:name/state', async (request, reply) => {
    const name = checkDocumentName(request.params.name);
    const principal = await options.authenticator.authenticate(credentialsFrom(request.raw, options.corsOrigins));
    if (!can(principal, name, 'read') || !(await options.rooms.exists(name))) {
      return reply.code(404).type('application/problem+json').send(problem(404, 'document_not_found', 'No such document.'));
    }
    const state = await options.rooms.encodeState(name);
    return reply.type('application/octet-stream').send(Buffer.from(state));
  });
  return api;
}
