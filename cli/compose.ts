/**
 * The composition root: the only place where parts are constructed and meet.
 *
 * One port: upgrades go to the gateway, requests to the sidecar.
 */
import { hostname } from 'node:os';
import path from 'node:path';
import type { Logger } from 'pino';
import { AnswerSeal } from '../api/http/answer-seal.js';
import { Cursors } from '../api/http/cursors.js';
import { KeptAnswers } from '../api/http/kept-answers.js';
import { createApi } from '../api/index.js';
import { OwnSheets, SubmissionStore } from '../api/submissions/index.js';
import type { RetrySchedule } from '../api/webhooks/index.js';
import { EditCounter, EditMarks, FactLog, LiveBoard } from '../server/analytics/index.js';
import { createAuthenticator, credentialsFrom } from '../server/auth/index.js';
import { requireFinishedRestore } from '../server/backup/index.js';
import type { Config } from '../server/config/index.js';
import { Gateway } from '../server/gateway/gateway.js';
import { CLOSE } from '../server/protocol/close-codes.js';
import {
  AdmissionPools,
  Admissions,
  Breakers,
  ClientAddresses,
  DocumentWork,
  GuardedRecords,
  HandshakeGate,
  PoisonDocuments,
  ProcessorShare,
  RateLimits,
  type RateLimitsOptions,
  TrafficLimits,
} from '../server/limits/index.js';
import { EventFeed } from '../server/events/index.js';
import { FormHistory } from '../server/history/index.js';
import { createMetrics, OtlpExporter, Tracing } from '../server/observability/index.js';
import { RoomRegistry } from '../server/rooms/room-registry.js';
import { openSnapshots } from '../server/snapshots/index.js';
import { openEmbeddedStorage, type Storage } from '../server/storage/index.js';
import { KeyRing, KeyRotation, openEncrypted } from '../server/storage/encrypted/index.js';
import { openRedisStorage } from '../server/storage/redis/index.js';
import { knobsOf } from './knobs.js';
import { VERSION } from './version.js';

/** A back end that imports thousands of forms passes; a loop that lost its pause does not. */
const REQUEST_LIMITS = {
  user: { burst: 5_000, perSecond: 1_000 },
  tenant: { burst: 20_000, perSecond: 4_000 },
  address: { burst: 20_000, perSecond: 4_000 },
};

export interface Formloom {
  /** Where it listens, such as http://127.0.0.1:1234. */
  readonly url: string;
  /** Unready, flush, staggered closes, everything released. */
  close(drainSeconds: number): Promise<void>;
}

