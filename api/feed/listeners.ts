/**
 * Everybody who listens to the feed on this node, over whichever transport: heartbeats, the end of tokens, the drain.
 */
import type { Authenticator, Principal } from '../../server/auth/index.js';
import type { EventFeed, FeedSubscriptionHandle } from '../../server/events/index.js';
import { CLOSE } from '../../server/protocol/close-codes.js';
import { Problem } from '../http/problem.js';
import type { FeedDeliveries, FeedOutlet } from './feed-deliveries.js';
import { mayHear } from './hearing.js';
import type { FeedQuery, ShownEvent } from './schemas.js';

/** One transport's end of a listener. */
export interface FeedSink {
  /**
   * Resolves when the consumer has room for more.
   * @param isReplay older than what was sent already: the place at which the consumer goes on stays where it is
   */
  send(events: readonly ShownEvent[], isReplay?: boolean): Promise<void>;
  /** A sign of life. */
  beat(): void;
  /** @param code as of the WebSocket protocol of the sync gateway; transports without codes just end */
  end(code: number, reason: string): void;
}

interface Listener {
  readonly principal: Principal;
  readonly sink: FeedSink;
  readonly outlet: FeedOutlet;
  readonly subscription: FeedSubscriptionHandle;
}

export interface FeedListenersOptions {
  readonly feed: EventFeed;
  readonly deliveries: FeedDeliveries;
  readonly authenticator: Authenticator;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

const MAX_LISTENERS = 5_000;
const CHECK_MS = 1_000;
/** Below the idle time of common proxies (nginx: 60 s, AWS: 60 s, Heroku: 55 s). */
const BEAT_EVERY_CHECKS = 15;

export class FeedListeners {
  readonly #listeners = new Set<Listener>();
  readonly #check: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #checks = 0;
  #isDraining = false;

  constructor(private readonly options: FeedListenersOptions) {
    this.#check = setInterval(() => this.#checkAll(), CHECK_MS);
    this.#check.unref();
    this.#unsubscribe = options.authenticator.onRevoked(() => this.#endRevoked());
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** @throws Problem `draining`, `overloaded` */
  requireRoom(): void {
    if (this.#isDraining) throw new Problem('draining', 'The server is going away.');
    if (this.#listeners.size < MAX_LISTENERS) return;
    throw new Problem('overloaded', 'Too many listen to the feed of this node.', { retryAfterSeconds: 5 });
  }

  /** Answers how to leave. */
  add(principal: Principal, query: FeedQuery, sink: FeedSink): () => void {
    const { after, types, formId } = query;
    const outlet = this.options.deliveries.open(principal, query, sink);
    const subscription = this.options.feed.subscribe(
      { after, types, formId, mayHear: (event) => mayHear(principal, event) },
      (events) => outlet.send(events),
    );
    const listener = { principal, sink, outlet, subscription };
    this.#listeners.add(listener);
    return () => this.#remove(listener);
  }

  /** Everybody goes, and nobody comes any more. Consumers go on elsewhere by the id of their last event. */
  drain(): void {
    this.#isDraining = true;
    for (const listener of [...this.#listeners]) this.#end(listener, CLOSE.restart, 'the server restarts');
  }

  close(): void {
    this.drain();
    clearInterval(this.#check);
    this.#unsubscribe();
  }

  #checkAll(): void {
    const now = this.options.clock();
    this.#checks += 1;
    const isBeat = this.#checks % BEAT_EVERY_CHECKS === 0;
    for (const listener of [...this.#listeners]) {
      const { expiresAt } = listener.principal;
      if (expiresAt !== undefined && expiresAt <= now) {
        this.#end(listener, CLOSE.unauthenticated, 'the token expired');
      } else if (isBeat) {
        listener.sink.beat();
      }
    }
  }

  #endRevoked(): void {
    const { authenticator } = this.options;
    for (const listener of [...this.#listeners]) {
      if (authenticator.isRevoked(listener.principal)) {
        this.#end(listener, CLOSE.unauthenticated, 'the token was revoked');
      }
    }
  }

  #end(listener: Listener, code: number, reason: string): void {
    this.#remove(listener);
    listener.sink.end(code, reason);
  }

  #remove(listener: Listener): void {
    listener.subscription.close();
    listener.outlet.close();
    this.#listeners.delete(listener);
  }
}
