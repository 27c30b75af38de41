/**
 * What one node does for the cluster: copies the feed into the activity log, follows activity and security events,
 * resolves the alerts of nodes that are gone, and takes old entries away. A lease says which node.
 */
import type { Logger } from 'pino';
import type { Lease, Leases } from '../storage/leases.js';
import type { RecordStore } from '../storage/record-store.js';
import type { ActivityLog, FeedCollector } from '../system-events/index.js';
import type { Alert } from './alert.js';
import type { AlertStore } from './alert-store.js';
import { EventFacts } from './facts/event-facts.js';

const DUTY = 'alerts';
const LEASE_MS = 15_000;
const HEARTBEAT = 'alert-node';
const HEARTBEAT_EVERY_MS = 10_000;
const HEARTBEAT_MS = 35_000;
const TIDY_EVERY_MS = 30_000;
const TRIM_EVERY_MS = 600_000;
const KEPT_MS = 30 * 24 * 3_600_000;
/** What rules may look back on when the duty is taken over. */
const LOOK_BACK_MS = 3_600_000;
const LOOK_BACK_EVENTS = 2_000;
const PAGE = 1_000;

export interface ClusterDutyOptions {
  readonly node: string;
  readonly leases: Leases;
  readonly records: RecordStore;
  readonly alerts: AlertStore;
  readonly activity: ActivityLog;
  readonly security: ActivityLog;
  readonly collector: FeedCollector;
  readonly logger: Logger;
  readonly clock: () => number;
  /** This node watches for the cluster from now on; `open` are the cluster's alerts. */
  readonly onTaken: (open: readonly Alert[]) => void;
  readonly onLost: () => void;
  /** Whether this node has the alert among those that it watches. */
  readonly isWatched: (alert: Alert) => boolean;
  /** An open alert that nobody watches: its node is gone, or was no longer the one that watches for the cluster. */
  readonly onOrphan: (alert: Alert) => void;
}

export class ClusterDuty {
  readonly facts = new EventFacts();
  #lease: Lease | undefined;
  #isHeld = false;
  #running: Promise<void> | undefined;
  #cursors = new Map<ActivityLog, string | undefined>();
  #beatAt = -Infinity;
  #tidiedAt = -Infinity;
  #trimmedAt = -Infinity;
  #hasFailed = false;

  constructor(private readonly options: ClusterDutyOptions) {}

  /** True once everything is at hand that the duty needs. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** One round; none begins while one is under way. Never rejects. */
  round(): Promise<void> {
    this.#running ??= this.#round()
      .then(() => (this.#hasFailed = false))
      .then(() => undefined)
      .catch((error: unknown) => {
        // Said once: while the store fails, each round does.
        if (!this.#hasFailed) this.options.logger.warn({ err: error }, 'events for alerts cannot be read now');
        this.#hasFailed = true;
      })
      .finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #round(): Promise<void> {
    const { clock, collector, activity, security } = this.options;
    await this.#beat(clock());
    if (!(await this.#hold())) return;
    await collector.collect();
    for (const log of [activity, security]) await this.#follow(log);
    this.facts.forget(clock());
    await this.#tidy(clock());
  }

  async #beat(now: number): Promise<void> {
    if (now - this.#beatAt < HEARTBEAT_EVERY_MS) return;
    const { records, node } = this.options;
    await records.put([HEARTBEAT, node], Buffer.from('{}'), { expiresAt: now + HEARTBEAT_MS });
    this.#beatAt = now;
  }

  async #hold(): Promise<boolean> {
    const { leases, node, alerts, activity, security, clock, onTaken } = this.options;
    if (this.#lease !== undefined) {
      if (await this.#lease.renew(LEASE_MS)) return true;
      this.#lose();
    }
    const lease = await leases.acquire(DUTY, node, LEASE_MS);
    if (lease === undefined) return false;
    this.#lease = lease;
    const since = clock() - LOOK_BACK_MS;
    for (const log of [activity, security]) {
      const { data } = await log.query({ since }, { limit: LOOK_BACK_EVENTS, cursor: null });
      this.#cursors.set(log, data[0]?.id ?? (await log.lastId()));
      this.facts.add(data.reverse());
    }
    const open: Alert[] = [];
    for await (const alert of alerts.newestFirst()) if (isOpen(alert) && alert.node === null) open.push(alert);
    this.#isHeld = true;
    onTaken(open);
    return true;
  }

  #lose(): void {
    this.#lease = undefined;
    this.facts.clear();
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.options.onLost();
  }

  async #follow(log: ActivityLog): Promise<void> {
    for (;;) {
      const events = await log.after(this.#cursors.get(log), PAGE);
      this.facts.add(events);
      const last = events.at(-1);
      if (last === undefined) return;
      this.#cursors.set(log, last.id);
      if (events.length < PAGE) return;
    }
  }

  async #tidy(now: number): Promise<void> {
    const { records, alerts, activity, security, isWatched, onOrphan } = this.options;
    if (now - this.#tidiedAt < TIDY_EVERY_MS) return;
    this.#tidiedAt = now;
    const nodes = new Set<string>();
    for await (const { key } of records.scan([HEARTBEAT])) if (key[1] !== undefined) nodes.add(key[1]);
    for await (const alert of alerts.newestFirst()) {
      if (!isOpen(alert)) continue;
      // Of the cluster: a node that stood still for longer than its lease fires once more when it goes on.
      const isOrphan = alert.node === null ? !isWatched(alert) : !nodes.has(alert.node);
      if (isOrphan) onOrphan(alert);
    }
    if (now - this.#trimmedAt < TRIM_EVERY_MS) return;
    this.#trimmedAt = now;
    for (const log of [activity, security]) await log.trim(now - KEPT_MS);
  }

  /** Lets another node take over at once. Never rejects. */
  async close(): Promise<void> {
    await this.#running;
    try {
      await this.#lease?.release();
      await this.options.records.delete([HEARTBEAT, this.options.node]);
    } catch (error) {
      this.options.logger.debug({ err: error }, 'the duty of alerts runs out by itself');
    }
  }
}

function isOpen({ state }: Alert): boolean {
  return state !== 'resolved';
}