/** @throws StorageUnavailableError, or the error of `listen` (port in use). */
export async function startFormloom(
  config: Config,
  logger: Logger,
  /** For tests that cannot wait for the real schedule of retries. */
  parts: {
    readonly webhookSchedule?: RetrySchedule | undefined;
    readonly alertsEveryMs?: number | undefined;
    readonly abandonmentEveryMs?: number | undefined;
    readonly trafficPatienceMs?: number | undefined;
    readonly requestLimits?: RateLimitsOptions['rules'] | undefined;
  } = {},
): Promise<Formloom> {
  const node = `${hostname().slice(0, 32)}-${process.pid}-${Date.now().toString(36)}`;
  // Whoever evaluates often does not wait for slow readings.
  const eventLoopWindowMs = parts.alertsEveryMs === undefined ? undefined : parts.alertsEveryMs * 20;
  const metrics = createMetrics({ eventLoopWindowMs, areLatenciesMeasured: config.performanceMonitoring });
  // Also without keys: a store that was encrypted is refused then, instead of misread.
  const breakers = new Breakers(logger);
  const ring = new KeyRing(config.encryptionKeys);
  const stored = await openStorage(config, node, logger);
  const opened = await openEncrypted(stored, ring, logger);
  await requireFinishedRestore(opened.records).catch(async (error: unknown) => {
    await opened.close();
    throw error;
  });
  // A store that is back is found out within seconds.
  const storeBreaker = breakers.get('store', { threshold: 5, pauseMs: 500, maxPauseMs: 4_000 });
  const storage: Storage = { ...opened, records: new GuardedRecords(opened.records, storeBreaker) };
  const poison = new PoisonDocuments(breakers);
  const processor = new ProcessorShare();
  const work = new DocumentWork(
    config.documentCpuPercent / 100,
    () => performance.now(),
    () => processor.read(),
  );
  const history = new FormHistory(storage.documents, storage.events);
  const feed = new EventFeed({ node, log: storage.events, bus: storage.bus, leases: storage.leases, logger });
  await feed.start();
  const facts = new FactLog({ log: storage.events, records: storage.records, bus: storage.bus, logger });
  const marks = new EditMarks(storage.records, node);
  const edits = new EditCounter({ facts, marks, isShared: storage.documents.isShared, logger });
  if (config.performanceMonitoring) await edits.start();
  const hydration = { budgetBytes: config.hydratedBytes };
  const answers = new KeptAnswers(storage.records, (document) => rooms.exists(document));
  const tracing = tracingOf(config, node, logger);
  const rooms: RoomRegistry = new RoomRegistry({
    tracing,
    node,
    log: storage.documents,
    bus: storage.bus,
    logger,
    counters: metrics,
    maxDocumentBytes: config.maxDocumentBytes,
    // Asked at every sweep.
    get hydratedBytes() {
      return hydration.budgetBytes;
    },
    isTickAdaptive: config.websocketOptimizationEnabled,
    onErased: (document) => answers.forget(document),
    beforeFold: async (document) => {
      // What is folded cannot be counted from the log any more.
      await Promise.all([history.record(document), edits.written(document)]);
    },
    onWork: (document, ms) => {
      if (work.spend(document, ms)) void shutOverworked(document);
    },
    onChanged: (document, updates, position) => {
      for (const { attribution } of updates) feed.formChanged(document, attribution.principal);
      if (config.performanceMonitoring) edits.changed(document, updates, position);
      snapshots.automatic.changed(document, updates.length);
    },
  });
  const authenticator = createAuthenticator({
    mode: config.auth,
    jwtSecret: config.jwtSecret,
    jwtPublicKey: config.jwtPublicKey,
    jwksUrl: config.jwksUrl,
    adminToken: config.adminToken,
    records: storage.records,
    bus: storage.bus,
    logger,
  });
  await authenticator.start();
  await rooms.start();
  const snapshots = await openSnapshots({ node, storage, rooms, events: feed, logger });
  const pools = new AdmissionPools({
    connectionPoolSize: config.connectionPoolSize,
    areRolesProven: config.auth === 'jwt',
  });
  const traffic = new TrafficLimits({
    rules: {
      user: config.userLimits,
      document: config.documentLimits,
      tenant: config.tenantLimits,
      address: config.addressLimits,
    },
    now: () => performance.now(),
    ...(parts.trafficPatienceMs === undefined ? {} : { patienceMs: parts.trafficPatienceMs }),
  });
  const admissions = new Admissions(pools, traffic, poison);
  const handshakes = new HandshakeGate({ now: () => performance.now(), perSecond: config.handshakesPerSecond });
  const addresses = new ClientAddresses(config.trustedProxies);
  const ownSheets = new OwnSheets(new SubmissionStore(storage.records));
  const gateway = new Gateway({
    rooms,
    authenticator,
    logger,
    counters: metrics,
    maxFrameBytes: config.maxFrameBytes,
    compressesJoins: config.compressJoins,
    isServing: config.role !== 'api',
    credentials: (request) => credentialsFrom(request, config.corsOrigins),
    address: (request) => addresses.of(request),
    withOwn: (principal, document) => ownSheets.withOwn(principal, document),
    awaitTurn: (address, isGone) => handshakes.awaitTurn(address, isGone),
    admit: (request) => admissions.admit(request),
  });
  const shutOverworked = async (document: string): Promise<void> => {
    work.forget(document);
    metrics.errors('document_overworked', { document });
    logger.warn({ document }, 'a document takes more of the processor than its budget and is shut for a while');
    // At once: what its writers have sent already is not applied any more.
    gateway.connections.closeDocument(document, CLOSE.overloaded, 'the document takes too much of the server');
    await poison.onOverworked(document);
  };
  metrics.onError((type, { document }) => {
    if (type === 'poison_update' && document !== undefined) void poison.onPoison(document);
  });
  const live = new LiveBoard({ node, bus: storage.bus, connections: gateway.connections, edits, logger });
  await live.start();
  metrics.attach({
    ticks: () => rooms.ticker.ticks,
    hydratedBytes: () => rooms.hydratedBytes(),
    storagePendingBytes: () => rooms.backlog.bytes,
    compactionsInFlight: () => rooms.compactor.inFlight,
    slowedTotal: () => traffic.slowed,
    limitedTotal: () => traffic.refused,
    slowedConnections: () => gateway.connections.slowed(),
    rooms: () => countByState(rooms),
  });

  const readiness = (): { ready: boolean; checks: Record<string, string> } => {
    const health = storage.health();
    const damaged = [...rooms.damaged().keys()];
    const checks = {
      store: health.state === 'failing' ? `failing: ${health.reason}` : health.state,
      documents: damaged.length === 0 ? 'ok' : `damaged: ${damaged.slice(0, 10).join(', ')}`,
      gateway: gateway.isDraining ? 'draining' : 'ok',
    };
    return { ready: Object.values(checks).every((check) => check === 'ok'), checks };
  };

  const secrets = [config.jwtSecret, config.adminToken].filter((secret) => secret !== undefined);
  const api = await createApi({
    version: VERSION,
    isRestServed: config.role !== 'sync',
    areEditorsServed: config.role !== 'api',
    corsOrigins: config.corsOrigins,
    maxBodyBytes: config.maxFrameBytes,
    submissionFilesBytes: config.submissionFilesBytes,
    logger,
    rooms,
    connections: gateway.connections,
    analytics: { facts, edits, marks, live },
    sync: gateway,
    storage,
    backups: { folder: path.join(config.dataDir, 'backups'), ring },
    snapshots,
    answers,
    node,
    feed,
    webhooks: { allowPrivateTargets: config.webhookPrivateTargets, schedule: parts.webhookSchedule },
    history,
    seal: new AnswerSeal(secrets),
    cursors: new Cursors(secrets),
    rotation: new KeyRotation({
      ...{ stored, opened, ring, logger },
      beforeFold: (document) => history.record(document),
      reclaim: () => stored.reclaim(),
    }),
    authenticator,
    metrics,
    tracing,
    limits: new RateLimits({ rules: parts.requestLimits ?? REQUEST_LIMITS, now: () => performance.now() }),
    pools,
    breakers,
    knobs: knobsOf(rooms, storage.commitPace, hydration, config),
    fanOutMs: () => rooms.ticker.busyMs,
    messageQueueSize: config.messageQueueSize,
    loadTestDefaults: { connections: config.loadTestConnections, durationMs: config.loadTestDuration },
    addresses,
    locationHeaders: config.locationHeaders,
    abandonmentEveryMs: parts.abandonmentEveryMs,
    watched: {
      folder: config.dataDir,
      isHealthTold: config.performanceMonitoring,
      damagedDocuments: () => rooms.damaged(),
      backlog: () => ({ bytes: rooms.backlog.bytes, limitBytes: rooms.backlog.limitBytes }),
      everyMs: parts.alertsEveryMs,
    },
    readiness,
    handleUpgrade: (request, socket, head) => gateway.handleUpgrade(request, socket, head),
    drain: () => {
      gateway.drain(config.drainSeconds).catch((error: unknown) => logger.error({ err: error }, 'draining failed'));
    },
  });
  api.server.on('connection', () => rooms.ticker.pacer.noteAccepted());

  let closing: Promise<void> | undefined;
  const close = async (drainSeconds: number): Promise<void> => {
    await gateway.drain(drainSeconds);
    // Before the port: that closes only when no socket is left.
    await gateway.close();
    await api.close();
    await snapshots.close();
    await rooms.close();
    await edits.close();
    await live.close();
    await feed.close();
    handshakes.close();
    await authenticator.close();
    await tracing?.close();
    await storage.close();
    metrics.close();
  };
  try {
    const url = await api.listen({ port: config.port, host: config.host });
    return { url, close: (drainSeconds) => (closing ??= close(drainSeconds)) };
  } catch (error) {
    // A port in use: nothing may go on that takes part in the cluster, or keeps the process alive.
    await close(0);
    throw error;
  }
}

