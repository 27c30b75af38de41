/** Tells people what concerns them: never of their own doing, never of what they muted, and only where they want it. */
import { uuidv7 } from 'uuidv7';
import { identityOf } from '../../server/auth/index.js';
import type { Notification, NotificationStore, Subject } from './notification-store.js';
import { channelsFor, type Channel, type Priority, type Reason, type SettingsStore } from './settings.js';
import type { Subscriptions } from './subscriptions.js';

export interface Notice {
  /** Whom to tell. */
  readonly userId: string;
  readonly reason: Reason;
  /** Absent for what concerns no form, such as an alert. */
  readonly formId?: string;
  readonly threadId?: string;
  readonly commentId?: string;
  readonly actor: { readonly id: string; readonly name?: string };
  readonly text: string;
  /** That of the reason when absent. */
  readonly priority?: Priority;
}

/** Hands a notification on to where it is heard at once; the inbox is kept here. */
export type Delivery = (userId: string, notification: Notification) => Promise<void>;

export interface NotifierOptions {
  readonly store: NotificationStore;
  readonly settings: SettingsStore;
  readonly subscriptions: Subscriptions;
  /** A channel without a delivery is not there. */
  readonly deliveries: Readonly<Partial<Record<Exclude<Channel, 'inbox'>, Delivery>>>;
  readonly clock: () => number;
}

const PRIORITY_OF: Readonly<Record<Reason, Priority>> = {
  mention: 'high',
  reply: 'normal',
  assigned: 'high',
  resolved: 'low',
  published: 'normal',
  alert: 'urgent',
};
const MAX_TEXT = 280;

export class Notifier {
  constructor(private readonly options: NotifierOptions) {}

  /** Durable when it resolves. Undefined when nobody is to be told. */
  async notify(notice: Notice): Promise<Notification | undefined> {
    const { store, settings, subscriptions, deliveries, clock } = this.options;
    const { userId, reason, formId, threadId, commentId, actor } = notice;
    if (userId === actor.id) return undefined;
    if (formId !== undefined && (await subscriptions.effective(userId, formId, threadId)) === 'mute') return undefined;
    const priority = notice.priority ?? PRIORITY_OF[reason];
    const at = clock();
    const wanted = channelsFor(await settings.get(userId), reason, priority, at);
    const channels = wanted.filter((channel) => channel === 'inbox' || deliveries[channel] !== undefined);
    if (channels.length === 0) return undefined;
    const content = {
      reason,
      priority,
      group: groupOf(notice),
      formId: formId ?? null,
      threadId: threadId ?? null,
      commentId: commentId ?? null,
      actor: identityOf(actor),
      text: excerpt(notice.text),
      channels,
      createdAt: at,
      readAt: null,
      archivedAt: null,
    };
    const notification = channels.includes('inbox') ? await store.add(userId, content) : { id: uuidv7(), ...content };
    for (const channel of channels) if (channel !== 'inbox') await deliveries[channel]?.(userId, notification);
    return notification;
  }

  /** When what they speak of is erased: notifications hold its words. Answers how many there were. */
  async forget(subject: Subject): Promise<number> {
    const { store, subscriptions } = this.options;
    if (subject.commentId === undefined) await subscriptions.erase(subject.formId, subject.threadId);
    return store.erase(subject);
  }
}

function groupOf({ formId, threadId, reason }: Notice): string {
  if (formId === undefined) return reason;
  return threadId === undefined ? `form/${formId}` : `form/${formId}/thread/${threadId}`;
}

function excerpt(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1).toWellFormed()}…`;
}
