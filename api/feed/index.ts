/** The event feed as consumers see it: server-sent events and WebSocket, and what a token may hear. */
export { FeedDeliveries } from './feed-deliveries.js';
export { FeedListeners } from './listeners.js';
export { FeedSockets } from './feed-sockets.js';
export { wants } from './hearing.js';
export { notificationDeliveries } from './notification-delivery.js';
export { feedRoutes } from './routes.js';
export { shownEvent, shownEventSchema, typePattern, type ShownEvent } from './schemas.js';
