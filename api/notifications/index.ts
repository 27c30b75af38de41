/** Notifications: who is told of what, where it is kept, and the endpoints. */
export { createNotifications, type NotificationParts } from './create-notifications.js';
export { type Notification, type Subject } from './notification-store.js';
export { Notifier, type Delivery, type Notice } from './notifier.js';
export { notificationRoutes } from './routes.js';
export { maySeeNotification } from './visibility.js';
export { Subscriptions, SUBSCRIPTION_MODES, type SubscriptionMode } from './subscriptions.js';
