/** A stream of activities: appended to by every node, looked through from the newest, kept for a while. */
import { isOfType } from '../events/index.js';
import { trimFeed } from '../events/retention.js';
import type { EventLog, LoggedEvent } from '../storage/event-log.js';
import { storedActivitySchema, type Activity, type NewActivity, type Severity, type Source } from './activity.js';

export interface ActivityFilter {
  /** A type, or a group such as `form.*`. */
  readonly type?: string | undefined;
  readonly source?: Source | undefined;
  readonly severity?: Severity | undefined;
  readonly userId?: string | undefined;
  readonly formId?: string | undefined;
  readonly document?: string | undefined;
  readonly address?: string | undefined;
  /** Unix time in milliseconds, inclusive. */
  readonly since?: number | undefined;
  /** Unix time in milliseconds, exclusive. */
  readonly until?: number | undefined;
}

const READ = 500;
/** So that a filter that nothing fits costs a bounded read; the cursor goes on from there. */
const MAX_READ = 10_000;

export class ActivityLog {
  constructor(
    private readonly events: EventLog,
    private readonly stream: string,
  ) {}

  /** Durable when it resolves. Answers the ids in order. */
  async append(entries: readonly NewActivity[]): Promise<string[]> {
    return entries.length === 0 ? [] : this.events.append(this.stream, entries);
  }

  /** Newest first. A page may hold fewer than `limit` and yet have a next one, where the filter fits little. */
  async query(
    filter: ActivityFilter,
    { limit, cursor }: { readonly limit: number; readonly cursor: string | null },
  ): Promise<{ data: Activity[]; nextCursor: string | null }> {
    const data: Activity[] = [];
    let before = cursor ?? undefined;
    for (let read = 0; read < MAX_READ; read += READ) {
      const page = await this.events.range(this.stream, {
        reverse: true,
        limit: READ,
        ...(before === undefined ? {} : { before }),
      });
      for (const [i, event] of page.entries()) {
        // Appended in the order of time: nothing older can fit.
        if (filter.since !== undefined && event.at < filter.since) return { data, nextCursor: null };
        const activity = activityFrom(event);
        before = event.id;
        if (!fits(activity, filter)) continue;
        data.push(activity);
        if (data.length < limit) continue;
        const isLast = i === page.length - 1 && page.length < READ;
        return { data, nextCursor: isLast ? null : event.id };
      }
      if (page.length < READ) return { data, nextCursor: null };
    }
    return { data, nextCursor: before ?? null };
  }

  /** In order, after `after` (exclusive; from the oldest when absent). */
  async after(after: string | undefined, limit: number): Promise<Activity[]> {
    return (await this.events.range(this.stream, { limit, ...(after === undefined ? {} : { after }) })).map(
      activityFrom,
    );
  }

  async lastId(): Promise<string | undefined> {
    return (await this.events.range(this.stream, { reverse: true, limit: 1 }))[0]?.id;
  }

  position(consumer: string): Promise<string | undefined> {
    return this.events.position(this.stream, consumer);
  }

  commit(consumer: string, id: string): Promise<void> {
    return this.events.commit(this.stream, consumer, id);
  }

  /** Takes away what was appended before this time (Unix, milliseconds). */
  trim(before: number): Promise<void> {
    return trimFeed(this.events, this.stream, before);
  }
}

function activityFrom({ id, at, data }: LoggedEvent): Activity {
  return { id, at, ...storedActivitySchema.parse(data) };
}

const EXACT = ['source', 'severity', 'userId', 'formId', 'document', 'address'] as const;

function fits(activity: Activity, filter: ActivityFilter): boolean {
  if (filter.until !== undefined && activity.at >= filter.until) return false;
  if (filter.type !== undefined && !isOfType(activity.type, filter.type)) return false;
  return EXACT.every((member) => filter[member] === undefined || filter[member] === activity[member]);
}
