/** Anybody can be mentioned; only who may read the thread, or the form, reads of it: in the list and on the feed alike. */
import { can, type Principal } from '../../server/auth/index.js';
import type { Notification } from './notification-store.js';

export function maySeeNotification(
  principal: Principal,
  { formId, threadId }: Pick<Notification, 'formId' | 'threadId'>,
): boolean {
  if (formId === null) return true;
  return can(principal, threadId === null ? `form/${formId}` : `form/${formId}/comments`, 'read');
}
