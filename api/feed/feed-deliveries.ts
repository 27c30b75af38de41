/**
 * Events on their way to the listeners of this node, through the outbound queues.
 *
 *   message   what a listener is to get next (up to some hundred events), in the queue of its most urgent event; listeners
 *             that are to get the same share one message
 *   order     a listener is handed its next message when it has taken the one before
 *   history   what happened before a listener came is read at its own pace and takes no place in the queues
 *   overflow  a dead letter; the listener gets `feed.gap` instead, and the events themselves when the letter is replayed
 */
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { Principal } from '../../server/auth/index.js';
import { GAP, isEphemeral, isOfType, storedEventSchema, type FeedEvent } from '../../server/events/index.js';
import {
  OUTBOUND_CLASSES,
  OutboundQueues,
  type DeadLetter,
  type DeadLetters,
  type MonotonicClock,
  type OutboundClass,
  type OutboundMessage,
  type OutboundQueuesOptions,
} from '../../server/limits/index.js';
import { mayHear } from './hearing.js';
import type { FeedSink } from './listeners.js';
import { shownEvent, type FeedQuery } from './schemas.js';

export interface FeedDeliveriesOptions {
  readonly deadLetters: Pick<DeadLetters, 'add'>;
  readonly settings?: OutboundQueuesOptions['settings'];
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  readonly now: MonotonicClock;
}

/** A listener's way through the queues. */
export interface FeedOutlet {
  /** Resolves when the consumer has room for more; when it can't be queued it is told of a gap instead. */
  send(events: readonly FeedEvent[]): Promise<void>;
  /** What still waits for it is dropped: it goes on by the id of its last event. */
  close(): void;
}

interface Listener {
  readonly id: string;
  readonly principal: Principal;
  readonly query: FeedQuery;
  readonly sink: FeedSink;
  readonly openedAt: number;
  /** Id of the last event that it was sent, or told that it missed. */
  lastId: string;
  /** Ids of events that came to it by a replay. */
  readonly replayed: Set<string>;
}

interface Waiting {
  readonly listener: Listener;
  readonly onTaken: () => void;
}

interface Group {
  readonly events: readonly FeedEvent[];
  readonly waiting: Waiting[];
}

const KIND = 'feed';
const eventSchema = storedEventSchema.extend({ id: z.string() });
const bodySchema = z.object({
  events: z.array(eventSchema),
  listeners: z.array(z.object({ id: z.string(), user: z.string() })),
});

export class FeedDeliveries {
  readonly queues: OutboundQueues;
  readonly #listeners = new Map<string, Listener>();
  /** Of this turn, by the ids of their events. */
  #groups = new Map<string, Group>();
  readonly #waiting = new Map<OutboundMessage, Group>();

  constructor(private readonly options: FeedDeliveriesOptions) {
    this.queues = new OutboundQueues({
      deadLetters: options.deadLetters,
      now: options.now,
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      isVoid: (message) => !this.#isAwaited(message),
      deliver: async (message) => this.#deliver(message),
    });
  }

  open(principal: Principal, query: FeedQuery, sink: FeedSink): FeedOutlet {
    const openedAt = this.options.clock();
    const lastId = query.after ?? '';
    const listener = { id: uuidv7(), principal, query, sink, openedAt, lastId, replayed: new Set<string>() };
    this.#listeners.set(listener.id, listener);
    return {
      send: (events) => this.#send(listener, events),
      close: () => void this.#listeners.delete(listener.id),
    };
  }

  /** Waits for what is under way. To be called when every outlet is closed. */
  async close(): Promise<void> {
    await this.queues.close();
    for (const { waiting } of this.#waiting.values()) for (const { onTaken } of waiting) onTaken();
    this.#waiting.clear();
  }

  // ── in ──────────────────────────────────────────────────────────────────────────────────────────────────

  async #send(listener: Listener, events: readonly FeedEvent[]): Promise<void> {
    // What is ephemeral is not worth a dead letter.
    const isNews = ({ type, time }: FeedEvent): boolean =>
      type !== GAP && !isEphemeral(type) && time >= listener.openedAt;
    const firstNews = events.findIndex(isNews);
    const history = firstNews === -1 ? events : events.slice(0, firstNews);
    if (history.length > 0) await handTo(listener, history);
    if (firstNews !== -1) await this.#queue(listener, events.slice(firstNews));
  }

