/**
 * The circuit breaker of a webhook, over all its lanes: a receiver that fails ten times in a row is left alone, and one
 * attempt at a time finds out whether it is back.
 */
import { BreakerOpenError, type Breakers } from '../../../server/limits/index.js';
import type { RetrySchedule } from './retry-schedule.js';
import type { Outcome } from './sender.js';

const THRESHOLD = 10;
const MAX_PAUSE_MS = 60_000;

class FailedAttempt extends Error {
  constructor(readonly outcome: Outcome) {
    super(outcome.status === undefined ? outcome.error : `HTTP ${outcome.status}`);
    this.name = 'FailedAttempt';
  }
}

export class TargetBreakers {
  constructor(
    private readonly breakers: Breakers,
    private readonly schedule: RetrySchedule,
  ) {}

  /**
   * The attempt; while the breaker is open a failure with the code `breaker_open`. What is neither 2xx nor 410 counts
   * against the receiver, except what `signal` cut off.
   */
  async attempt(webhookId: string, signal: AbortSignal, post: () => Promise<Outcome>): Promise<Outcome> {
    const { firstMs, maxMs } = this.schedule;
    const settings = { threshold: THRESHOLD, pauseMs: firstMs, maxPauseMs: Math.min(MAX_PAUSE_MS, maxMs) };
    try {
      return await this.breakers.get(nameOf(webhookId), settings).execute(async () => {
        const outcome = await post();
        if (!isFine(outcome) && !signal.aborted) throw new FailedAttempt(outcome);
        return outcome;
      });
    } catch (error) {
      if (error instanceof FailedAttempt) return error.outcome;
      if (error instanceof BreakerOpenError) return { status: undefined, error: error.code };
      throw error;
    }
  }

  /** The webhook was changed or is gone: what it did before counts no longer. */
  forget(webhookId: string): void {
    this.breakers.delete(nameOf(webhookId));
  }
}

const nameOf = (webhookId: string): string => `webhook:${webhookId}`;

function isFine({ status }: Outcome): boolean {
  return status !== undefined && ((status >= 200 && status < 300) || status === 410);
}
