/**
 * Locks on fields: a lease with a holder and an end, kept in the root map `locks` under the id of the field, so that
 * every editor sees it. The server writes them and holds everybody else to them, by its own clock.
 */
import type * as Y from 'yjs';
import { isAuthor, type Author } from './entry.js';

export const LOCKS_ROOT = 'locks';
export const MAX_LOCK_SECONDS = 3_600;

export interface FieldLock {
  readonly holder: Author;
  /** Unix time in milliseconds. */
  readonly since: number;
  readonly until: number;
}

export function isLock(value: unknown): value is FieldLock {
  if (typeof value !== 'object' || value === null) return false;
  const { holder, since, until } = value as Record<string, unknown>;
  return isAuthor(holder) && Number.isFinite(since) && Number.isFinite(until);
}

/** The lock that holds at `now`. */
export function lockOn(locks: Y.Map<unknown>, fieldId: string, now: number): FieldLock | undefined {
  const lock = locks.get(fieldId);
  return isLock(lock) && lock.until > now ? lock : undefined;
}

/**
 * Takes the lock, or renews it for who holds it.
 * @returns the lock that holds now: that of somebody else when it was not free
 */
export function takeLock(
  locks: Y.Map<unknown>,
  fieldId: string,
  { holder, seconds, now }: { readonly holder: Author; readonly seconds: number; readonly now: number },
): FieldLock {
  const held = lockOn(locks, fieldId, now);
  if (held !== undefined && held.holder.id !== holder.id) return held;
  for (const [id, lock] of [...locks.entries()]) {
    if (!isLock(lock) || lock.until <= now) locks.delete(id);
  }
  const lock: FieldLock = { holder, since: held?.since ?? now, until: now + seconds * 1_000 };
  locks.set(fieldId, lock);
  return lock;
}

export function releaseLock(locks: Y.Map<unknown>, fieldId: string): void {
  if (locks.has(fieldId)) locks.delete(fieldId);
}
