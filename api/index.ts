/** The HTTP sidecar: the REST surface under `/api/v1`, its documentation, and `/metrics`. */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import { fastify, type FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Authenticator } from '../server/auth/index.js';
import type { KeyRing } from '../server/storage/encrypted/index.js';
import type { EventFeed } from '../server/events/index.js';
import type { Connections } from '../server/gateway/connections.js';
import type { HttpSync } from '../server/gateway/http-sync.js';
import { FormHistory } from '../server/history/index.js';
import {
  DeadLetters,
  type AdmissionPools,
  type Breakers,
  type ClientAddresses,
  type RateLimits,
} from '../server/limits/index.js';
import type { Metrics, Tracing } from '../server/observability/index.js';
import type { Rooms } from '../server/rooms/rooms.js';
import type { Snapshots } from '../server/snapshots/index.js';
import type { Storage } from '../server/storage/index.js';
import type { Knobs } from '../server/tuner/index.js';
import { appRoutes } from './app/routes.js';
import { alertRoutes, startAlerts, type Watched } from './alerts/index.js';
import { analyticsRoutes, createAnalytics, type AnalyticsSources } from './analytics/index.js';
import { addAudit, AuditLog, auditRoutes } from './audit/index.js';
import { backupRoutes } from './backups/routes.js';
import { BackupService } from './backups/service.js';
import { ActivityBoard, Audience, commentRoutes, CommentService } from './comments/index.js';
import { connectionRoutes } from './connections/routes.js';
import { documentRoutes } from './documents/routes.js';
import { erasuresOf } from './documents/erasures.js';
import { DocumentService } from './documents/service.js';
import { eventRoutes } from './events/index.js';
import { FeedDeliveries, FeedListeners, feedRoutes, FeedSockets, notificationDeliveries } from './feed/index.js';
import { conflictRoutes, ConflictService, ConflictWatch } from './forms/conflicts/index.js';
import { historyRoutes } from './forms/history/routes.js';
import { publishingRoutes } from './forms/publishing/routes.js';
import { formRoutes } from './forms/routes.js';
import { FormService } from './forms/service.js';
import { FormSummaries } from './forms/summaries.js';
import { FormVersions } from './forms/versions.js';
import { healthRoutes, type Readiness } from './health/routes.js';
import { addCaller } from './http/caller.js';
import { addIdempotency } from './http/idempotency.js';
import type { KeptAnswers } from './http/kept-answers.js';
import { addAddressLimit, addCallerLimit } from './http/limits.js';
import { Problem } from './http/problem.js';
import { addProblemEdge } from './http/problem-edge.js';
import { addRequestTracing } from './http/request-tracing.js';
import { refuseDeepNesting } from './http/validation.js';
import { createNotifications, notificationRoutes } from './notifications/index.js';
import { addOpenApi } from './openapi/openapi.js';
import { Operations } from './operations/operations.js';
import { operationRoutes } from './operations/routes.js';
import { optimizationRoutes, startOptimization } from './optimization/index.js';
import { addRequestWatch, securityRoutes } from './security/index.js';
import { snapshotPolicyRoutes } from './snapshots/policy-routes.js';
import { snapshotRoutes } from './snapshots/routes.js';
import { SnapshotService } from './snapshots/service.js';
import {
  Abandonment,
  Announcements,
  LiveProgress,
  SheetAccess,
  SheetLifeCycle,
  Sheets,
  SubmissionFiles,
  SubmissionListing,
  SubmissionMigrations,
  submissionRoutes,
  SubmissionService,
  SubmissionStore,
} from './submissions/index.js';
import { systemRoutes } from './system/routes.js';
import { syncRoutes } from './sync/routes.js';
import { tokenRoutes } from './tokens/routes.js';
import { createWebhooks, DEAD_DELIVERY, webhookRoutes, type WebhooksOptions } from './webhooks/index.js';

const PREFIX = '/api/v1';

