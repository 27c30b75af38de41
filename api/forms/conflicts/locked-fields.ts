/** Fields that somebody else has locked: over sync, `guard` undoes their edits; over REST nothing is changed. */
import type { Doc } from 'yjs';
import { lockOn, LOCKS_ROOT, type FormChange } from '../../../crdt/index.js';
import type { Principal } from '../../../server/auth/index.js';
import { Problem } from '../../http/problem.js';

export const hasLocks = (doc: Doc): boolean => doc.getMap(LOCKS_ROOT).size > 0;

/** @throws Problem `field_locked` */
export function requireUnlocked(
  doc: Doc,
  changes: readonly Pick<FormChange, 'target' | 'property'>[],
  principal: Principal,
  now: number,
): void {
  const locks = doc.getMap(LOCKS_ROOT);
  const errors = changes.flatMap(({ target, property }) => {
    const [area, fieldId] = target.split('/');
    const lock = area === 'fields' && fieldId !== undefined ? lockOn(locks, fieldId, now) : undefined;
    if (lock === undefined || lock.holder.id === principal.id) return [];
    const message = `locked by ${lock.holder.name ?? lock.holder.id} until ${new Date(lock.until).toISOString()}`;
    return [{ path: property === undefined ? target : `${target}.${property}`, message }];
  });
  if (errors.length > 0) throw new Problem('field_locked', 'Nothing was changed.', { errors });
}
