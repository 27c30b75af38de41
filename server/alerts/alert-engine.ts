/**
 * Evaluates the rules every few seconds. Each node watches its own metrics; one node watches for the cluster
 * (`cluster-duty.ts`). What fires is held in memory by the node that watches it, and stored for everybody to read.
 */
import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { Bus } from '../storage/bus.js';
import type { Subscription } from '../storage/document-log.js';
import { after, alertKey, type Alert } from './alert.js';
import type { AlertStore } from './alert-store.js';
import { ClusterDuty, type ClusterDutyOptions } from './cluster-duty.js';
import { EventFacts } from './facts/event-facts.js';
import type { NodeFacts } from './facts/node-facts.js';
import { isClusterWide, type Observation, type Rule } from './rules/rule.js';
import type { RuleStore } from './rules/rule-store.js';
import { Settlements } from './settlements.js';
import type { SilenceStore } from './rules/silence.js';
import { Watch } from './watch.js';

export type Announcement = 'fired' | 'acknowledged' | 'resolved';
/** Tells those whom the rule names. `rule` is undefined when it was deleted meanwhile. Never rejects. */
export type Announce = (what: Announcement, alert: Alert, rule: Rule | undefined) => Promise<void>;

export interface AlertEngineOptions extends Omit<ClusterDutyOptions, 'onTaken' | 'onLost' | 'isWatched' | 'onOrphan'> {
  readonly bus: Bus;
  readonly facts: NodeFacts;
  readonly rules: RuleStore;
  readonly silences: SilenceStore;
  readonly alerts: AlertStore;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  readonly announce: Announce;
  readonly everyMs?: number | undefined;
}

const EVERY_MS = 3_000;
const REFRESH_EVERY_MS = 15_000;
const CHANNEL = 'alerts';
const changeSchema = z.object({ settings: z.boolean().optional(), alert: z.string().optional() });
const TEST_EVENTS = 5_000;

export class AlertEngine {
  readonly #watches = new Map<string, Watch>();
  /** Those that this node watches, by key. */
  readonly #open = new Map<string, Alert>();
  readonly #duty: ClusterDuty;
  readonly #settlements: Settlements;
  #timer: NodeJS.Timeout | undefined;
  #subscription: Subscription | undefined;
  #refreshedAt: number;

