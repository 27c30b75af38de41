/** Which threads a list shows, page after page. */
import { fieldOfAnchor, type StoredThread, type ThreadStatus } from '../../crdt/comments/index.js';

export interface ThreadFilter {
  readonly status?: ThreadStatus | undefined;
  readonly fieldId?: string | undefined;
  readonly assignee?: string | undefined;
}

/** @param all in the order of `byAge` */
export function pageOfThreads(
  all: readonly StoredThread[],
  filter: ThreadFilter,
  { limit, cursor }: { limit: number; cursor: string | null },
): { data: StoredThread[]; nextCursor: string | null } {
  const wanted = all.filter((thread) => isWanted(thread, filter) && isBehind(thread, cursor));
  const data = wanted.slice(0, limit);
  const last = data[data.length - 1];
  const isLastPage = last === undefined || data.length === wanted.length;
  return { data, nextCursor: isLastPage ? null : `${Date.parse(last.createdAt)}.${last.id}` };
}

function isWanted(thread: StoredThread, { status, fieldId, assignee }: ThreadFilter): boolean {
  return (
    (status === undefined || thread.status === status) &&
    (fieldId === undefined || fieldOfAnchor(thread.anchor) === fieldId) &&
    (assignee === undefined || thread.assignee === assignee)
  );
}

/** In the order of `byAge`. */
function isBehind(thread: StoredThread, cursor: string | null): boolean {
  if (cursor === null) return true;
  const dot = cursor.indexOf('.');
  const [at, id] = [Number(cursor.slice(0, dot)), cursor.slice(dot + 1)];
  const createdAt = Date.parse(thread.createdAt);
  return createdAt > at || (createdAt === at && thread.id > id);
}
