/** Which snapshots a retention lets go: the newest of each hour, day and week stay, as far back as it says. */
import type { SnapshotPolicy } from './policy.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** The first of January 1970 was a Thursday. */
const MONDAY_OFFSET_MS = 3 * DAY_MS;

interface Kept {
  /** Unix time in milliseconds. */
  readonly createdAt: number;
}

/**
 * Counts hours, days and weeks in which there is a snapshot, not those that have passed: a document that nobody touches
 * for a year keeps what it had. The newest always stays.
 *
 * @param snapshots of one document, newest first
 */
export function beyondRetention<T extends Kept>(snapshots: readonly T[], retention: SnapshotPolicy['retention']): T[] {
  const rules = [
    { left: Math.max(1, retention.recent), periodOf: (_at: number, index: number) => index },
    { left: retention.hourly, periodOf: (at: number) => Math.floor(at / HOUR_MS) },
    { left: retention.daily, periodOf: (at: number) => Math.floor(at / DAY_MS) },
    { left: retention.weekly, periodOf: (at: number) => Math.floor((at + MONDAY_OFFSET_MS) / WEEK_MS) },
  ].map((rule) => ({ ...rule, last: Number.NaN }));
  return snapshots.filter(({ createdAt }, index) => {
    let isKept = false;
    for (const rule of rules) {
      const period = rule.periodOf(createdAt, index);
      if (rule.left === 0 || period === rule.last) continue;
      rule.last = period;
      rule.left -= 1;
      isKept = true;
    }
    return !isKept;
  });
}
