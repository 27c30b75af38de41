/** The HTTP sidecar: the REST surface under `/api/v1`, its documentation, and `/metrics`. */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import { fastify, type FastifyInstance } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Authenticator } from '../server/auth/index.js';
import type { Connections } from '../server/gateway/connections.js';
import { FormHistory } from '../server/history/index.js';
import type { ClientAddresses, RateLimits } from '../server/limits/index.js';
import type { Metrics } from '../server/observability/index.js';
import type { Rooms } from '../server/rooms/rooms.js';
import { SnapshotStore, type Storage } from '../server/storage/index.js';
import { AuditLog } from './audit/audit-log.js';
import { auditRoutes } from './audit/routes.js';
import { connectionRoutes } from './connections/routes.js';
import { documentRoutes } from './documents/routes.js';
import { DocumentService } from './documents/service.js';
import { formRoutes } from './forms/routes.js';
import { FormService } from './forms/service.js';
import { FormSummaries } from './forms/summaries.js';
import { FormVersions } from './forms/versions.js';
import { healthRoutes, type Readiness } from './health/routes.js';
import { addCaller } from './http/caller.js';
import { addIdempotency } from './http/idempotency.js';
import { addRateLimits } from './http/limits.js';
import { addProblemEdge } from './http/problem-edge.js';
import { refuseDeepNesting } from './http/validation.js';
import { addOpenApi } from './openapi/openapi.js';
import { snapshotRoutes } from './snapshots/routes.js';
import { SnapshotService } from './snapshots/service.js';
import { tokenRoutes } from './tokens/routes.js';

export interface ApiOptions {
  readonly version: string;
  readonly corsOrigins: readonly string[];
  readonly maxBodyBytes: number;
  readonly logger: Logger;
  readonly rooms: Rooms;
  readonly connections: Connections;
  readonly storage: Storage;
  readonly history: FormHistory;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readonly limits: RateLimits;
  readonly addresses: ClientAddresses;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
  readiness(): Readiness;
  drain(): void;
}

/** Not listening yet: the composition root adds WebSocket upgrades to `api.server` first. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { logger, rooms, storage, authenticator, corsOrigins, metrics, history } = options;
  const clock = options.clock ?? Date.now;
  const api = fastify({
    bodyLimit: options.maxBodyBytes,
    routerOptions: { maxParamLength: 1_024 },
    forceCloseConnections: true,
    // Requests keep being answered while sockets are closed one after the other.
    return503OnClosing: false,
  });
  api.setValidatorCompiler(validatorCompiler);
  // The schemas of answers are documentation; that answers fit them is what tests show, at no cost per request.
  api.setSerializerCompiler(() => (data) => JSON.stringify(data));
  addProblemEdge(api, logger);
  await api.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });
  await api.register(cors, {
    origin: corsOrigins.includes('*') ? true : [...corsOrigins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'etag',
      'location',
      'retry-after',
      'ratelimit-limit',
      'ratelimit-remaining',
      'ratelimit-reset',
      'idempotency-replayed',
    ],
    credentials: !corsOrigins.includes('*'),
  });
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
  }));

  const audit = new AuditLog(storage.events, clock);
  const snapshots = new SnapshotStore(storage.records);
  const versions = new FormVersions(storage.records, clock);
  const summaries = new FormSummaries(rooms, storage.documents, storage.records, versions);
  const forms = new FormService({ rooms, log: storage.documents, snapshots, versions, summaries, history });
  const documents = new DocumentService({ rooms, log: storage.documents, snapshots, history });

  await api.register(
    async (v1) => {
      addCaller(v1, authenticator, corsOrigins);
      addRateLimits(v1, options.limits, options.addresses);
      v1.addHook('preValidation', async (request) => refuseDeepNesting(request.body));
      addIdempotency(v1, storage.records, clock);
      await v1.register(healthRoutes, {
        authenticator,
        corsOrigins,
        version: options.version,
        startedAt: clock(),
        readiness: () => options.readiness(),
        rooms: () => rooms.open(),
        connectionCount: () => options.connections.list().length,
      });
      await v1.register(formRoutes, { forms, audit });
      await v1.register(documentRoutes, { documents, audit, maxUpdateBytes: options.maxBodyBytes });
      await v1.register(snapshotRoutes, { snapshots: new SnapshotService(rooms, snapshots), audit });
      await v1.register(tokenRoutes, { authenticator, audit });
      await v1.register(connectionRoutes, { connections: options.connections, audit, drain: () => options.drain() });
      await v1.register(auditRoutes, { audit });
    },
    { prefix: '/api/v1' },
  );
  return api;
}

/** One line per request that changed something or failed, and its duration as a metric. */
function addRequestLog(api: FastifyInstance, { logger, metrics, addresses }: ApiOptions): void {
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
    if (reply.statusCode >= 500) logger.warn(facts, 'request answered with an error');
    else logger.debug(facts, 'request answered');
  });
}
