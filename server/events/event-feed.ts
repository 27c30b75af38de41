/**
 * The event feed: everything that happened, in one durable stream that all nodes write to and tail.
 *
 *   publish      append, then wake every node over the bus. The log is the truth: a wake-up that is lost costs a second
 *   pull         one reader per node fetches what is new into the window and wakes its listeners
 *   listeners    each at its own place (`subscription.ts`); it goes on by id, after any reconnect, within 24 hours
 *   ephemeral    figures of the moment go over the bus to those who listen for them, and into no log
 *   retention    one node at a time takes away what is older, and leaves a mark of how far
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { documentKind } from '../protocol/document-name.js';
import type { Bus } from '../storage/bus.js';
import type { Subscription } from '../storage/document-log.js';
import type { EventLog } from '../storage/event-log.js';
import type { Leases } from '../storage/leases.js';
import { ChangeCoalescer, type FormChange } from './change-coalescer.js';
import {
  eventFrom,
  FEED_START,
  isEphemeral,
  storedEventSchema,
  type EventPublisher,
  type FeedEvent,
  type FeedSource,
  type NewEvent,
  type StoredEvent,
} from './event.js';
import { FeedWindow } from './feed-window.js';
import { trimFeed, trimmedUpTo } from './retention.js';
import { FeedSubscription, type FeedFilter, type OnEvents } from './subscription.js';

export const FEED_STREAM = 'feed';
const CHANNEL = 'feed';
const EPHEMERAL_CHANNEL = 'feed-ephemeral';
const WINDOW_EVENTS = 5_000;
const PAGE_EVENTS = 500;
const PULL_EVERY_MS = 1_000;
const TRIM_EVERY_MS = 10 * 60_000;
const RETENTION_MS = 24 * 3_600_000;
/** A store that fails does not hold up the end of the process. */
const FLUSH_MS = 2_000;

const passingSchema = z.object({ from: z.string(), event: storedEventSchema });

export interface EventFeedOptions {
  /** Id of this node. */
  readonly node: string;
  readonly log: EventLog;
  readonly bus: Bus;
  readonly leases: Leases;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
  /** How far a live listener may fall behind before it gets `feed.gap`. */
  readonly windowEvents?: number;
  /** Between two `form.changed` of one form from this node. */
  readonly changeSpacingMs?: number;
}

export interface FeedSubscriptionHandle {
  close(): void;
}

