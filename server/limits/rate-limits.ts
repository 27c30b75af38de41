/**
 * Budgets per user, document, tenant and address. An office behind one address is many users: the address has the
 * widest budget, so that it stops floods, not colleagues.
 *
 * Generic cell rate algorithm: one number per key, the time at which its budget is whole again. Keys are bounded by
 * forgetting the least recently used; one that is over its budget is used all the time, so it is not forgotten.
 */
import { LRUCache } from 'lru-cache';
import type { MonotonicClock } from './clock.js';

export const RATE_KINDS = ['user', 'document', 'tenant', 'address'] as const;
export type RateKind = (typeof RATE_KINDS)[number];

export interface RateRule {
  /** What may be spent at once after a pause. */
  readonly burst: number;
  readonly perSecond: number;
}

export type RateSubjects = { readonly [K in RateKind]?: string | undefined };

export interface RateLimitsOptions {
  /** A kind without a rule is not limited. */
  readonly rules: { readonly [K in RateKind]?: RateRule };
  readonly now: MonotonicClock;
  /** Per kind. */
  readonly maxKeys?: number;
}

/** `limit`, `remaining` and `resetSeconds` are those of the tightest budget, as `RateLimit-*` headers want them. */
export interface RateVerdict {
  readonly isAllowed: boolean;
  /** Whose budget is spent; undefined when allowed. */
  readonly limitedBy: RateKind | undefined;
  /** When the same request would be allowed: 0 when it is, Infinity when its cost exceeds the burst. */
  readonly retryAfterMs: number;
  readonly limit: number;
  readonly remaining: number;
  /** Until the budget is whole again. */
  readonly resetSeconds: number;
}

interface Budget {
  readonly rule: RateRule;
  /** When each key's budget is whole again. */
  readonly wholeAt: LRUCache<string, number>;
}

const MAX_KEYS = 50_000;
const UNLIMITED: RateVerdict = {
  isAllowed: true,
  limitedBy: undefined,
  retryAfterMs: 0,
  limit: Infinity,
  remaining: Infinity,
  resetSeconds: 0,
};

export class RateLimits {
  readonly #budgets = new Map<RateKind, Budget>();
  readonly #now: MonotonicClock;

  constructor({ rules, now, maxKeys = MAX_KEYS }: RateLimitsOptions) {
    this.#now = now;
    for (const kind of RATE_KINDS) {
      const rule = rules[kind];
      if (rule !== undefined) this.#budgets.set(kind, { rule, wholeAt: new LRUCache({ max: maxKeys }) });
    }
  }

  /** Spends `cost` from every budget that is named, or from none when one of them has too little. */
  consume(subjects: RateSubjects, cost = 1): RateVerdict {
    const now = this.#now();
    let tightest = UNLIMITED;
    const spent: { readonly budget: Budget; readonly key: string; readonly wholeAt: number }[] = [];
    for (const [kind, budget] of this.#budgets) {
      const key = subjects[kind];
      if (key === undefined) continue;
      const wholeAt = Math.max(now, budget.wholeAt.get(key) ?? now);
      const verdict = judge(kind, budget.rule, wholeAt - now, cost);
      if (isTighter(verdict, tightest)) tightest = verdict;
      spent.push({ budget, key, wholeAt: wholeAt + costMs(budget.rule, cost) });
    }
    if (tightest.isAllowed) for (const { budget, key, wholeAt } of spent) budget.wholeAt.set(key, wholeAt);
    return tightest;
  }

  /** Keys that are remembered, for metrics. */
  get size(): number {
    let size = 0;
    for (const { wholeAt } of this.#budgets.values()) size += wholeAt.size;
    return size;
  }

  close(): void {
    for (const { wholeAt } of this.#budgets.values()) wholeAt.clear();
  }
}

function judge(kind: RateKind, rule: RateRule, debtMs: number, cost: number): RateVerdict {
  const burstMs = costMs(rule, rule.burst);
  const afterMs = debtMs + costMs(rule, cost);
  const isAllowed = afterMs <= burstMs + ROUNDING_MS;
  const standsAtMs = isAllowed ? afterMs : debtMs;
  return {
    isAllowed,
    limitedBy: isAllowed ? undefined : kind,
    retryAfterMs: isAllowed ? 0 : cost > rule.burst ? Infinity : afterMs - burstMs,
    limit: rule.burst,
    remaining: Math.max(0, Math.floor(((burstMs - standsAtMs) * rule.perSecond) / 1_000 + ROUNDING_MS)),
    resetSeconds: Math.ceil(standsAtMs / 1_000),
  };
}

/** Floating point: a budget spent to the last token must not fail by a hair. */
const ROUNDING_MS = 1e-6;

function costMs(rule: RateRule, cost: number): number {
  return (cost / rule.perSecond) * 1_000;
}

function isTighter(a: RateVerdict, b: RateVerdict): boolean {
  if (a.isAllowed !== b.isAllowed) return !a.isAllowed;
  return a.isAllowed ? a.remaining < b.remaining : a.retryAfterMs > b.retryAfterMs;
}
