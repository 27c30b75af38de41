import type { Principal } from '../auth/principal.js';
import type { Attribution, UpdateSource } from '../storage/document-log.js';

/** What the log keeps of who made an update. */
export function attribute(principal: Principal, source: UpdateSource): Attribution {
  const base = { principal: principal.id, at: Date.now(), source };
  return principal.name === undefined ? base : { ...base, name: principal.name };
}
