/** Takes old events away, and leaves a mark of how far: who asks for older ones can be told. */
import type { EventLog } from '../storage/event-log.js';

const MARK = 'trimmed';
const PAGE_EVENTS = 1_000;

/** Everything before this id is gone. Undefined when nothing ever was taken away. */
export function trimmedUpTo(log: EventLog, stream: string): Promise<string | undefined> {
  return log.position(stream, MARK);
}

/** Events appended before `before` (Unix time in milliseconds) go; the youngest stays, so that the end is known. */
export async function trimFeed(log: EventLog, stream: string, before: number): Promise<void> {
  let oldest: string | undefined;
  let cursor: string | undefined;
  for (;;) {
    const events = await log.range(stream, { limit: PAGE_EVENTS, ...(cursor === undefined ? {} : { after: cursor }) });
    oldest ??= events[0]?.id;
    const kept = events.find(({ at }) => at >= before);
    const isLastPage = events.length < PAGE_EVENTS;
    const mark = kept?.id ?? (isLastPage ? (events.at(-1)?.id ?? cursor) : undefined);
    if (mark !== undefined) {
      if (mark === oldest) return;
      await log.commit(stream, MARK, mark);
      await log.trim(stream, mark);
      return;
    }
    if (isLastPage) return;
    cursor = events.at(-1)?.id;
  }
}
