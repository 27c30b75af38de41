/** How long to wait after a failure: doubling, with jitter, up to half an hour, for about a day. */
export interface RetrySchedule {
  readonly firstMs: number;
  readonly maxMs: number;
  /** After so many tries a delivery is dead. */
  readonly maxTries: number;
}

/** 1 s, 2 s, 4 s … 30 min (the 11th), then 49 more: 25 hours. */
export const RETRY_SCHEDULE: RetrySchedule = { firstMs: 1_000, maxMs: 30 * 60_000, maxTries: 60 };

/**
 * @param tries that have failed so far, at least 1
 * @param askedMs what the receiver asked for (`Retry-After`), within the longest wait
 */
export function waitAfter(tries: number, schedule: RetrySchedule, askedMs: number | undefined): number {
  const full = Math.min(schedule.maxMs, schedule.firstMs * 2 ** Math.min(tries - 1, 40));
  // Half of it is jitter: lanes that failed together do not come back together.
  const wait = full / 2 + Math.random() * (full / 2);
  return Math.max(wait, Math.min(askedMs ?? 0, schedule.maxMs));
}