export interface ApiOptions {
  readonly version: string;
  /** False on a node that serves editors alone (ROLE=sync): health and metrics stay. */
  readonly isRestServed: boolean;
  readonly corsOrigins: readonly string[];
  readonly maxBodyBytes: number;
  readonly logger: Logger;
  readonly rooms: Rooms;
  readonly connections: Connections;
  readonly sync: HttpSync;
  readonly storage: Storage;
  /** Archives of this node, encrypted when the store is. */
  readonly backups: { readonly folder: string; readonly ring: KeyRing };
  /** Forget what is erased. */
  readonly answers: KeptAnswers;
  /** As the feed, closed by who made it. */
  readonly snapshots: Snapshots;
  /** Id of this node. */
  readonly node: string;
  /** Started by who made it, and closed by it after the rooms. */
  readonly feed: EventFeed;
  /** Of this node; as the feed, closed by who made it. */
  readonly analytics: AnalyticsSources;
  readonly webhooks: Pick<WebhooksOptions, 'allowPrivateTargets' | 'schedule'>;
  readonly history: FormHistory;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracing?: Tracing | undefined;
  readonly limits: RateLimits;
  readonly pools: AdmissionPools;
  readonly breakers: Breakers;
  /** What the tuner may turn. */
  readonly knobs: Knobs;
  /** Time spent on edits and their fan-out since the start, in milliseconds. */
  fanOutMs(): number;
  /** Messages that the outbound queue for broadcasts holds. */
  readonly messageQueueSize: number;
  readonly loadTestDefaults: { readonly connections: number; readonly durationMs: number };
  readonly addresses: ClientAddresses;
  /** Where trusted proxies say where a client is; in lower case. */
  readonly locationHeaders: readonly string[];
  readonly watched: Watched;
  /** Between two looks for abandoned submissions; half a minute when absent. */
  readonly abandonmentEveryMs?: number | undefined;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
  readiness(): Readiness;
  drain(): void;
  /** WebSocket upgrades to everything but the feed. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Not listening yet. Of the WebSocket upgrades, those to the feed are answered here. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { logger, rooms, storage, authenticator, corsOrigins, metrics, history } = options;
  const clock = options.clock ?? Date.now;
  const { feed } = options;
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
  // Fastify reads it by itself, but nothing here is said in plain text.
  api.removeContentTypeParser('text/plain');
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

  if (options.isRestServed) await api.register(appRoutes, {});

  const audit = new AuditLog(storage.events, clock);
  const { store: snapshots, policies, taker } = options.snapshots;
  const versions = new FormVersions(storage.records, clock);
  const summaries = new FormSummaries(rooms, storage.documents, storage.records, versions);
  const operations = new Operations(storage.records, clock, logger);
  api.addHook('onClose', () => operations.close());
  const backups = new BackupService({
    installation: storage,
    ...options.backups,
    version: options.version,
    ...{ operations, clock },
  });
  const { notifications, settings, subscriptions, notifier } = createNotifications(
    storage.records,
    notificationDeliveries(feed),
    clock,
  );
  const activities = await ActivityBoard.open({ bus: storage.bus, clock, logger });
  api.addHook('onClose', () => activities.close());
  const audience = new Audience(notifier, subscriptions, logger);
  const comments = new CommentService({ rooms, audience, notifier, events: feed, clock });
  const submissionStore = new SubmissionStore(storage.records);
  const sheets = new Sheets(rooms, versions);
  const announcements = new Announcements(feed, (document) => liveProgress.look(document));
  const sheetLife = { rooms, store: submissionStore, sheets, announcements, clock };
  const lifeCycle = new SheetLifeCycle(sheetLife);
  const liveProgress = new LiveProgress({ ...sheetLife, lifeCycle, logger });
  const publications = feed.subscribe({ types: ['form.published'] }, (events) => {
    for (const { formId } of events) if (formId !== undefined) liveProgress.lookAtForm(formId);
  });
  api.addHook('onClose', () => {
    publications.close();
    liveProgress.close();
  });
  const abandonment = new Abandonment({
    ...{ node: options.node, leases: storage.leases, store: submissionStore, lifeCycle, logger, clock },
    everyMs: options.abandonmentEveryMs,
  });
  if (options.isRestServed) abandonment.start();
  api.addHook('onClose', () => abandonment.close());
  const migrations = new SubmissionMigrations({ ...sheetLife, versions, lifeCycle });
  const submissions = new SubmissionService({
    rooms,
    store: submissionStore,
    files: new SubmissionFiles(storage.files, storage.records, rooms, clock),
    sheets,
    lifeCycle,
    versions,
    access: new SheetAccess(authenticator),
    announcements,
    snapshots,
    history,
    clock,
  });
  const listing = new SubmissionListing(submissionStore, sheets, versions, rooms);
  const conflictWatch = new ConflictWatch({ rooms, records: storage.records, events: feed, logger, clock });
  api.addHook('onClose', () => conflictWatch.close());
  const forms = new FormService({
    rooms,
    conflictWatch,
    clock,
    events: feed,
    log: storage.documents,
    snapshots: options.snapshots,
    versions,
    summaries,
    history,
    notifier,
    submissions,
  });

  const documents = new DocumentService({
    ...{ rooms, log: storage.documents, snapshots, history },
    erasures: erasuresOf({ forms, submissions, notifier }),
  });

  const deadLetters = new DeadLetters({ records: storage.records, logger, clock });
  await deadLetters.start();
  const deliveries = new FeedDeliveries({
    deadLetters,
    settings: { broadcast: { capacity: options.messageQueueSize } },
    clock,
    now: () => performance.now(),
  });
  metrics.attach({
    version: () => options.version,
    isReady: () => options.readiness().ready,
    isStoreOk: () => storage.health().state === 'ok',
    pools: () => options.pools.list(),
    queues: () => deliveries.queues.list(),
    breakersOpen: () => options.breakers.list().filter(({ state }) => state !== 'closed').length,
    deadLetters: () => deadLetters.size,
    tickMs: () => options.fanOutMs(),
  });
  const { pools, breakers, knobs } = options;
  const optimization = await startOptimization({
    ...{ node: options.node, storage, feed, rooms, connections: options.connections },
    ...{ pools, queues: deliveries.queues, deadLetters, breakers, knobs, logger, clock },
    loadTestDefaults: options.loadTestDefaults,
    fanOutMs: () => options.fanOutMs(),
    replay: (letter) =>
      letter.kind === DEAD_DELIVERY ? webhooks.service.replayDead(letter) : deliveries.replay(letter),
  });
  const alerts = await startAlerts({
    ...{ node: options.node, watched: options.watched, storage, feed, metrics, notifier, logger, clock },
    ...{ pools, breakers, deadLetters, queues: deliveries.queues },
    connections: () => options.connections.list().length,
    rooms: () => rooms.open().length,
  });
  api.addHook('onClose', async () => {
    await alerts.close();
    await optimization.close();
    await deliveries.close();
    await deadLetters.close();
  });
  const listeners = new FeedListeners({ feed, deliveries, authenticator, clock });
  const { limits, addresses } = options;
  const sockets = new FeedSockets({ listeners, authenticator, corsOrigins, limits, addresses, logger });
  api.server.on('upgrade', (request, socket, head) => {
    if (FeedSockets.isFor(request)) sockets.handleUpgrade(request, socket, head);
    else options.handleUpgrade(request, socket, head);
  });
  const drain = (): void => {
    listeners.drain();
    options.drain();
  };
  const webhooks = createWebhooks({
    node: options.node,
    storage,
    feed,
    ...{ breakers, deadLetters },
    logger,
    clock,
    allowPrivateTargets: options.webhooks.allowPrivateTargets,
    schedule: options.webhooks.schedule,
  });
  const analytics = createAnalytics({
    ...options.analytics,
    ...{ node: options.node, storage, feed, rooms, forms, store: submissionStore, sheets, logger, clock },
  });
  if (options.isRestServed) analytics.start();
  api.addHook('onClose', () => analytics.close());
  if (options.isRestServed) await webhooks.start();
  api.addHook('onClose', () => webhooks.close());

  await api.register(
    async (v1) => {
      addCaller(v1, authenticator, corsOrigins);
      addCallerLimit(v1, options.limits);
      v1.addHook('preValidation', async (request) => refuseDeepNesting(request.body));
      addIdempotency(v1, { records: storage.records, answers: options.answers, clock });
      addAudit(v1, audit, PREFIX);
      addRequestWatch(v1, { watch: alerts.watch, addresses: options.addresses, clock });
      await v1.register(healthRoutes, {
        authenticator,
        corsOrigins,
        version: options.version,
        startedAt: clock(),
        readiness: () => options.readiness(),
        rooms: () => rooms.open(),
        connectionCount: () => options.connections.list().length,
      });
      await v1.register(syncRoutes, { sync: options.sync, maxFrameBytes: options.maxBodyBytes });
      if (!options.isRestServed) {
        v1.all('/*', { schema: { hide: true } }, () => {
          throw new Problem('wrong_role', 'This node has ROLE=sync: REST is served by nodes with another role.');
        });
        return;
      }
      const conflicts = new ConflictService({ rooms, watch: conflictWatch, clock });
      await v1.register(conflictRoutes, { conflicts, audit });
      await v1.register(formRoutes, { forms, audit, activities, clock });
      await v1.register(publishingRoutes, { forms, audit, audience });
      await v1.register(historyRoutes, { forms });
      await v1.register(commentRoutes, { comments, activities, subscriptions });
      await v1.register(notificationRoutes, { notifications, settings, clock });
      await v1.register(submissionRoutes, {
        ...{ submissions, listing, migrations, audit, addresses },
        locationHeaders: options.locationHeaders,
      });
      await v1.register(documentRoutes, { documents, audit, maxUpdateBytes: options.maxBodyBytes });
      await v1.register(snapshotRoutes, { snapshots: new SnapshotService(rooms, options.snapshots, feed), audit });
      await v1.register(snapshotPolicyRoutes, { policies, taker, audit, logger });
      await v1.register(operationRoutes, { operations });
      await v1.register(backupRoutes, { backups, audit });
      await v1.register(tokenRoutes, { authenticator, audit });
      await v1.register(connectionRoutes, { connections: options.connections, audit, drain });
      await v1.register(feedRoutes, { listeners });
      await v1.register(webhookRoutes, { webhooks: webhooks.service, audit, clock });
      await v1.register(optimizationRoutes, { optimization, audit });
      await v1.register(systemRoutes, { node: options.node, sampler: alerts.sampler });
      await v1.register(eventRoutes, { activity: alerts.activity, feed });
      await v1.register(securityRoutes, { security: alerts.security });
      await v1.register(alertRoutes, { alerts: alerts.service, audit });
      await v1.register(analyticsRoutes, analytics);
      await v1.register(auditRoutes, { audit });
    },
    { prefix: PREFIX },
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
