/**
 * Copies what the feed tells into the activity log, which is kept longer. One node at a time does it; a node that dies
 * between the copy and the note of how far it came leaves at most one page to be copied twice.
 */
import { FEED_START, isOfType, type EventFeed, type FeedEvent } from '../events/index.js';
import type { NewActivity } from './activity.js';
import type { ActivityLog } from './activity-log.js';

const CONSUMER = 'feed';
const PAGE = 200;
/** Too many, for one person alone, or in the log already. */
const NOT_COPIED = [
  'activity.*',
  'notification.*',
  'analytics.*',
  'submission.progress',
  'tuner.*',
  'system.*',
  'feed.*',
];

export class FeedCollector {
  constructor(
    private readonly feed: Pick<EventFeed, 'read'>,
    private readonly log: ActivityLog,
  ) {}

  /** Copies what is new, up to a page. @throws what the log throws */
  async collect(): Promise<void> {
    const from = (await this.log.position(CONSUMER)) ?? FEED_START;
    const events = await this.feed.read(from, PAGE);
    const last = events.at(-1);
    if (last === undefined) return;
    const wanted = events.filter(({ type }) => !NOT_COPIED.some((group) => isOfType(type, group)));
    await this.log.append(wanted.map(activityOf));
    await this.log.commit(CONSUMER, last.id);
  }
}

function activityOf({ type, formId, userId, document, data, time }: FeedEvent): NewActivity {
  return {
    type,
    severity: type === 'alert.fired' ? 'warning' : 'info',
    source: 'product',
    ...(formId === undefined ? {} : { formId }),
    ...(userId === undefined ? {} : { userId }),
    ...(document === undefined ? {} : { document }),
    data: { ...data, happenedAt: new Date(time).toISOString() },
  };
}
