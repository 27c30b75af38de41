/** Notifications on their way to the feed and to the webhooks: one event, whichever of the two are wanted. */
import type { EventPublisher } from '../../server/events/index.js';
import type { Delivery } from '../notifications/index.js';

export function notificationDeliveries(feed: EventPublisher): { live: Delivery; webhook: Delivery } {
  const live: Delivery = (userId, { id, reason, priority, group, formId, threadId, commentId, actor, channels }) =>
    feed.publish({
      type: 'notification.created',
      userId,
      recipient: userId,
      ...(formId === null
        ? {}
        : { formId, document: threadId === null ? `form/${formId}` : `form/${formId}/comments` }),
      // Without its text: that is a part of the comment, and is read from the inbox.
      data: { notificationId: id, reason, priority, group, threadId, commentId, actorId: actor.id, channels },
    });
  const webhook: Delivery = async (userId, notification) => {
    if (!notification.channels.includes('live')) await live(userId, notification);
  };
  return { live, webhook };
}
