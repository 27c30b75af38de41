/** The HTTP server that every feature is registered with: parsing, errors, headers, limits by address, log and metrics. */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import { fastify, type FastifyInstance } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { Repeats } from '../../server/observability/index.js';
import type { ApiOptions } from '../api-options.js';
import { addOpenApi } from '../openapi/openapi.js';
import { addAddressLimit } from './limits.js';
import { answerMalformedRequest } from './malformed-request.js';
import { addProblemEdge, sendFrameworkError } from './problem-edge.js';
import { addRequestBodies } from './request-bodies.js';
import { addRequestTracing } from './request-tracing.js';

type HttpServerOptions = Pick<
  ApiOptions,
  'version' | 'corsOrigins' | 'maxBodyBytes' | 'logger' | 'metrics' | 'tracing' | 'limits' | 'addresses'
>;

export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { logger, corsOrigins, metrics } = options;
  const api = fastify({
    bodyLimit: options.maxBodyBytes,
    routerOptions: { maxParamLength: 1_024 },
    forceCloseConnections: true,
    // Requests keep being answered while sockets are closed one after the other.
    return503OnClosing: false,
    frameworkErrors: sendFrameworkError,
    clientErrorHandler: answerMalformedRequest,
  });
  api.setValidatorCompiler(validatorCompiler);
  // The schemas of answers are documentation; that answers fit them is what tests show, at no cost per request.
  api.setSerializerCompiler(() => (data) => JSON.stringify(data));
  addProblemEdge(api, logger);
  addRequestBodies(api);
  await api.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });
  await api.register(cors, {
    origin: corsOrigins.includes('*') ? true : [...corsOrigins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'accept-ranges',
      'content-disposition',
      'content-range',
      'etag',
      'location',
      'retry-after',
      'ratelimit-limit',
      'ratelimit-remaining',
      'ratelimit-reset',
      'idempotency-replayed',
      'x-formloom-losses',
    ],
    credentials: !corsOrigins.includes('*'),
    // An OPTIONS request that is no preflight is answered as any other.
    strictPreflight: false,
  });
  if (options.tracing !== undefined) addRequestTracing(api, options.tracing);
  addAddressLimit(api, options.limits, options.addresses);
  await addOpenApi(api, options.version);
  addRequestLog(api, options);

  api.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.render()),
  );
  api.get('/', { schema: { hide: true } }, async () => ({
    name: 'Formloom',
    version: options.version,
    sync: '/<document>',
    api: '/api/v1/',
    docs: '/api/v1/docs',
    openapi: '/api/v1/openapi.json',
    metrics: '/metrics',
    app: '/app/',
  }));
  return api;
}

const READY = '/api/v1/health/ready';

/** A line for each kind of failing request, once a minute, and the duration of each as a metric. */
function addRequestLog(api: FastifyInstance, { logger, metrics, addresses }: HttpServerOptions): void {
  const repeats = new Repeats();
  api.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.request({ method: request.method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1_000 });
    const facts = {
      request: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      ...(request.caller === undefined ? {} : { user: request.caller.id }),
      address: addresses.of(request.raw),
    };
    if (reply.statusCode < 500) {
      logger.debug(facts, 'request answered');
      return;
    }
    // A readiness check that fails is asked again every second: what is wrong is told by who knows it.
    const leftOut = route === READY ? undefined : repeats.leftOut(`${reply.statusCode} ${request.method} ${route}`);
    if (leftOut === undefined) logger.debug(facts, 'request answered with an error');
    else logger.warn(leftOut === 0 ? facts : { ...facts, repeated: leftOut }, 'request answered with an error');
  });
}
