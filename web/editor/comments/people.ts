/** Whom one can mention or give a thread to: those who are here, and those who have written. */
import { ownId, ownName } from '../../app/session.js';
import { useOthers, useThreadsNow } from '../editor-context.js';

export interface Known {
  readonly id: string;
  readonly name: string;
}

export function useKnownPeople(): readonly Known[] {
  const others = useOthers();
  const threads = useThreadsNow();
  const known = new Map<string, string>([[ownId(), ownName()]]);
  for (const { assignee, comments } of threads) {
    for (const { author } of comments) known.set(author.id, author.name ?? author.id);
    if (assignee !== null && !known.has(assignee)) known.set(assignee, assignee);
  }
  for (const { user } of others) known.set(user.id, user.name ?? user.id);
  return [...known].map(([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name));
}
