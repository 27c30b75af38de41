/**
 * Circuit breakers by name (`redis`, `store`, `webhook:<id>`, `document:<name>`): after some failures in a row what
 * they guard is left alone for a while, then tried once; each failed try doubles the pause.
 */
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  handleAll,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import type { Logger } from 'pino';

export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly threshold: number;
  /** Pause before the first try. */
  readonly pauseMs: number;
  readonly maxPauseMs: number;
  /**
   * Where failures are told and successes are not: after so long without one, counted from when a try was due, it is
   * forgotten. For ever when absent.
   */
  readonly forgottenAfterMs?: number;
}

export interface BreakerInfo {
  readonly name: string;
  readonly state: 'closed' | 'open' | 'half-open';
  /** In a row. */
  readonly failures: number;
  readonly lastError: string | undefined;
  /** RFC 3339. */
  readonly openedAt: string | undefined;
  /** RFC 3339; from then on a call is let through. */
  readonly nextTryAt: string | undefined;
}

/** The breaker is open: the call was not made. */
export class BreakerOpenError extends Error {
  readonly code = 'breaker_open';
  constructor(
    readonly breaker: string,
    readonly nextTryAtMs: number | undefined,
  ) {
    super(`The circuit breaker "${breaker}" is open.`);
    this.name = 'BreakerOpenError';
  }
}

const SETTINGS: BreakerSettings = { threshold: 5, pauseMs: 1_000, maxPauseMs: 60_000 };
/** Breakers of documents come with the documents' names: those without a failure are forgotten first. */
const MAX_BREAKERS = 2_000;

export class Breakers {
  readonly #breakers = new Map<string, Breaker>();

  constructor(
    private readonly logger: Logger,
    private readonly maxBreakers = MAX_BREAKERS,
  ) {}

  /** The breaker of that name; `settings` count when it is made. */
  get(name: string, settings: Partial<BreakerSettings> = {}): Breaker {
    let breaker = this.find(name);
    if (breaker === undefined) {
      if (this.#breakers.size >= this.maxBreakers) this.#forgetOne();
      breaker = new Breaker(name, { ...SETTINGS, ...settings }, this.logger);
      this.#breakers.set(name, breaker);
    }
    return breaker;
  }

  /** The breaker of that name if there is one: asking makes none. */
  find(name: string): Breaker | undefined {
    const breaker = this.#breakers.get(name);
    if (breaker?.isOver() !== true) return breaker;
    this.#breakers.delete(name);
    return undefined;
  }

  /** Those with failures first. */
  list(): BreakerInfo[] {
    for (const [name, breaker] of this.#breakers) if (breaker.isOver()) this.#breakers.delete(name);
    return Array.from(this.#breakers.values(), (breaker) => breaker.describe()).sort((a, b) => b.failures - a.failures);
  }

  /** Closes it and forgets its failures; false when there is none of that name. */
  reset(name: string): boolean {
    const breaker = this.#breakers.get(name);
    breaker?.reset();
    return breaker !== undefined;
  }

  /** For a thing that is gone: an erased document, a deleted webhook. */
  delete(name: string): boolean {
    return this.#breakers.delete(name);
  }

  #forgetOne(): void {
    let oldest: string | undefined;
    for (const [name, breaker] of this.#breakers) {
      // Not those of the server's own parts, which hold on to theirs: forgotten it would be shown no more.
      if (!name.includes(':')) continue;
      oldest ??= name;
      if (breaker.failures > 0) continue;
      oldest = name;
      break;
    }
    if (oldest !== undefined) this.#breakers.delete(oldest);
  }
}

export class Breaker {
  #policy: CircuitBreakerPolicy;
  #failures = 0;
  #lastError: string | undefined;
  #openedAt: number | undefined;
  #nextTryAt: number | undefined;

  constructor(
    readonly name: string,
    private readonly settings: BreakerSettings,
    private readonly logger: Logger,
  ) {
    this.#policy = this.#create();
  }

  get failures(): number {
    return this.#failures;
  }

  /**
   * Runs the action, or refuses while the breaker is open.
   * @throws BreakerOpenError, and whatever the action throws.
   */
  async execute<T>(action: () => Promise<T> | T): Promise<T> {
    const policy = this.#policy;
    try {
      const result = await policy.execute(action);
      if (policy === this.#policy) this.#failures = 0;
      return result;
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw new BreakerOpenError(this.name, this.#nextTryAt);
      if (policy === this.#policy) {
        this.#failures += 1;
        this.#lastError = error instanceof Error ? error.message : String(error);
      }
      throw error;
    }
  }

  /** Counts a failure that happened elsewhere; at the threshold, and at a due try, it opens. */
  async fail(error: Error): Promise<void> {
    try {
      await this.execute(() => Promise.reject(error));
    } catch (thrown) {
      if (thrown !== error && !(thrown instanceof BreakerOpenError)) throw thrown;
    }
  }

  /** When a call may be tried again, in Unix milliseconds; undefined when one may be made now. */
  openUntil(): number | undefined {
    const isOpen = this.#policy.state !== CircuitState.Closed;
    return isOpen && this.#nextTryAt !== undefined && this.#nextTryAt > Date.now() ? this.#nextTryAt : undefined;
  }

  /** It was opened, and nothing has happened for long since a try was due. */
  isOver(): boolean {
    const { forgottenAfterMs = Infinity } = this.settings;
    return this.#nextTryAt !== undefined && Date.now() - this.#nextTryAt > forgottenAfterMs;
  }

  describe(): BreakerInfo {
    const isOpen = this.#policy.state !== CircuitState.Closed;
    const isDue = (this.#nextTryAt ?? 0) <= Date.now();
    return {
      name: this.name,
      state: isOpen ? (isDue ? 'half-open' : 'open') : 'closed',
      failures: this.#failures,
      lastError: this.#lastError,
      openedAt: isOpen ? rfc3339(this.#openedAt) : undefined,
      nextTryAt: isOpen ? rfc3339(this.#nextTryAt) : undefined,
    };
  }

  reset(): void {
    this.#policy = this.#create();
    this.#failures = 0;
    this.#lastError = undefined;
    this.logger.info({ breaker: this.name }, 'a circuit breaker was reset');
  }

  #create(): CircuitBreakerPolicy {
    const { threshold } = this.settings;
    const policy = circuitBreaker(handleAll, {
      breaker: new ConsecutiveBreaker(threshold),
      // Asked each time that it opens.
      halfOpenAfter: new DelegateBackoff(({ attempt }) => this.#pause(attempt)),
    });
    policy.onBreak(() => {
      this.logger.warn({ breaker: this.name, nextTryAt: rfc3339(this.#nextTryAt) }, 'a circuit breaker opened');
    });
    policy.onReset(() => this.logger.info({ breaker: this.name }, 'a circuit breaker closed'));
    return policy;
  }

  #pause(attempt: number): number {
    const { pauseMs, maxPauseMs } = this.settings;
    const delay = Math.min(maxPauseMs, pauseMs * 2 ** (attempt - 1));
    this.#openedAt = Date.now();
    this.#nextTryAt = this.#openedAt + delay;
    return delay;
  }
}

function rfc3339(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