  constructor(private readonly options: AlertEngineOptions) {
    const { alerts, logger, clock } = options;
    this.#refreshedAt = clock();
    this.#settlements = new Settlements(alerts, logger);
    this.#duty = new ClusterDuty({
      ...options,
      onTaken: (open) => this.#adopt(open),
      onLost: () => this.#drop(),
      isWatched: ({ id }) => this.open().some((alert) => alert.id === id),
      onOrphan: (alert) =>
        this.#settleResolved(alert, alert.node === null ? 'nobody watches it any more' : 'the node is gone'),
    });
  }

  async start(): Promise<void> {
    const { bus, everyMs = EVERY_MS } = this.options;
    await this.#refresh();
    this.#subscription = await bus.subscribe(CHANNEL, (message) => void this.#onChanged(message));
    this.#timer = setInterval(() => this.tick(), everyMs);
    this.#timer.unref();
  }

  /** One evaluation. */
  tick(): void {
    const { clock, facts } = this.options;
    const now = clock();
    facts.sample(now);
    this.#evaluate(now);
    void this.#settlements.drain();
    void this.#duty.round();
    if (now - this.#refreshedAt < REFRESH_EVERY_MS) return;
    this.#refreshedAt = now;
    this.#refresh().catch((error: unknown) => {
      this.options.logger.debug({ err: error }, 'alert rules cannot be read now; the known ones stay in force');
    });
  }

  // ── for operators ───────────────────────────────────────────────────────────────────────────────────────

  /** Those that this node watches: at hand also while the store fails. */
  open(): Alert[] {
    return [...this.#open.values()];
  }

  /** What the rule sees now. Nothing fires. */
  async observe(rule: Rule): Promise<Observation[]> {
    const { clock, activity, security } = this.options;
    const now = clock();
    const { condition } = rule;
    if (condition.kind === 'metric') return this.#observeMetric(rule, now);
    const facts = new EventFacts();
    const since = now - condition.windowSeconds * 1_000;
    for (const log of [activity, security]) {
      facts.add(
        (await log.query({ since, type: condition.type }, { limit: TEST_EVENTS, cursor: null })).data.reverse(),
      );
    }
    return facts.observe(condition, now);
  }

  /** Undefined when there is no such alert. It stays as it is when it is resolved. */
  async act(id: string, action: 'acknowledged' | 'resolved', by: string, note: string): Promise<Alert | undefined> {
    const { alerts, clock, rules, announce } = this.options;
    const known = this.open().find((alert) => alert.id === id) ?? (await alerts.get(id));
    if (known === undefined) return undefined;
    let changed: Alert | undefined;
    const stored = await alerts.change(known, (alert) => {
      const next = after(alert, action, by, note, clock());
      changed = next === alert ? undefined : next;
      return next;
    });
    if (changed === undefined) return stored;
    this.#take(stored);
    this.#tell({ alert: id });
    await announce(action, stored, rules.get(stored.ruleId));
    return stored;
  }

  /** After rules or silences were changed here: in force on every node at once. */
  settingsChanged(): void {
    this.#tell({ settings: true });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#subscription?.close();
    await this.#duty.close();
  }

  // ── evaluation ──────────────────────────────────────────────────────────────────────────────────────────

  #evaluate(now: number): void {
    const { rules } = this.options;
    const seen = new Set<string>();
    for (const rule of rules.all()) {
      if (!rule.isEnabled) continue;
      const durations = { forMs: rule.forSeconds * 1_000, resolveAfterMs: rule.resolveAfterSeconds * 1_000 };
      for (const observation of this.#observe(rule, now)) {
        const key = alertKey(rule.id, observation.labels);
        seen.add(key);
        let watch = this.#watches.get(key);
        if (watch === undefined) {
          if (!observation.isOver) continue;
          this.#watches.set(key, (watch = new Watch()));
        }
        const outcome = watch.observe(observation, durations, now);
        if (outcome === 'fire') this.#fire(key, rule, observation, now);
        else if (outcome === 'resolve') this.#resolve(key, 'the condition is over');
      }
    }
    this.#forgetUnseen(seen, now);
    this.#announceUnsilenced(now);
  }

  #observe(rule: Rule, now: number): Observation[] {
    if (isClusterWide(rule) && !this.#duty.isHeld) return [];
    return rule.condition.kind === 'metric'
      ? this.#observeMetric(rule, now)
      : this.#duty.facts.observe(rule.condition, now);
  }

  #observeMetric(rule: Rule, now: number): Observation[] {
    if (rule.condition.kind !== 'metric') return [];
    const labels: Record<string, string> = isClusterWide(rule) ? {} : { node: this.options.node };
    const observation = this.options.facts.observe(rule.condition, labels, now);
    return observation === undefined ? [] : [observation];
  }

  /** Groups without events, and rules that are gone or switched off. */
  #forgetUnseen(seen: ReadonlySet<string>, now: number): void {
    for (const [key, watch] of this.#watches) {
      if (!seen.has(key)) {
        const alert = this.#open.get(key);
        const rule = alert === undefined ? undefined : this.options.rules.get(alert.ruleId);
        const resolveAfterMs = rule?.isEnabled === true ? rule.resolveAfterSeconds * 1_000 : 0;
        const isOver = watch.observe({ isOver: false, isClear: true }, { forMs: 0, resolveAfterMs }, now);
        if (isOver === 'resolve') this.#resolve(key, 'the condition is over');
      }
      if (watch.isQuiet) this.#watches.delete(key);
    }
  }

  // ── transitions ─────────────────────────────────────────────────────────────────────────────────────────

  #fire(key: string, rule: Rule, observation: Observation, now: number): void {
    const labels = { ...observation.labels, rule: rule.id, severity: rule.severity };
    const isSilenced = this.options.silences.covers(labels, now);
    const alert: Alert = {
      id: uuidv7(),
      ruleId: rule.id,
      name: rule.name,
      severity: rule.severity,
      state: 'firing',
      labels,
      node: isClusterWide(rule) ? null : this.options.node,
      evidence: observation.evidence,
      firedAt: now,
      resolvedAt: null,
      resolvedBy: null,
      announcedAt: isSilenced ? null : now,
      history: [{ at: now, by: 'system', action: 'fired', note: '' }],
    };
    this.#open.set(key, alert);
    this.#settlements.add({
      alert,
      change: (stored) => stored,
      settled: (stored) => (isSilenced ? Promise.resolve() : this.options.announce('fired', stored, rule)),
    });
  }

  #resolve(key: string, note: string): void {
    const alert = this.#open.get(key);
    this.#open.delete(key);
    if (alert !== undefined) this.#settleResolved(alert, note);
  }

  #settleResolved(alert: Alert, note: string): void {
    const { clock, announce, rules } = this.options;
    const at = clock();
    let isMine = false;
    this.#settlements.add({
      alert,
      change: (stored) => {
        const resolved = after(stored, 'resolved', 'system', note, at);
        isMine = resolved !== stored;
        return resolved;
      },
      settled: async (stored) => {
        if (isMine && stored.announcedAt !== null) await announce('resolved', stored, rules.get(stored.ruleId));
      },
    });
  }

  /** A silence has ended and the alert still fires. */
  #announceUnsilenced(now: number): void {
    const { silences, announce, rules } = this.options;
    for (const [key, alert] of this.#open) {
      if (alert.announcedAt !== null || alert.state !== 'firing' || silences.covers(alert.labels, now)) continue;
      this.#open.set(key, { ...alert, announcedAt: now });
      this.#settlements.add({
        alert,
        change: (stored) => (stored.state === 'firing' ? { ...stored, announcedAt: now } : stored),
        settled: async (stored) => {
          if (stored.state === 'firing') await announce('fired', stored, rules.get(stored.ruleId));
        },
      });
    }
  }

  // ── the other nodes ─────────────────────────────────────────────────────────────────────────────────────

  #adopt(open: readonly Alert[]): void {
    for (const alert of open) {
      const labels = Object.fromEntries(
        Object.entries(alert.labels).filter(([label]) => label !== 'rule' && label !== 'severity'),
      );
      const key = alertKey(alert.ruleId, labels);
      this.#open.set(key, alert);
      this.#watches.set(key, new Watch(true));
    }
  }

  #drop(): void {
    for (const [key, { node }] of this.#open) {
      if (node !== null) continue;
      this.#open.delete(key);
      this.#watches.delete(key);
    }
  }

  /** Somebody has acted on an alert. */
  #take(alert: Alert): void {
    for (const [key, { id }] of this.#open) {
      if (id !== alert.id) continue;
      if (alert.state !== 'resolved') this.#open.set(key, alert);
      else {
        this.#open.delete(key);
        this.#watches.get(key)?.resolvedByHand();
      }
    }
  }

  async #onChanged(message: Uint8Array): Promise<void> {
    const { alerts, logger } = this.options;
    try {
      const change = changeSchema.parse(JSON.parse(Buffer.from(message).toString()));
      if (change.settings === true) await this.#refresh();
      const alert = change.alert === undefined ? undefined : await alerts.get(change.alert);
      if (alert !== undefined) this.#take(alert);
    } catch (error) {
      logger.debug({ err: error }, 'a change of alerts could not be read; it is within seconds');
    }
  }

  #tell(change: z.infer<typeof changeSchema>): void {
    this.options.bus.publish(CHANNEL, Buffer.from(JSON.stringify(change))).catch((error: unknown) => {
      this.options.logger.debug({ err: error }, 'other nodes were not told of a change of alerts; they find it');
    });
  }

  async #refresh(): Promise<void> {
    await this.options.rules.refresh();
    await this.options.silences.refresh();
  }
}
