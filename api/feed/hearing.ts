/** What a token hears of the feed: what it could read by itself. */
import { can, mayAdminister, seesBackstage, type Principal } from '../../server/auth/index.js';
import type { FeedEvent } from '../../server/events/index.js';
import { hasOwnSheets } from '../submissions/index.js';

export function mayHear(principal: Principal, event: FeedEvent): boolean {
  // A notification that its reader does not want to hear at once waits in the inbox, or goes to the webhooks alone.
  if (event.type === 'notification.created' && !wants(event, 'live')) return false;
  if (mayAdminister(principal)) return true;
  const { document, recipient } = event;
  if (recipient !== undefined && recipient !== principal.id) return false;
  if (document === undefined) return recipient !== undefined;
  if (!can(principal, document, 'read')) return isOwn(principal, event);
  // Who merely fills a form hears what becomes of it, and nothing of the work on it.
  return seesBackstage(principal, document) || /^(form|submission)\./.test(event.type);
}

/** Who started a submission has it under each of their tokens, as over REST and sync. */
function isOwn(principal: Principal, { owner, formId }: FeedEvent): boolean {
  return owner === principal.id && formId !== undefined && hasOwnSheets(principal, formId);
}

/** Whether a notification is for this channel, as its reader chose. */
export function wants(event: FeedEvent, channel: 'live' | 'webhook'): boolean {
  const { channels } = event.data;
  return Array.isArray(channels) && channels.includes(channel);
}
