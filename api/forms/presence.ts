/** Who is at a form: those with a socket, as their awareness says, and those who post what they do. */
import type { z } from 'zod';
import { can, type Principal } from '../../server/auth/index.js';
import type { PresenceState } from '../../server/rooms/rooms.js';
import { commentsDocument, type ShownActivity } from '../comments/index.js';
import { timeOf } from '../http/pages.js';
import type { presenceSchema } from './schemas.js';

type ShownPresence = z.infer<typeof presenceSchema>['data'][number];

/** Which thread somebody is at is told to those alone who may read the threads. */
export function shownPresence(
  principal: Principal,
  formId: string,
  states: readonly PresenceState[],
  activities: readonly ShownActivity[],
): ShownPresence[] {
  const seesThreads = can(principal, commentsDocument(formId), 'read');
  const threadOf = (threadId: unknown): string | null =>
    seesThreads && typeof threadId === 'string' ? threadId : null;
  return [
    ...states.map(({ principal: user, role, state, since, changedAt, clientId, connectionId }) => ({
      user,
      role,
      activity: typeof state['activity'] === 'string' ? state['activity'] : 'viewing',
      field: typeof state['field'] === 'string' ? state['field'] : null,
      threadId: threadOf(state['threadId']),
      cursor: state['cursor'] ?? null,
      since: timeOf(since),
      changedAt: timeOf(changedAt),
      clientId,
      connectionId,
    })),
    ...activities.map(({ user, role, activity, threadId, since, changedAt }) => ({
      user,
      role,
      activity,
      field: null,
      threadId: threadOf(threadId),
      cursor: null,
      since: timeOf(since),
      changedAt: timeOf(changedAt),
      clientId: null,
      connectionId: null,
    })),
  ];
}
