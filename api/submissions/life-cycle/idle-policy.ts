/** When a sheet counts as abandoned, as the version that it is pinned to says. */
import type { FormJson } from '../../../crdt/index.js';

export interface IdlePolicy {
  /** Without any change for so long, it is abandoned; null: never. */
  readonly afterMs: number | null;
  /** Whether it goes on where it was left when somebody comes back. */
  readonly mayResume: boolean;
}

const DEFAULT_SECONDS = 24 * 3_600;
const MAX_SECONDS = 10 * 365 * 24 * 3_600;

/**
 * From the settings of the form: `abandonAfterSeconds` (a day when absent or no sensible number; 0 or null: never) and
 * `resumeAbandoned` (true when absent).
 */
export function idlePolicyOf({ settings }: Pick<FormJson, 'settings'>): IdlePolicy {
  const mayResume = settings['resumeAbandoned'] !== false;
  const seconds = settings['abandonAfterSeconds'] === undefined ? DEFAULT_SECONDS : settings['abandonAfterSeconds'];
  if (seconds === null || seconds === 0) return { afterMs: null, mayResume };
  const isSensible = typeof seconds === 'number' && seconds > 0 && seconds <= MAX_SECONDS;
  return { afterMs: (isSensible ? seconds : DEFAULT_SECONDS) * 1_000, mayResume };
}

/** When it is asked whether a sheet that changed at `lastAt` (Unix time in milliseconds) was abandoned. */
export const dueAfter = (lastAt: number, { afterMs }: IdlePolicy): number | null =>
  afterMs === null ? null : lastAt + afterMs;
