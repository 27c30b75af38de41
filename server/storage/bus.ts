/**
 * Ephemeral messages between nodes: awareness, wake-ups, revocations. At most once, unordered across channels.
 *
 * Contract suite: `bus.contract.ts`.
 */
import type { Subscription } from './document-log.js';

export interface Bus {
  /** Delivered to every subscriber on every node, the sender's node included. */
  publish(channel: string, message: Uint8Array): Promise<void>;
  subscribe(channel: string, onMessage: (message: Uint8Array) => void): Promise<Subscription>;
}
