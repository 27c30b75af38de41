/** The event feed: a durable stream of what happened, and its listeners on every node. */
export {
  FEED_START,
  GAP,
  isEphemeral,
  storedEventSchema,
  type EventPublisher,
  type FeedEvent,
  type FeedSource,
  type GapReason,
  type NewEvent,
} from './event.js';
export { EventFeed, FEED_STREAM, type EventFeedOptions, type FeedSubscriptionHandle } from './event-feed.js';
export { isOfType, type FeedFilter, type OnEvents } from './subscription.js';
