/** Alerts and system events of a server: built, started, and told to those who want to know. */
import type { Logger } from 'pino';
import {
  ALERT_SEVERITIES,
  AlertEngine,
  AlertStore,
  NodeFacts,
  RuleStore,
  SilenceStore,
  type Alert,
  type Announcement,
  type Rule,
} from '../../server/alerts/index.js';
import type { EventFeed } from '../../server/events/index.js';
import type { AdmissionPools, Breakers, DeadLetters, OutboundQueues } from '../../server/limits/index.js';
import type { Metrics } from '../../server/observability/index.js';
import type { Storage } from '../../server/storage/index.js';
import { ActivityLog, FeedCollector, SecurityWatch, SystemSampler } from '../../server/system-events/index.js';
import type { Notifier } from '../notifications/notifier.js';
import { shownSample } from '../system/sample.js';
import { factSources, type FactOptions } from './fact-sources.js';
import { AlertService } from './service.js';

export { alertRoutes } from './routes.js';

/** What only the composition root knows. */
export interface Watched extends Pick<FactOptions, 'damagedDocuments' | 'backlog'> {
  /** DATA_DIR: how full its disk is. */
  readonly folder: string;
  /** Whether the feed tells how this node is doing. */
  readonly isHealthTold: boolean;
  /** How often rules are evaluated and the node is sampled, in milliseconds. */
  readonly everyMs?: number | undefined;
}

export interface AlertsOptions {
  readonly node: string;
  readonly watched: Watched;
  readonly storage: Storage;
  readonly feed: EventFeed;
  readonly metrics: Metrics;
  readonly pools: AdmissionPools;
  readonly queues: OutboundQueues;
  readonly breakers: Breakers;
  readonly deadLetters: DeadLetters;
  readonly notifier: Notifier;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  connections(): number;
  rooms(): number;
}

export interface Alerts {
  readonly service: AlertService;
  readonly activity: ActivityLog;
  readonly security: ActivityLog;
  readonly watch: SecurityWatch;
  readonly sampler: SystemSampler;
  close(): Promise<void>;
}

const COUNT_LETTERS_EVERY_MS = 10_000;
const COUNT_MS_PER_LETTER = 10;

/** Running when it resolves. */
export async function startAlerts(options: AlertsOptions): Promise<Alerts> {
  const { node, storage, feed, metrics, logger, clock, watched, pools, queues, breakers, deadLetters } = options;
  const activity = new ActivityLog(storage.events, 'activity');
  const security = new ActivityLog(storage.events, 'security');
  const watch = new SecurityWatch({ log: security, node, logger, flushMs: watched.everyMs });
  metrics.onError((type, facts) => watch.onError(type, facts));
  const sampler = new SystemSampler(
    {
      folder: watched.folder,
      isRedis: storage.kind === 'redis',
      eventLoopDelay: () => metrics.eventLoopDelay(),
      storageHealth: () => storage.health(),
      connections: () => options.connections(),
      rooms: () => options.rooms(),
      edits: () => metrics.totals().updates,
      latencies: () => metrics.latencies(),
    },
    clock,
    logger,
    watched.everyMs,
  );
  if (watched.isHealthTold) {
    sampler.onSample((sample) => {
      const state = sample.store === 'ok' ? 'ok' : 'failing';
      void feed.publish({ type: 'system.health', time: sample.at, data: { node, state, ...shownSample(sample) } });
    });
  }
  await sampler.start();
  const stopCounting = keepCounted(deadLetters, storage.kind === 'redis', logger);
  const sources = factSources({
    ...{ storage, metrics, sampler, pools, queues, breakers },
    damagedDocuments: () => watched.damagedDocuments(),
    backlog: () => watched.backlog(),
    deadLetters: () => ({ waiting: deadLetters.size, lost: deadLetters.lost }),
  });
  const parts = {
    alerts: new AlertStore(storage.records),
    rules: new RuleStore(storage.records),
    silences: new SilenceStore(storage.records),
  };
  const engine = new AlertEngine({
    ...parts,
    ...{ node, activity, security, logger, clock },
    ...{ leases: storage.leases, records: storage.records, bus: storage.bus },
    collector: new FeedCollector(feed, activity),
    facts: new NodeFacts(sources, clock()),
    announce: (what, alert, rule) => announce(options, what, alert, rule),
    everyMs: watched.everyMs,
  });
  await engine.start();
  metrics.attach({
    alerts: () => {
      const bySeverity = Object.fromEntries(ALERT_SEVERITIES.map((severity) => [severity, 0]));
      for (const { severity } of engine.open()) bySeverity[severity] = (bySeverity[severity] ?? 0) + 1;
      return bySeverity;
    },
    disk: () => sampler.now().disk,
  });
  return {
    service: new AlertService({ ...parts, engine, clock }),
    ...{ activity, security, watch, sampler },
    close: async () => {
      stopCounting();
      sampler.close();
      await engine.close();
      await watch.close();
    },
  };
}

async function announce(
  { feed, notifier, logger }: AlertsOptions,
  what: Announcement,
  alert: Alert,
  rule: Rule | undefined,
): Promise<void> {
  const { id, ruleId, name, severity, labels, evidence, firedAt } = alert;
  const channels = rule?.channels ?? ['feed', 'log'];
  // What asks for somebody at night stands out; that it is over does not.
  const level = what !== 'fired' ? 'info' : severity === 'critical' ? 'error' : 'warn';
  if (channels.includes('log')) logger[level]({ alert: id, rule: ruleId, severity, labels, evidence }, `alert ${what}`);
  if (channels.includes('feed')) {
    const since = new Date(firedAt).toISOString();
    const data = { alertId: id, ruleId, name, severity, labels, evidence, since };
    await feed.publish({ type: `alert.${what}`, data });
  }
  if (!channels.includes('notifications') || what !== 'fired') return;
  for (const userId of rule?.recipients ?? []) {
    const text = `${name} (${severity})`;
    const actor = { id: 'system', name: 'Formloom' };
    const priority = severity === 'critical' ? 'urgent' : severity === 'warning' ? 'high' : 'normal';
    await notifier.notify({ userId, reason: 'alert', actor, text, priority }).catch((error: unknown) => {
      logger.warn({ err: error, alert: id }, 'a recipient of an alert could not be notified');
    });
  }
}

/** What other nodes have given up is known to the store alone. Answers how to stop. */
function keepCounted(deadLetters: DeadLetters, isShared: boolean, logger: Logger): () => void {
  if (!isShared) return () => undefined;
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    // The more there are, the longer it takes to read them, and the less one more matters.
    timer = setTimeout(() => void count(), Math.max(COUNT_LETTERS_EVERY_MS, deadLetters.size * COUNT_MS_PER_LETTER));
    timer.unref();
  };
  let isClosed = false;
  const count = async (): Promise<void> => {
    try {
      await deadLetters.recount();
    } catch (error) {
      logger.debug({ err: error }, 'dead letters cannot be counted now');
    }
    if (!isClosed) schedule();
  };
  schedule();
  return () => {
    isClosed = true;
    clearTimeout(timer);
  };
}
