/**
 * `formloom/server`: the parts of the sync engine, for programs that compose a server of their own. How they meet is shown by
 * `cli/compose.ts`, which is what `formloom serve` runs.
 */
export * from './auth/index.js';
export * from './config/index.js';
export * from './events/index.js';
export { Gateway, type GatewayOptions } from './gateway/gateway.js';
export * from './history/index.js';
export { createLogger, createMetrics } from './observability/index.js';
export { RoomRegistry } from './rooms/room-registry.js';
export type { Edited, EditOptions, PresenceState, RoomInfo, Rooms } from './rooms/rooms.js';
export * from './storage/index.js';
export { KeyRing, openEncrypted } from './storage/encrypted/index.js';
export { openRedisStorage } from './storage/redis/index.js';
