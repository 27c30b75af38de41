/** What becomes of writes that did not see each other, and locks that keep them apart. */
export { isLock, LOCKS_ROOT, lockOn, MAX_LOCK_SECONDS, releaseLock, takeLock, type FieldLock } from './locks.js';
export { DEFAULT_POLICY, POLICIES, policyIn, policySchema, type Policy, type PolicyJson } from './policy.js';
export { keepsWrites, needsSettling, settleConflicts } from './record.js';
export {
  openConflicts,
  resolveConflict,
  ResolutionError,
  type Candidate,
  type Choice,
  type Conflict,
} from './resolve.js';
export type { Author } from './entry.js';
