/**
 * What connections may send and how many there may be, per user, document, tenant and address. Nothing that was sent is
 * dropped: an update that the server leaves out is a gap in that client's clock for ever. Who is over a budget is read
 * slower, and who stays over for long is closed and held off.
 *
 *   user       its own messages; closes whoever keeps sending more. Who proves no identity counts by the connection.
 *   document   what all in it send together
 *   tenant     what all users of one tenant (claim `tenant`) send together
 *   address    what all behind one address send together
 *
 * The budgets that are shared slow only those who send more than a fair share: a colleague of an abuser, in the same
 * document or behind the same address, does not notice.
 */
import { LRUCache } from 'lru-cache';
import { addressKey } from '../client-address.js';
import type { MonotonicClock } from '../clock.js';
import { RATE_KINDS, type RateKind } from '../rate-limits.js';
import { TrafficAccount, type TrafficRate } from './traffic-account.js';

/** Members are Infinity where there is no limit. */
export interface TrafficRule extends TrafficRate {
  /** Open at the same time. */
  readonly connections: number;
}

export type TrafficSubjects = { readonly [K in RateKind]: string | undefined };

/** The budget of one connection, and its part of those that it shares. */
export interface Traffic {
  /**
   * HOT PATH. One message of so many bytes has arrived.
   * @returns milliseconds for which nothing more should be read; 0 within all budgets
   */
  spend(bytes: number, nowMs: number): number;
  /** How long nothing should be read from now on. */
  waitMs(nowMs: number): number;
  /** Whose budget was spent last. */
  readonly limitedBy: RateKind | undefined;
  /** It has been over a budget without a pause for longer than is patient. */
  isOverForLong(nowMs: number): boolean;
  /** It was closed for that: its user is held off for a while. */
  holdOff(nowMs: number): void;
}

export type TrafficAdmission =
  | { readonly admitted: true; readonly traffic: Traffic; release(): void }
  | { readonly admitted: false; readonly limitedBy: RateKind; readonly retryAfterSeconds: number };

export interface TrafficLimitsOptions {
  /** A kind without a rule is not limited. */
  readonly rules: { readonly [K in RateKind]?: TrafficRule };
  readonly now: MonotonicClock;
  /** How long a connection may be over its budget before it is closed. */
  readonly patienceMs?: number;
  readonly holdOffMs?: number;
  /** 0 to 1, for the jitter of `retryAfterSeconds`. */
  readonly random?: () => number;
}

const PATIENCE_MS = 10_000;
const HOLD_OFF_MS = 30_000;
const RETRY_SPREAD_SECONDS = 10;
/** Who was within its budgets for so long after a pause has calmed down. */
const CALM_MS = 1_000;
/** Departed users, documents and addresses whose budget is not whole yet, of each kind. */
const MAX_DEPARTED = 10_000;
/** Some people typing, pointing and dragging at once, and a program besides. */
const FAIR_SHARE: TrafficRate = { messagesPerSecond: 100, bytesPerSecond: 1024 * 1024 };

export class TrafficLimits {
  /** Times that a connection was found over the budget of this kind. */
  readonly slowed = countsByKind();
  /** Connections refused because there are too many of that kind, or because the user is held off. */
  readonly refused = countsByKind();
  readonly patienceMs: number;
  readonly holdOffMs: number;
  readonly #accounts = new Map<RateKind, Map<string, SubjectAccount>>();
  readonly #departed = new Map<RateKind, LRUCache<string, SubjectAccount>>();
  readonly #random: () => number;

  constructor(private readonly options: TrafficLimitsOptions) {
    this.#random = options.random ?? Math.random;
    this.patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.holdOffMs = options.holdOffMs ?? HOLD_OFF_MS;
    for (const kind of RATE_KINDS) {
      this.#accounts.set(kind, new Map());
      this.#departed.set(kind, new LRUCache({ max: MAX_DEPARTED }));
    }
  }