export class EventFeed implements EventPublisher, FeedSource {
  readonly #clock: () => number;
  readonly #changes: ChangeCoalescer;
  readonly #subscriptions = new Set<FeedSubscription>();
  #window: FeedWindow;
  #busSubscriptions: Subscription[] = [];
  /** Of this feed among those on the bus. */
  readonly #self = randomUUID();
  #pulling: Promise<void> | undefined;
  #mustPullAgain = false;
  #hasFailed = false;
  #isClosed = false;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(private readonly options: EventFeedOptions) {
    this.#clock = options.clock ?? Date.now;
    this.#window = new FeedWindow('', options.windowEvents ?? WINDOW_EVENTS);
    this.#changes = new ChangeCoalescer((change) => this.#tellChange(change), this.#clock, options.changeSpacingMs);
  }

  /** Begins to listen. Before it, events can be published but nobody hears them. */
  async start(): Promise<void> {
    const { bus, windowEvents } = this.options;
    this.#busSubscriptions = [
      await bus.subscribe(CHANNEL, () => this.#pull()),
      await bus.subscribe(EPHEMERAL_CHANNEL, (message) => this.#onPassing(message)),
    ];
    this.#window = new FeedWindow((await this.lastId()) ?? '', windowEvents ?? WINDOW_EVENTS);
    this.#every(PULL_EVERY_MS, () => this.#pull());
    this.#every(TRIM_EVERY_MS, () => void this.#trimIfMine());
  }

  // ── in ──────────────────────────────────────────────────────────────────────────────────────────────────

  async publish(event: NewEvent): Promise<void> {
    const { log, bus, logger } = this.options;
    if (isEphemeral(event.type)) {
      this.#passOn({ ...event, time: event.time ?? this.#clock() });
      return;
    }
    if (event.type === 'form.deleted' && event.formId !== undefined) this.#changes.forget(event.formId);
    try {
      await log.append(FEED_STREAM, [{ ...event, time: event.time ?? this.#clock() }]);
    } catch (error) {
      logger.error({ err: error, event: event.type, form: event.formId }, 'an event could not be published');
      return;
    }
    this.#pull();
    bus.publish(CHANNEL, new Uint8Array()).catch((error: unknown) => {
      logger.debug({ err: error }, 'other nodes were not woken for an event; they find it within a second');
    });
  }

  /** Here at once, whatever the bus does: that the store is unreachable is what an operator wants to hear. */
  #passOn(event: StoredEvent): void {
    this.#pass(event);
    const message = Buffer.from(JSON.stringify({ from: this.#self, event }));
    this.options.bus.publish(EPHEMERAL_CHANNEL, message).catch((error: unknown) => {
      this.options.logger.debug({ err: error, event: event.type }, 'other nodes do not hear of an ephemeral event');
    });
  }

  #onPassing(message: Uint8Array): void {
    try {
      const { from, event } = passingSchema.parse(JSON.parse(Buffer.from(message).toString()));
      if (from !== this.#self) this.#pass(event);
    } catch (error) {
      this.options.logger.warn({ err: error }, 'an ephemeral event of another node cannot be read');
    }
  }

  #pass(event: StoredEvent): void {
    // Each listener gets it under the id of its own place.
    for (const subscription of this.#subscriptions) subscription.pass({ ...event, id: '' });
  }

  formChanged(document: string, userId: string): void {
    const kind = documentKind(document);
    if (kind.kind === 'form') this.#changes.changed(kind.formId, userId);
  }

  #tellChange({ formId, users, from, to }: FormChange): Promise<void> {
    const [first] = users;
    return this.publish({
      type: 'form.changed',
      time: to,
      formId,
      document: `form/${formId}`,
      ...(users.length === 1 && first !== undefined ? { userId: first } : {}),
      data: { users, from: new Date(from).toISOString(), to: new Date(to).toISOString() },
    });
  }

  // ── out ─────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Events after `after` (from now on when absent), in order, without a gap, across nodes. Where that cannot be kept a
   * `feed.gap` comes in the place of what is missing.
   */
  subscribe(options: FeedFilter & { readonly after?: string | undefined }, onEvents: OnEvents): FeedSubscriptionHandle {
    const { after, ...filter } = options;
    const reader = {
      window: this.#window,
      logger: this.options.logger,
      clock: this.#clock,
      page: (from: string) => this.#page(from),
      pulled: () => this.#pulled(),
    };
    const subscription = new FeedSubscription(reader, filter, onEvents, (closed) => this.#subscriptions.delete(closed));
    this.#subscriptions.add(subscription);
    void subscription.run(after);
    return subscription;
  }

  /** The events after `after` (from the oldest that is kept when absent), as they are in the log. */
  async read(after: string | undefined, limit: number): Promise<FeedEvent[]> {
    const { log } = this.options;
    return (await log.range(FEED_STREAM, { limit, ...(after === undefined ? {} : { after }) })).map(eventFrom);
  }

  /** What was published at this time (Unix, in milliseconds) and later, newest first. */
  async *since(time: number): AsyncGenerator<FeedEvent> {
    for (let before: string | undefined; ;) {
      const page = { reverse: true, limit: PAGE_EVENTS, ...(before === undefined ? {} : { before }) };
      const events = await this.options.log.range(FEED_STREAM, page);
      for (const event of events) {
        if (event.at < time) return;
        yield eventFrom(event);
      }
      before = events.at(-1)?.id;
      if (before === undefined) return;
    }
  }

  /** Undefined before the first event. */
  async lastId(): Promise<string | undefined> {
    return (await this.options.log.range(FEED_STREAM, { reverse: true, limit: 1 }))[0]?.id;
  }

  /** Takes away what happened more than 24 hours ago. */
  async trim(): Promise<void> {
    await trimFeed(this.options.log, FEED_STREAM, this.#clock() - RETENTION_MS);
  }

  /** Publishes what waits, then lets every listener go. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const flushed = this.#changes.close();
    await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, FLUSH_MS).unref())]);
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const subscription of [...this.#subscriptions]) subscription.close();
    await Promise.all(this.#busSubscriptions.map((subscription) => subscription.close()));
    await this.#pulling;
  }

  // ── the one reader of this node ─────────────────────────────────────────────────────────────────────────

  #pull(): void {
    this.#mustPullAgain = true;
    if (this.#isClosed || this.#pulling !== undefined) return;
    this.#pulling = this.#pullAll().finally(() => {
      this.#pulling = undefined;
      // Somebody asked between the last read and this line.
      if (this.#mustPullAgain && !this.#hasFailed) this.#pull();
    });
  }

  async #pullAll(): Promise<void> {
    try {
      while (this.#mustPullAgain && !this.#isClosed) {
        this.#mustPullAgain = false;
        for (;;) {
          const events = await this.read(this.#window.head === '' ? undefined : this.#window.head, PAGE_EVENTS);
          if (events.length === 0) break;
          this.#window.push(events);
          for (const subscription of [...this.#subscriptions]) subscription.wake();
        }
      }
      this.#hasFailed = false;
    } catch (error) {
      // Said once: the next pull is a second away.
      if (!this.#hasFailed && !this.#isClosed) {
        this.options.logger.warn({ err: error }, 'the event feed cannot be read; listeners wait');
      }
      this.#hasFailed = true;
    }
  }

  async #pulled(): Promise<void> {
    // The one that is under way may have read before the call.
    await this.#pulling;
    this.#pull();
    await this.#pulling;
  }

  async #page(after: string): Promise<readonly FeedEvent[] | undefined> {
    const events = await this.read(after, PAGE_EVENTS);
    // Whoever begins at the beginning wants what is there.
    if (after === FEED_START) return events;
    // Asked afterwards: the mark is set before anything is taken away.
    const mark = await trimmedUpTo(this.options.log, FEED_STREAM);
    return mark !== undefined && after < mark ? undefined : events;
  }

  async #trimIfMine(): Promise<void> {
    const { leases, node, logger } = this.options;
    try {
      const lease = await leases.acquire('feed-retention', node, TRIM_EVERY_MS / 2);
      if (lease === undefined) return;
      await this.trim();
      await lease.release();
    } catch (error) {
      logger.warn({ err: error }, 'old events could not be taken away; it is tried again');
    }
  }

  #every(ms: number, act: () => void): void {
    const timer = setInterval(act, ms);
    timer.unref();
    this.#timers.push(timer);
  }
}
