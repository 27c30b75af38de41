/** How long to wait before the next attempt: exponential with full jitter, so that a crowd comes back spread out. */
import { CLOSE } from './close-codes.js';

const BASE_MS = 500;
/** A server that says it is overloaded is given more room. */
const OVERLOADED_BASE_MS = 4_000;
const CAP_MS = 30_000;

/** The wait is below this. `attempt` counts failures since the last success, from 0. */
export function longestWaitMs(attempt: number, code?: number): number {
  const base = code === CLOSE.overloaded || code === CLOSE.rateExceeded ? OVERLOADED_BASE_MS : BASE_MS;
  return Math.min(CAP_MS, base * 2 ** Math.min(attempt, 16));
}

/** @param random in [0, 1) */
export function waitMs(attempt: number, code: number | undefined, random: () => number): number {
  return Math.floor(random() * longestWaitMs(attempt, code));
}