  /** `release` is to be called when the connection is gone; calling it again does nothing. */
  open(subjects: TrafficSubjects): TrafficAdmission {
    const now = this.options.now();
    const accounts: SubjectAccount[] = [];
    for (const kind of RATE_KINDS) {
      const rule = this.options.rules[kind];
      if (rule === undefined) continue;
      const key = keyOf(kind, subjects);
      // A user without a proven identity is known to its connection alone.
      const account = key === undefined ? undefined : this.#account(kind, key, rule);
      if (account === undefined) {
        if (kind === 'user') accounts.push(new SubjectAccount(kind, undefined, rule));
        continue;
      }
      const heldOffMs = account.heldOffUntil - now;
      if (heldOffMs > 0 || account.connections >= rule.connections) {
        this.refused[kind] += 1;
        const spread = Math.floor(this.#random() * RETRY_SPREAD_SECONDS);
        const retryAfterSeconds = Math.max(1, Math.ceil(Math.max(0, heldOffMs) / 1_000)) + spread;
        // Those asked before as well: nobody would ever give them back.
        for (const asked of [...accounts, account]) this.#forgetIfUnused(asked, now);
        return { admitted: false, limitedBy: kind, retryAfterSeconds };
      }
      accounts.push(account);
    }
    for (const account of accounts) account.connections += 1;
    return new AdmittedTraffic(new ConnectionTraffic(accounts, this), this);
  }

  /** @internal */
  give(accounts: readonly SubjectAccount[]): void {
    const now = this.options.now();
    for (const account of accounts) {
      account.connections -= 1;
      this.#forgetIfUnused(account, now);
    }
  }

  /** Subjects that are remembered, by kind. */
  known(): Record<RateKind, number> {
    const counts = countsByKind();
    for (const kind of RATE_KINDS) {
      counts[kind] = (this.#accounts.get(kind)?.size ?? 0) + (this.#departed.get(kind)?.size ?? 0);
    }
    return counts;
  }

  #account(kind: RateKind, key: string, rule: TrafficRule): SubjectAccount {
    const accounts = this.#accounts.get(kind);
    const known = accounts?.get(key);
    if (known !== undefined) return known;
    const departed = this.#departed.get(kind);
    const account = departed?.get(key) ?? new SubjectAccount(kind, key, rule);
    departed?.delete(key);
    accounts?.set(key, account);
    return account;
  }

  /** Coming back must not make a spent budget whole. */
  #forgetIfUnused(account: SubjectAccount, now: number): void {
    const { kind, key } = account;
    if (key === undefined || account.connections > 0 || this.#accounts.get(kind)?.get(key) !== account) return;
    this.#accounts.get(kind)?.delete(key);
    if (!account.isWhole(now)) this.#departed.get(kind)?.set(key, account);
  }
}

/** The account of one user, document, tenant or address; without a key that of one connection alone. */
class SubjectAccount extends TrafficAccount {
  constructor(
    readonly kind: RateKind,
    readonly key: string | undefined,
    rate: TrafficRate,
  ) {
    super(rate);
  }
}

/** Classes, not closures: what a connection that is idle costs is memory. */
class AdmittedTraffic {
  readonly admitted = true;
  #isHeld = true;

  constructor(
    readonly traffic: ConnectionTraffic,
    private readonly limits: TrafficLimits,
  ) {}

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.limits.give(this.traffic.accounts);
  }
}

class ConnectionTraffic implements Traffic {
  limitedBy: RateKind | undefined;
  readonly #share = new TrafficAccount(FAIR_SHARE);
  #overSince: number | undefined;
  /** When the pause that was asked for last is over. */
  #pausedUntil = 0;

  constructor(
    readonly accounts: readonly SubjectAccount[],
    private readonly limits: Pick<TrafficLimits, 'slowed' | 'patienceMs' | 'holdOffMs'>,
  ) {}

  spend(bytes: number, now: number): number {
    this.#share.charge(bytes, now);
    const isFair = this.#share.overMs(now) <= 0;
    for (const account of this.accounts) {
      if (isFair && account.kind !== 'user') account.chargeWithinBurst(bytes, now);
      else account.charge(bytes, now);
    }
    // A fair share in bursts of ten seconds is far from any user's budget, unless that was made as small.
    return this.#wait(now, isFair);
  }

  waitMs(now: number): number {
    return this.#wait(now, this.#share.overMs(now) <= 0);
  }

  #wait(now: number, isFair: boolean): number {
    let longest = 0;
    let limitedBy: RateKind | undefined;
    for (const account of this.accounts) {
      if (isFair && account.kind !== 'user') continue;
      const over = account.overMs(now);
      if (over > longest) [longest, limitedBy] = [over, account.kind];
    }
    if (limitedBy === undefined) {
      if (this.#overSince !== undefined && now > this.#pausedUntil + CALM_MS) this.#overSince = undefined;
      return 0;
    }
    if (this.#overSince === undefined || now > this.#pausedUntil + CALM_MS) this.#overSince = now;
    // Within a pause that was asked for already, what was read before goes on arriving.
    if (now >= this.#pausedUntil) this.limits.slowed[limitedBy] += 1;
    this.#pausedUntil = now + longest;
    this.limitedBy = limitedBy;
    return longest;
  }

  isOverForLong(now: number): boolean {
    return this.#overSince !== undefined && now - this.#overSince >= this.limits.patienceMs;
  }

  holdOff(now: number): void {
    for (const account of this.accounts) {
      if (account.kind === 'user') account.heldOffUntil = now + this.limits.holdOffMs;
    }
  }
}

function keyOf(kind: RateKind, subjects: TrafficSubjects): string | undefined {
  const key = subjects[kind];
  return kind === 'address' && key !== undefined ? addressKey(key) : key;
}

function countsByKind(): Record<RateKind, number> {
  return { user: 0, document: 0, tenant: 0, address: 0 };
}
