/** The HTTP sidecar: the REST surface under `/api/v1`, its documentation, and `/metrics`. */
import type { FastifyInstance } from 'fastify';
import { DeadLetters } from '../server/limits/index.js';
import { BegunWork, UnfinishedWork } from '../server/duties/index.js';
import { alertRoutes, startAlerts } from './alerts/index.js';
import { analyticsRoutes, createAnalytics } from './analytics/index.js';
import type { ApiOptions } from './api-options.js';
import { appRoutes } from './app/routes.js';
import { addAudit, AuditLog, auditRoutes } from './audit/index.js';
import { backupRoutes } from './backups/routes.js';
import { BackupService } from './backups/service.js';
import { ActivityBoard, Audience, commentRoutes, CommentService } from './comments/index.js';
import { connectionRoutes } from './connections/routes.js';
import { documentRoutes } from './documents/routes.js';
import { erasureSchema, finishesErasures } from './documents/begun-erasures.js';
import { erasuresOf } from './documents/erasures.js';
import { DocumentService } from './documents/service.js';
import { encryptionRoutes } from './encryption/routes.js';
import { eventRoutes } from './events/index.js';
import { FeedDeliveries, FeedListeners, feedRoutes, FeedSockets, notificationDeliveries } from './feed/index.js';
import { conflictRoutes, ConflictService, ConflictWatch } from './forms/conflicts/index.js';
import { historyRoutes } from './forms/history/routes.js';
import { publishingRoutes } from './forms/publishing/routes.js';
import { formRoutes } from './forms/routes.js';
import { FormService } from './forms/service.js';
import { FormSummaries } from './forms/summaries.js';
import { FormVersions } from './forms/versions.js';
import { healthRoutes } from './health/routes.js';
import { addCaller } from './http/caller.js';
import { addCursors } from './http/cursors.js';
import { addIdempotency } from './http/idempotency.js';
import { addCallerLimit } from './http/limits.js';
import { createHttpServer } from './http/http-server.js';
import { Problem } from './http/problem.js';
import { refuseDeepNesting } from './http/validation.js';
import { createNotifications, notificationRoutes } from './notifications/index.js';
import { Operations } from './operations/operations.js';
import { operationRoutes } from './operations/routes.js';
import { optimizationRoutes, startOptimization } from './optimization/index.js';
import { addRequestWatch, securityRoutes } from './security/index.js';
import { snapshotPolicyRoutes } from './snapshots/policy-routes.js';
import { snapshotRoutes } from './snapshots/routes.js';
import { SnapshotService } from './snapshots/service.js';
import { addOwnSheets, BulkMigrations, createSubmissions, OwnSheets, submissionRoutes } from './submissions/index.js';
import { systemRoutes } from './system/routes.js';
import { syncRoutes } from './sync/routes.js';
import { tokenRoutes } from './tokens/routes.js';
import { createWebhooks, DEAD_DELIVERY, webhookRoutes } from './webhooks/index.js';

const PREFIX = '/api/v1';

/** Not listening yet. Of the WebSocket upgrades, those to the feed are answered here. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { logger, rooms, storage, authenticator, corsOrigins, metrics, history } = options;
  const clock = options.clock ?? Date.now;
  const { feed } = options;
  const api = await createHttpServer(options);
  if (options.isRestServed) await api.register(appRoutes, {});

  const audit = new AuditLog(storage.events, clock);
  const { store: snapshots, policies, taker } = options.snapshots;
  const versions = new FormVersions(storage.records, clock);
  const summaries = new FormSummaries(rooms, storage.documents, storage.records, versions);
  const operations = new Operations(storage.records, clock, logger, feed);
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
  const erasures = new BegunWork({ records: storage.records, name: 'erasure', schema: erasureSchema, logger, clock });
  const submissions = createSubmissions({
    ...{ node: options.node, isServed: options.isRestServed, storage, rooms, feed, authenticator, versions },
    ...{ snapshots, history, erasures, logger, clock, abandonmentEveryMs: options.abandonmentEveryMs },
    filesBytes: options.submissionFilesBytes,
  });
  api.addHook('onClose', () => submissions.close());
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
    submissions: submissions.service,
    erasures,
  });

  const documents = new DocumentService({
    ...{ rooms, log: storage.documents, snapshots, history },
    erasures: erasuresOf({ forms, submissions: submissions.service, notifier }),
    begun: erasures,
  });
  const finishErasure = finishesErasures({ forms, documents, submissions: submissions.service });
  const unfinished = new UnfinishedWork({
    ...{ node: options.node, leases: storage.leases, logger, everyMs: options.abandonmentEveryMs },
    finishers: [(ageMs) => submissions.finishSteps(ageMs), (ageMs) => erasures.finish(ageMs, finishErasure)],
  });
  if (options.isRestServed) unfinished.start();
  api.addHook('onClose', () => unfinished.close());

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
    areEditorsServed: options.areEditorsServed,
    fanOutMs: () => options.fanOutMs(),
    replay: (letter) =>
      letter.kind === DEAD_DELIVERY ? webhooks.service.replayDead(letter) : deliveries.replay(letter),
  });
  const alerts = await startAlerts({
    ...{ node: options.node, watched: options.watched, storage, feed, metrics, notifier, logger, clock },
    ...{ pools, breakers, deadLetters, queues: deliveries.queues },
    connections: () => options.connections.size,
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
    ...{ node: options.node, storage, feed, forms, logger, clock },
    ...{ store: submissions.store, sheets: submissions.sheets },
  });
  if (options.isRestServed) analytics.start();
  api.addHook('onClose', () => analytics.close());
  if (options.isRestServed) await webhooks.start();
  api.addHook('onClose', () => webhooks.close());

  await api.register(
    async (v1) => {
      addCaller(v1, authenticator, corsOrigins);
      addOwnSheets(v1, new OwnSheets(submissions.store));
      addCallerLimit(v1, options.limits);
      v1.addHook('preValidation', async (request) => refuseDeepNesting(request.body));
      addCursors(v1, options.cursors);
      addIdempotency(v1, { records: storage.records, answers: options.answers, seal: options.seal, clock });
      addAudit(v1, audit, PREFIX);
      addRequestWatch(v1, { watch: alerts.watch, addresses: options.addresses, clock });
      await v1.register(healthRoutes, {
        authenticator,
        corsOrigins,
        version: options.version,
        startedAt: clock(),
        readiness: () => options.readiness(),
        rooms: () => rooms.open(),
        connectionCount: () => options.connections.size,
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
        ...{ submissions: submissions.service, listing: submissions.listing, migrations: submissions.migrations },
        bulk: new BulkMigrations({ ...submissions, versions, operations }),
        ...{ audit, addresses },
        locationHeaders: options.locationHeaders,
      });
      await v1.register(documentRoutes, { documents, audit, maxUpdateBytes: options.maxBodyBytes });
      await v1.register(snapshotRoutes, { snapshots: new SnapshotService(rooms, options.snapshots, feed), audit });
      await v1.register(snapshotPolicyRoutes, { policies, taker, audit, logger });
      await v1.register(operationRoutes, { operations });
      await v1.register(backupRoutes, { backups, audit });
      await v1.register(encryptionRoutes, { rotation: options.rotation, operations, audit });
      await v1.register(tokenRoutes, { authenticator, audit });
      await v1.register(connectionRoutes, { connections: options.connections, audit, drain });
      await v1.register(feedRoutes, { listeners });
      await v1.register(webhookRoutes, { webhooks: webhooks.service, audit, clock });
      await v1.register(optimizationRoutes, { optimization, audit, corsOrigins: options.corsOrigins });
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
