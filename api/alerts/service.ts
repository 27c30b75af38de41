/** Alerts, rules and silences as administrators manage them. Knows no HTTP. */
import { uuidv7 } from 'uuidv7';
import type {
  Alert,
  AlertEngine,
  AlertState,
  AlertStore,
  Observation,
  Rule,
  RuleSettings,
  RuleStore,
  Silence,
  SilenceStore,
} from '../../server/alerts/index.js';
import type { Principal } from '../../server/auth/index.js';
import { Problem } from '../http/problem.js';

const MAX_RULES = 500;
const MAX_SILENCES = 500;
/** A store that hangs does not keep an operator from what this node knows. */
const READ_LIMIT_MS = 2_000;

export interface AlertFilter {
  readonly state?: AlertState | 'open' | undefined;
  readonly severity?: Alert['severity'] | undefined;
  readonly rule?: string | undefined;
}

export interface AlertServiceOptions {
  readonly engine: AlertEngine;
  readonly alerts: AlertStore;
  readonly rules: RuleStore;
  readonly silences: SilenceStore;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export class AlertService {
  constructor(private readonly options: AlertServiceOptions) {}

  // ── alerts ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Newest first. While the store fails: those that this node watches. */
  async list(
    filter: AlertFilter,
    { limit, cursor }: { readonly limit: number; readonly cursor: string | null },
  ): Promise<{ data: Alert[]; nextCursor: string | null }> {
    const { engine } = this.options;
    const stored = await this.#stored(filter, limit, cursor);
    const known = new Set(stored.map(({ id }) => id));
    const oldest = stored.length > limit ? stored.at(-1)?.id : undefined;
    const own = engine.open().filter((alert) => {
      const isOnPage = (cursor === null || alert.id < cursor) && (oldest === undefined || alert.id > oldest);
      return isOnPage && !known.has(alert.id) && fits(alert, filter);
    });
    const all = [...stored, ...own].sort((a, b) => (a.id < b.id ? 1 : -1));
    const data = all.slice(0, limit);
    return { data, nextCursor: all.length > limit ? (data.at(-1)?.id ?? null) : null };
  }

  async #stored(filter: AlertFilter, limit: number, cursor: string | null): Promise<Alert[]> {
    const read = async (): Promise<Alert[]> => {
      const found: Alert[] = [];
      for await (const alert of this.options.alerts.newestFirst(cursor ?? undefined)) {
        if (fits(alert, filter)) found.push(alert);
        if (found.length > limit) break;
      }
      return found;
    };
    // That the store fails is among what is asked for.
    return within(READ_LIMIT_MS, read()).catch(() => []);
  }

  /** @throws Problem `alert_not_found` */
  async get(id: string): Promise<Alert> {
    const { engine, alerts } = this.options;
    const own = engine.open().find((alert) => alert.id === id);
    return presentAlert(own ?? (await alerts.get(id)), id);
  }

  /** @throws Problem `alert_not_found`, `conflict` when it is resolved already */
  async act(id: string, action: 'acknowledged' | 'resolved', principal: Principal, note: string): Promise<Alert> {
    const before = await this.get(id);
    if (before.state === 'resolved') throw new Problem('conflict', `The alert "${id}" is resolved.`);
    return presentAlert(await this.options.engine.act(id, action, principal.id, note), id);
  }

  // ── rules ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Built-in ones first. */
  listRules(): Rule[] {
    return this.options.rules.all();
  }

  /** @throws Problem `alert_rule_not_found` */
  getRule(id: string): Rule {
    const rule = this.options.rules.get(id);
    if (rule === undefined) throw new Problem('alert_rule_not_found', `There is no alert rule "${id}".`);
    return rule;
  }

  /** @throws Problem `conflict` when the id is taken or there are too many */
  async createRule(principal: Principal, id: string = uuidv7(), settings: RuleSettings): Promise<Rule> {
    const { rules } = this.options;
    if (rules.get(id) !== undefined) throw new Problem('conflict', `There is an alert rule "${id}" already.`);
    if (rules.all().length >= MAX_RULES) throw new Problem('conflict', `There are ${MAX_RULES} alert rules already.`);
    return this.#putRule(principal, id, false, settings);
  }

  /** @throws Problem `alert_rule_not_found` */
  async changeRule(principal: Principal, id: string, settings: RuleSettings): Promise<Rule> {
    return this.#putRule(principal, id, this.getRule(id).isBuiltIn, settings);
  }

  async #putRule(principal: Principal, id: string, isBuiltIn: boolean, settings: RuleSettings): Promise<Rule> {
    const { rules, engine, clock } = this.options;
    const rule = { ...settings, id, isBuiltIn, changedAt: clock(), changedBy: principal.id };
    await rules.put(rule);
    engine.settingsChanged();
    return rule;
  }

  /** Its alerts are resolved. A built-in rule is as it was made again. @throws Problem `alert_rule_not_found` */
  async deleteRule(id: string): Promise<void> {
    this.getRule(id);
    await this.options.rules.delete(id);
    this.options.engine.settingsChanged();
  }

  /** @throws Problem `alert_rule_not_found` */
  async testRule(id: string): Promise<Observation[]> {
    return this.options.engine.observe(this.getRule(id));
  }

  // ── silences ────────────────────────────────────────────────────────────────────────────────────────────

  listSilences(): Silence[] {
    return this.options.silences.all(this.options.clock());
  }

  /** @throws Problem `validation_failed` when it is over already, `conflict` when there are too many */
  async silence(principal: Principal, content: Pick<Silence, 'labels' | 'until' | 'comment'>): Promise<Silence> {
    const { silences, engine, clock } = this.options;
    const now = clock();
    if (content.until <= now) {
      const message = 'lies in the past';
      throw new Problem('validation_failed', `until: ${message}`, { errors: [{ path: 'until', message }] });
    }
    if (silences.all(now).length >= MAX_SILENCES) {
      throw new Problem('conflict', `There are ${MAX_SILENCES} silences already.`);
    }
    const silence = await silences.add({ ...content, createdAt: now, createdBy: principal.id });
    engine.settingsChanged();
    return silence;
  }

  /** What fires is told then. @throws Problem `silence_not_found` */
  async unsilence(id: string): Promise<void> {
    if (!(await this.options.silences.delete(id))) {
      throw new Problem('silence_not_found', `There is no silence "${id}".`);
    }
    this.options.engine.settingsChanged();
  }
}

function fits({ state, severity, ruleId }: Alert, filter: AlertFilter): boolean {
  if (filter.state === 'open' ? state === 'resolved' : filter.state !== undefined && state !== filter.state)
    return false;
  if (filter.severity !== undefined && severity !== filter.severity) return false;
  return filter.rule === undefined || ruleId === filter.rule;
}

function presentAlert(alert: Alert | undefined, id: string): Alert {
  if (alert === undefined) throw new Problem('alert_not_found', `There is no alert "${id}".`);
  return alert;
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the store does not answer')), limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