  #queue(listener: Listener, events: readonly FeedEvent[]): Promise<void> {
    const key = events.map(({ id }) => id).join();
    // What is pushed to all listeners is asked for in one turn.
    if (this.#groups.size === 0) setImmediate(() => this.#enqueueAll());
    let group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, (group = { events, waiting: [] }));
    const { waiting } = group;
    return new Promise((onTaken) => waiting.push({ listener, onTaken }));
  }

  #enqueueAll(): void {
    const groups = this.#groups;
    this.#groups = new Map();
    for (const group of groups.values()) {
      const message = messageOf(group);
      this.#waiting.set(message, group);
      if (!this.#isAwaited(message)) {
        this.#deliver(message);
        continue;
      }
      if (this.queues.enqueue(classOf(group.events), message) === 'queued') continue;
      this.#waiting.delete(message);
      for (const waiting of group.waiting) void this.#tellGap(waiting, group.events);
    }
  }

  async #tellGap({ listener, onTaken }: Waiting, events: readonly FeedEvent[]): Promise<void> {
    const data = { reason: 'overflow', after: listener.lastId };
    const gap = { id: events.at(-1)?.id ?? listener.lastId, type: GAP, time: this.options.clock(), data };
    if (this.#listeners.has(listener.id)) await handTo(listener, [gap]);
    onTaken();
  }

  // ── out ─────────────────────────────────────────────────────────────────────────────────────────────────

  #isAwaited(message: OutboundMessage): boolean {
    return this.#waiting.get(message)?.waiting.some(({ listener }) => this.#listeners.has(listener.id)) === true;
  }

  /** Hands it over without waiting for slow consumers: they hold up themselves alone. */
  #deliver(message: OutboundMessage): void {
    const group = this.#waiting.get(message);
    this.#waiting.delete(message);
    for (const { listener, onTaken } of group?.waiting ?? []) {
      if (this.#listeners.has(listener.id)) void handTo(listener, group?.events ?? []).finally(onTaken);
      else onTaken();
    }
  }

  /**
   * Sends what a letter holds to those whom it was for. Who of them is gone is stood in for by listeners of the same user
   * that came later. Nobody gets an event twice.
   * @throws Error when nobody can be reached
   */
  async replay(letter: DeadLetter): Promise<void> {
    const { events, listeners } = bodySchema.parse(letter.body);
    const meant = new Set(listeners.map(({ id }) => id));
    const users = new Set(listeners.filter(({ id }) => !this.#listeners.has(id)).map(({ user }) => user));
    let reached = 0;
    for (const listener of this.#listeners.values()) {
      const isStandIn = users.has(listener.principal.id) && listener.openedAt >= letter.at;
      if (!meant.has(listener.id) && !isStandIn) continue;
      const missed = events.filter((event) => hasMissed(listener, event, isStandIn));
      reached += 1;
      for (const { id } of missed) listener.replayed.add(id);
      // Its place in the feed stays where it is: these are older.
      if (missed.length > 0) void listener.sink.send(missed.map(shownEvent), true);
    }
    if (reached === 0) throw new Error('nobody of those whom it was for listens on this node');
  }
}

/** Never rejects: a sink whose consumer is gone takes everything. */
async function handTo(listener: Listener, events: readonly FeedEvent[]): Promise<void> {
  listener.lastId = events.at(-1)?.id ?? listener.lastId;
  await listener.sink.send(events.map(shownEvent));
}

function hasMissed({ query, principal, replayed }: Listener, event: FeedEvent, isStandIn: boolean): boolean {
  if (replayed.has(event.id) || !mayHear(principal, event)) return false;
  // It asked for everything after an older event, and got it.
  if (isStandIn && query.after !== undefined && query.after < event.id) return false;
  if (query.formId !== undefined && event.formId !== query.formId) return false;
  return query.types === undefined || query.types.some((type) => isOfType(event.type, type));
}

function messageOf({ events, waiting }: Group): OutboundMessage {
  const listeners = waiting.map(({ listener: { id, principal } }) => ({ id, user: principal.id }));
  const users = new Set(listeners.map(({ user }) => user));
  const documents = new Set(events.map(({ document }) => document));
  const [user = ''] = users;
  const [document] = documents;
  return {
    kind: KIND,
    destination: users.size === 1 ? user : KIND,
    ...(documents.size === 1 && document !== undefined ? { document } : {}),
    body: { events, listeners },
  };
}

/** That of the most urgent event: they stay together and in order. */
export function classOf(events: readonly Pick<FeedEvent, 'type'>[]): OutboundClass {
  const classes = new Set(
    events.map(({ type }) => CLASS_BY_TYPE[type] ?? CLASS_BY_GROUP[groupOf(type)] ?? 'broadcast'),
  );
  return OUTBOUND_CLASSES.find((name) => classes.has(name)) ?? 'broadcast';
}

const groupOf = (type: string): string => type.split('.', 1)[0] ?? '';

/** What people see move on their screens. */
const CLASS_BY_TYPE: Readonly<Record<string, OutboundClass>> = {
  'form.changed': 'realtime',
  'submission.progress': 'realtime',
};
const CLASS_BY_GROUP: Readonly<Record<string, OutboundClass>> = {
  presence: 'realtime',
  notification: 'notification',
  system: 'system',
  server: 'system',
  alert: 'system',
  tuner: 'system',
  analytics: 'system',
  feed: 'system',
};