/** Redis when it is configured, else the embedded store. */
export async function openStorage(config: Config, node: string, logger: Logger): Promise<Storage> {
  const { redisUrl, redisSentinels, redisSentinelName, redisCluster, redisWaitReplicas } = config;
  if (redisUrl === undefined && redisSentinels.length === 0 && redisCluster.length === 0) {
    return openEmbeddedStorage({ folder: config.dataDir, node, logger });
  }
  return openRedisStorage({
    node,
    logger,
    waitReplicas: redisWaitReplicas,
    ...(redisUrl === undefined ? {} : { url: redisUrl }),
    ...(redisSentinels.length === 0 ? {} : { sentinels: redisSentinels }),
    ...(redisSentinelName === undefined ? {} : { sentinelName: redisSentinelName }),
    ...(redisCluster.length === 0 ? {} : { cluster: redisCluster }),
  });
}

function tracingOf(config: Config, node: string, logger: Logger): Tracing | undefined {
  const { otelExporterOtlpEndpoint: endpoint, otelExporterOtlpHeaders: headers = {}, otelServiceName } = config;
  if (endpoint === undefined) return undefined;
  const serviceName = otelServiceName;
  const exporter = new OtlpExporter({ endpoint, headers, serviceName, version: VERSION, node, logger });
  return new Tracing(exporter, config.otelTracesSamplerArg);
}

function countByState(rooms: RoomRegistry): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of rooms.open()) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
