/**
 * What no editor meets, and what keeps one client from costing the others more than about a tenth of the server.
 *
 * Somebody who types, points and drags sends some 50 messages a second; a program that replays thousands of edits has
 * ten seconds' worth at once. A user may not take all places of the default pool.
 */
import type { RateKind } from '../rate-limits.js';
import type { TrafficRule } from './traffic-limits.js';

const MIB = 1024 * 1024;

export const TRAFFIC_DEFAULTS: Readonly<Record<RateKind, TrafficRule>> = {
  user: { messagesPerSecond: 5_000, bytesPerSecond: 32 * MIB, connections: 600 },
  document: { messagesPerSecond: 20_000, bytesPerSecond: 64 * MIB, connections: 10_000 },
  tenant: { messagesPerSecond: 50_000, bytesPerSecond: 128 * MIB, connections: 20_000 },
  address: { messagesPerSecond: 25_000, bytesPerSecond: 128 * MIB, connections: 10_000 },
};
