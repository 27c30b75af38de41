/** Who is at a form: those with a socket, as their awareness says, and those who post what they do. */
import type { z } from 'zod';
import type { PresenceState } from '../../server/rooms/rooms.js';
import type { ShownActivity } from '../comments/index.js';
import { timeOf } from '../http/pages.js';
import type { presenceSchema } from './schemas.js';

type ShownPresence = z.infer<typeof presenceSchema>['data'][number];

/** Somebody who shows nothing new for this long is idle, whatever the last thing was. */
const IDLE_AFTER_MS = 60_000;

/** @param now Unix time in milliseconds */
export function shownPresence(
  states: readonly PresenceState[],
  activities: readonly ShownActivity[],
  now: number,
): ShownPresence[] {
  const activityOf = ({ state, changedAt }: PresenceState): string => {
    if (now - changedAt >= IDLE_AFTER_MS) return 'idle';
    return textIn(state['activity']) ?? 'viewing';
  };
  return [
    ...states.map((each) => ({
      user: each.principal,
      role: each.role,
      activity: activityOf(each),
      field: textIn(each.state['field']),
      threadId: textIn(each.state['threadId']),
      cursor: each.state['cursor'] ?? null,
      since: timeOf(each.since),
      changedAt: timeOf(each.changedAt),
      clientId: each.clientId,
      connectionId: each.connectionId,
    })),
    ...activities.map(({ user, role, activity, threadId, since, changedAt }) => ({
      user,
      role,
      activity,
      field: null,
      threadId,
      cursor: null,
      since: timeOf(since),
      changedAt: timeOf(changedAt),
      clientId: null,
      connectionId: null,
    })),
  ];
}

const textIn = (value: unknown): string | null => (typeof value === 'string' ? value : null);
