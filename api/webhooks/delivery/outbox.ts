/**
 * The outbox: a consumer of the event feed with a place of its own, on one node at a time.
 *
 *   lease 'webhooks'   who holds it delivers; when it is lost, everything under way is dropped, and the next holder begins
 *                      from what is stored. So a receiver gets each event at least once, and twice only around a takeover
 *   fan-out            events to deliveries in the store; the place in the feed is committed afterwards, and a delivery
 *                      is added once however often its event is handed out
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { z } from 'zod';
import { rest, Terms } from '../../../server/duties/index.js';
import { FEED_START, FEED_STREAM, GAP, type EventFeed, type FeedEvent } from '../../../server/events/index.js';
import type { Bus } from '../../../server/storage/bus.js';
import type { Subscription } from '../../../server/storage/document-log.js';
import type { EventLog } from '../../../server/storage/event-log.js';
import type { Leases } from '../../../server/storage/leases.js';
import { shownEvent } from '../../feed/index.js';
import type { DeliveryStore } from './delivery-store.js';
import { Lanes, type LanesOptions } from './lanes.js';
import { isFor, type WebhookStore } from '../webhook-store.js';

const DUTY = 'webhooks';
const CONSUMER = 'webhooks';
const CHANNEL = 'webhooks';
/** After a failure of the store. */
const RETRY_MS = 2_000;
/** While there is no webhook, the place is kept up to date this often. */
const COMMIT_IDLE_MS = 60_000;

const wakeSchema = z.object({ webhookId: z.string(), isHurried: z.boolean() });

export interface OutboxOptions extends LanesOptions {
  readonly node: string;
  readonly feed: EventFeed;
  readonly log: EventLog;
  readonly leases: Leases;
  readonly bus: Bus;
  readonly webhooks: WebhookStore;
  readonly deliveries: DeliveryStore;
  readonly logger: Logger;
}

export class Outbox {
  readonly #terms: Terms;
  #lanes: Lanes | undefined;
  #subscription: Subscription | undefined;
  #committedAt = -Infinity;

  constructor(private readonly options: OutboxOptions) {
    const { node, leases, logger } = options;
    this.#terms = new Terms({ duty: DUTY, node, leases, logger, run: (signal) => this.#deliver(signal) });
  }

  async start(): Promise<void> {
    this.#subscription = await this.options.bus.subscribe(CHANNEL, (message) => {
      const { webhookId, isHurried } = wakeSchema.parse(JSON.parse(Buffer.from(message).toString()));
      this.#reload(webhookId, isHurried);
    });
    this.#terms.start();
  }

  /**
   * The webhook or one of its deliveries was changed: whoever delivers looks at it again.
   * @param isHurried what waits for its next try is tried at once
   */
  async wake(webhookId: string, isHurried: boolean): Promise<void> {
    try {
      await this.options.bus.publish(CHANNEL, Buffer.from(JSON.stringify({ webhookId, isHurried })));
    } catch (error) {
      // It is stored; the one that delivers comes to it within a minute.
      this.options.logger.warn({ err: error, webhook: webhookId }, 'the outbox could not be woken');
    }
  }

  /** Stops in the middle: what is not settled is sent again by the next holder. Idempotent. */
  async close(): Promise<void> {
    const ended = this.#terms.close();
    await this.#subscription?.close();
    await ended;
  }

  /** Until the term ends: the lease is lost, or the outbox is closed. */
  async #deliver(term: AbortSignal): Promise<void> {
    const { feed, log } = this.options;
    const failed = new AbortController();
    const signal = AbortSignal.any([term, failed.signal]);
    // Each attempt under way listens, eight of a webhook: Node would warn of a leak.
    setMaxListeners(0, signal);
    const lanes = new Lanes(this.options, signal);
    try {
      this.#lanes = lanes;
      for (const { id } of await this.options.webhooks.all()) await lanes.reload(id, false);
      // Before its first place it begins with the oldest event there is: webhooks know from when on they are told.
      const after = (await log.position(FEED_STREAM, CONSUMER)) ?? FEED_START;
      const listening = feed.subscribe({ after, isPatient: true }, (events) => this.#fanOut(events, lanes, signal));
      const rescan = setInterval(() => void this.#reloadAll(lanes), COMMIT_IDLE_MS);
      rescan.unref();
      await aborted(signal);
      clearInterval(rescan);
      listening.close();
    } finally {
      this.#lanes = undefined;
      failed.abort();
      await lanes.settled();
    }
  }

  /** Never rejects: it is tried until the store takes it or the term ends. */
  async #fanOut(events: readonly FeedEvent[], lanes: Lanes, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#handOut(events, lanes);
        return;
      } catch (error) {
        this.options.logger.warn({ err: error }, 'events could not be handed out to webhooks; it is tried again');
        await rest(RETRY_MS, signal);
      }
    }
  }

  async #handOut(events: readonly FeedEvent[], lanes: Lanes): Promise<void> {
    const { deliveries, log, clock, logger } = this.options;
    const webhooks = await this.options.webhooks.all();
    for (const event of events) {
      if (event.type === GAP) logger.warn({ gap: event.data }, 'events were gone before webhooks were told of them');
      else {
        const lane = event.formId ?? event.document ?? '';
        for (const webhook of webhooks.filter((one) => isFor(one, event))) {
          await deliveries.add({
            id: event.id,
            webhookId: webhook.id,
            lane,
            event: shownEvent(event),
            state: 'pending',
            attemptCount: 0,
            tries: 0,
            attempts: [],
            nextAttemptAt: clock(),
            createdAt: clock(),
            settledAt: null,
          });
          lanes.enqueue(webhook.id, lane, event.id);
        }
      }
    }
    const last = events.at(-1);
    const isDue = webhooks.length > 0 || clock() - this.#committedAt > COMMIT_IDLE_MS;
    if (last === undefined || last.id === '' || !isDue) return;
    await log.commit(FEED_STREAM, CONSUMER, last.id);
    this.#committedAt = clock();
  }

  #reload(webhookId: string, isHurried: boolean): void {
    this.#lanes?.reload(webhookId, isHurried).catch((error: unknown) => {
      this.options.logger.warn({ err: error, webhook: webhookId }, 'deliveries could not be read; it is tried again');
    });
  }

  async #reloadAll(lanes: Lanes): Promise<void> {
    try {
      for (const { id } of await this.options.webhooks.all()) await lanes.reload(id, false);
    } catch (error) {
      this.options.logger.warn({ err: error }, 'deliveries could not be read; it is tried again');
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
