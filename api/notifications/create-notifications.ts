/** The parts of notifications, wired. */
import type { RecordStore } from '../../server/storage/record-store.js';
import { NotificationStore } from './notification-store.js';
import { Notifier, type Delivery } from './notifier.js';
import { SettingsStore } from './settings.js';
import { Subscriptions } from './subscriptions.js';

export interface NotificationParts {
  readonly notifications: NotificationStore;
  readonly settings: SettingsStore;
  readonly subscriptions: Subscriptions;
  readonly notifier: Notifier;
}

/**
 * @param deliveries hand a notification on to the operator's webhooks and to the event feed
 * @param clock Unix time in milliseconds
 */
export function createNotifications(
  records: RecordStore,
  deliveries: { readonly live: Delivery; readonly webhook: Delivery },
  clock: () => number,
): NotificationParts {
  const [notifications, settings, subscriptions] = [
    new NotificationStore(records),
    new SettingsStore(records),
    new Subscriptions(records),
  ];
  const notifier = new Notifier({ store: notifications, settings, subscriptions, deliveries, clock });
  return { notifications, settings, subscriptions, notifier };
}
