/**
 * Makes one entry of many equal refusals. A hostile client can cause thousands per second: what the log sees is one
 * entry per second and (type, address, user, document) with a count, and never more than `MAX_KEYS` of them.
 */
import type { Logger } from 'pino';
import type { NewActivity, Severity } from './activity.js';
import type { ActivityLog } from './activity-log.js';
import type { SecurityFacts } from './security-facts.js';

/** What is watched, and how grave one of it is. */
export const SECURITY_TYPES = {
  authentication_failed: 'warning',
  access_denied: 'warning',
  forged_presence: 'error',
  forbidden_write: 'warning',
  enumeration: 'error',
  malformed_frame: 'warning',
  malformed_update: 'error',
  oversized_frame: 'warning',
  rate_exceeded: 'warning',
} as const satisfies Record<string, Severity>;
export type SecurityType = keyof typeof SECURITY_TYPES;

/** Of the errors that gateway and rooms count, those that tell of somebody. */
const TYPE_OF_ERROR: Readonly<Record<string, SecurityType>> = {
  authentication: 'authentication_failed',
  authorization: 'access_denied',
  forged_presence: 'forged_presence',
  forbidden_write: 'forbidden_write',
  malformed_frame: 'malformed_frame',
  oversized_frame: 'oversized_frame',
  poison_update: 'malformed_update',
  handshake_rate: 'rate_exceeded',
  connection_limit: 'rate_exceeded',
  rate_exceeded: 'rate_exceeded',
};

const FLUSH_MS = 1_000;
const MAX_KEYS = 500;
/** While the store fails; what comes beyond is counted, not told. */
const MAX_WAITING = 2_000;

export interface SecurityWatchOptions {
  readonly log: ActivityLog;
  readonly node: string;
  readonly logger: Logger;
  readonly flushMs?: number | undefined;
}

interface Refusals {
  readonly type: SecurityType;
  readonly facts: SecurityFacts;
  count: number;
}

export class SecurityWatch {
  readonly #refusals = new Map<string, Refusals>();
  #waiting: NewActivity[] = [];
  #untold = 0;
  #flushing: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly options: SecurityWatchOptions) {
    this.#timer = setInterval(() => void this.flush(), options.flushMs ?? FLUSH_MS);
    this.#timer.unref();
  }

  /** HOT PATH under attack. For `Metrics.onError`: takes what is of interest. */
  onError(error: string, facts: SecurityFacts): void {
    const type = TYPE_OF_ERROR[error];
    if (type !== undefined) this.report(type, facts);
  }

  report(type: SecurityType, facts: SecurityFacts): void {
    const key = [type, facts.address, facts.userId, facts.document].join('\n');
    const known = this.#refusals.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#refusals.size < MAX_KEYS) this.#refusals.set(key, { type, facts, count: 1 });
    else this.#countTogether(type);
  }

  /** Too many different ones: the rest of this second is one entry per type. */
  #countTogether(type: SecurityType): void {
    const together = this.#refusals.get(type);
    if (together === undefined) this.#refusals.set(type, { type, facts: { detail: 'many callers' }, count: 1 });
    else together.count += 1;
  }

  /** Durable when it resolves, unless the store fails: then it is tried again. Never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    for (const { type, facts, count } of this.#refusals.values()) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(this.#entry(type, facts, count));
      else this.#untold += count;
    }
    this.#refusals.clear();
    if (this.#waiting.length === 0) return;
    const entries = this.#waiting;
    this.#waiting = [];
    try {
      await this.options.log.append(entries);
      if (this.#untold > 0) this.options.logger.warn({ count: this.#untold }, 'security events were not kept');
      this.#untold = 0;
    } catch (error) {
      this.#waiting = [...entries, ...this.#waiting].slice(0, MAX_WAITING);
      this.options.logger.debug({ err: error }, 'security events wait for the store');
    }
  }

  #entry(
    type: SecurityType,
    { address, userId, document, connection, detail }: SecurityFacts,
    count: number,
  ): NewActivity {
    return {
      type: `security.${type}`,
      severity: SECURITY_TYPES[type],
      source: 'security',
      node: this.options.node,
      count,
      ...(address === undefined ? {} : { address }),
      ...(userId === undefined ? {} : { userId }),
      ...(document === undefined ? {} : { document }),
      data: {
        ...(connection === undefined ? {} : { connection }),
        ...(detail === undefined ? {} : { detail: detail.slice(0, 200) }),
      },
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.race([this.flush(), new Promise((resolve) => setTimeout(resolve, FLUSH_MS).unref())]);
  }
}
