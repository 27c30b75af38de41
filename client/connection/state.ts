/** What a connection tells of itself. */

export type ConnectionState =
  /** Not asked to connect, or told to disconnect. */
  | { readonly status: 'idle' }
  /** Opening, or open and waiting for the first answer. `attempt` counts failures since the last success. */
  | { readonly status: 'connecting'; readonly attempt: number }
  /** Everything that the server has is here, and what happens comes as it happens. */
  | { readonly status: 'synced' }
  /** Waiting for the next attempt. `retryAt` is in milliseconds since 1970. */
  | { readonly status: 'offline'; readonly retryAt: number; readonly code: number; readonly reason: string }
  /** For good: the server refused (44xx), or the local copy is of an earlier life of the document. */
  | { readonly status: 'closed'; readonly code: number; readonly reason: string };

/**
 * Whether what was written here is durable on the server.
 *
 *   saved     everything is
 *   saving    something is on its way
 *   offline   something waits for a connection
 *   refused   something was written that the server does not take: the connection may only read, or is closed for good
 */
export type SaveState = 'saved' | 'saving' | 'offline' | 'refused';

/** The local copy belongs to an earlier life of the document. Not sent by servers: set by the connection itself. */
export const STALE_COPY = 4499;

/** Where time and chance come from. */
export interface Clock {
  now(): number;
  /** @returns takes it back */
  after(ms: number, run: () => void): () => void;
  /** In [0, 1). */
  random(): number;
}

export const realClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
