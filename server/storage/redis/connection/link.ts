import type { ChainableCommander, Redis } from 'ioredis';
import { StorageUnavailableError } from '../../errors.js';

/** A way to Redis, whatever stands behind it. It reconnects by itself and for ever. */
export interface RedisLink {
  readonly isReady: boolean;
  /** Why it isn't ready, as far as known. */
  readonly lastError: string | undefined;
  /** Which node serves a key: commands with one owner can share a pipeline. May change at any time. */
  ownerOf(key: string): string;
  /** A pipeline for commands with one owner. */
  pipeline(): ChainableCommander;
  /** A new, unconnected connection to an owner, for subscriptions; undefined when the owner is gone. */
  subscriberTo(owner: string): Redis | undefined;
  /** Learns anew which node serves what. */
  refresh(): void;
  /** Every master, for what isn't about a key. */
  masters(): Redis[];
  /** Calls back whenever it becomes ready, loses its connection or learns that owners have changed. */
  onChange(listener: (change: LinkChange) => void): () => void;
  close(): void;
}

export type LinkChange = 'ready' | 'down' | 'owners';

/** The settings of every connection; each was chosen because the log above retries and must know what happened. */
export const CONNECTION_OPTIONS = {
  // RESP2: the subscriber connections are separate anyway, and every proxy speaks it.
  protocol: 2,
  // A command that may have been lost is reported at once. The callers send it again under the same id.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // A dead peer that sends no RST; longer than a fork of a large Redis or a slow fsync.
  socketTimeout: 10_000,
  connectTimeout: 5_000,
  keepAlive: 10_000,
} as const;

/** Milliseconds until the next attempt to connect: 50 ms to 1 s, spread so that nodes don't come back in step. */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt - 1, 5), 1_000) * (0.75 + Math.random() / 4);
}

/**
 * Connects again what ioredis has given up. It reconnects by itself but for one case: when a Sentinel announces a fail-over while
 * ioredis asks for the master, because the old one is gone already, it takes that for a wish to close.
 */
export function keepConnecting(redis: Redis, isWanted: () => boolean): void {
  redis.on('end', () => {
    setTimeout(() => {
      // How it went is told by its events.
      if (isWanted()) redis.connect().catch(() => undefined);
    }, reconnectDelayMs(1));
  });
}

/** Reconnects when a master has become a replica: the name or the Sentinels lead to the new one. At most every 2 s. */
export function reconnectWhenReadOnly(): (error: Error) => boolean {
  let last = 0;
  return (error) => {
    if (!error.message.startsWith('READONLY') || Date.now() - last < 2_000) return false;
    last = Date.now();
    return true;
  };
}

/** @throws StorageUnavailableError, with what the last attempt met */
export async function untilReady(link: RedisLink, deadlineMs: number): Promise<void> {
  if (link.isReady) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (isReady: boolean): void => {
      clearTimeout(timer);
      stopListening();
      if (isReady) {
        resolve();
        return;
      }
      const detail = link.lastError === undefined ? '' : `: ${link.lastError}`;
      reject(new StorageUnavailableError(`Redis can't be reached${detail}`));
    };
    const timer = setTimeout(() => settle(false), deadlineMs);
    const stopListening = link.onChange((change) => {
      if (change === 'ready') settle(true);
      // No later attempt will see another one.
      else if (change === 'down' && /certificate/i.test(link.lastError ?? '')) settle(false);
    });
  });
}
