/**
 * Deliveries on their way: one lane per webhook and document, one delivery of a lane at a time.
 *
 *   2xx                delivered; the next of the lane goes
 *   410                the receiver is gone: the webhook is disabled (Standard Webhooks), the delivery dead
 *   anything else      waits and tries again, the rest of the lane behind it; after the last try it is dead, and the
 *                      next one goes
 *   many failures      the breaker of the webhook opens: tries fail without a request, and one at a time asks again
 *   a success          lanes of the same webhook that wait for their next try go at once, once a minute each: a receiver
 *                      that is back is told of everything soon
 *
 * Lives as long as this node holds the lease. Everything here can be rebuilt from the store.
 */
import type { Logger } from 'pino';
import type { Breakers, DeadLetters } from '../../../server/limits/index.js';
import type { Delivery, DeliveryStore, StoredDelivery } from './delivery-store.js';
import { waitAfter, type RetrySchedule } from './retry-schedule.js';
import type { Outcome, WebhookSender } from './sender.js';
import { signedHeaders } from './signature.js';
import { TargetBreakers } from './target-breaker.js';
import { signingSecrets, type Webhook, type WebhookStore } from '../webhook-store.js';

export interface LanesOptions {
  readonly webhooks: WebhookStore;
  readonly deliveries: DeliveryStore;
  readonly sender: WebhookSender;
  readonly schedule: RetrySchedule;
  readonly breakers: Breakers;
  /** Told of deliveries that are given up. */
  readonly deadLetters: Pick<DeadLetters, 'add'>;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

interface Lane {
  readonly webhookId: string;
  /** Ids of events, in order; and the same as a set. */
  queue: string[];
  readonly known: Set<string>;
  timer: NodeJS.Timeout | undefined;
  isRunning: boolean;
  /** Does not wait for the time of the next try. */
  isHurried: boolean;
  hurriedAt: number;
}

const PARALLEL_PER_WEBHOOK = 8;
const HURRY_EVERY_MS = 60_000;
/** When the store itself fails. */
const STORE_RETRY_MS = 1_000;
/** Queue and kind of the dead letter of a delivery. */
export const DEAD_DELIVERY = 'webhook';
const LONGEST_TIMER_MS = 60 * 60_000;

export class Lanes {
  /** By webhook, then by lane. */
  readonly #webhooks = new Map<string, Map<string, Lane>>();
  readonly #running = new Map<string, number>();
  readonly #work = new Set<Promise<void>>();
  readonly #targets: TargetBreakers;

  constructor(
    private readonly options: LanesOptions,
    /** Aborted when this node is no longer the one that delivers. */
    private readonly signal: AbortSignal,
  ) {
    this.#targets = new TargetBreakers(options.breakers, options.schedule);
  }

  enqueue(webhookId: string, laneName: string, eventId: string): void {
    const lane = this.#lane(webhookId, laneName);
    if (!lane.known.has(eventId)) {
      const last = lane.queue.at(-1);
      lane.known.add(eventId);
      lane.queue.push(eventId);
      // A replay, or what another node left behind.
      if (last !== undefined && last > eventId) lane.queue.sort();
    }
    this.#advance(lane);
  }

  /** Takes up everything that waits in the store for this webhook. */
  async reload(webhookId: string, isHurried: boolean): Promise<void> {
    if (isHurried) this.#targets.forget(webhookId);
    for (const { id, lane } of await this.options.deliveries.pending(webhookId)) this.enqueue(webhookId, lane, id);
    for (const lane of this.#webhooks.get(webhookId)?.values() ?? []) {
      clearTimeout(lane.timer);
      lane.timer = undefined;
      lane.isHurried ||= isHurried;
      this.#advance(lane);
    }
  }

  /** Resolves when nothing is under way any more; call it after the signal is aborted. */
  async settled(): Promise<void> {
    for (const lanes of this.#webhooks.values()) for (const { timer } of lanes.values()) clearTimeout(timer);
    await Promise.all(this.#work);
  }

  #lane(webhookId: string, name: string): Lane {
    let lanes = this.#webhooks.get(webhookId);
    if (lanes === undefined) this.#webhooks.set(webhookId, (lanes = new Map<string, Lane>()));
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = {
        webhookId,
        queue: [],
        known: new Set(),
        timer: undefined,
        isRunning: false,
        isHurried: false,
        hurriedAt: -Infinity,
      };
      lanes.set(name, lane);
    }
    return lane;
  }

  #advance(lane: Lane): void {
    if (this.signal.aborted || lane.isRunning || lane.timer !== undefined || lane.queue.length === 0) return;
    const running = this.#running.get(lane.webhookId) ?? 0;
    // One that ends calls those that wait.
    if (running >= PARALLEL_PER_WEBHOOK) return;
    this.#running.set(lane.webhookId, running + 1);
    lane.isRunning = true;
    const work = this.#run(lane).finally(() => {
      this.#work.delete(work);
      lane.isRunning = false;
      this.#running.set(lane.webhookId, (this.#running.get(lane.webhookId) ?? 1) - 1);
      this.#advanceAll(lane.webhookId);
    });
    this.#work.add(work);
  }

  #advanceAll(webhookId: string): void {
    const lanes = this.#webhooks.get(webhookId);
    if (lanes === undefined) return;
    for (const [name, lane] of lanes) {
      const isDone = lane.queue.length === 0 && !lane.isRunning && lane.timer === undefined;
      if (isDone && this.options.clock() - lane.hurriedAt > HURRY_EVERY_MS) lanes.delete(name);
      else this.#advance(lane);
    }
  }

  /** One delivery, so that lanes take turns. */
  async #run(lane: Lane): Promise<void> {
    const { webhooks, deliveries, logger, clock } = this.options;
    const { webhookId } = lane;
    const [id] = lane.queue;
    if (id === undefined) return;
    try {
      const stored = await deliveries.get(webhookId, id);
      if (stored?.delivery.state !== 'pending') {
        await deliveries.forget(webhookId, id);
        remove(lane, id);
        return;
      }
      const webhook = await webhooks.get(webhookId);
      if (webhook === undefined) {
        lane.queue = [];
        lane.known.clear();
        this.#targets.forget(webhookId);
        // Handed out while it was deleted.
        await deliveries.erase(webhookId);
        return;
      }
      // `reload` comes when it is enabled again.
      if (!webhook.isEnabled) {
        this.#wait(lane, LONGEST_TIMER_MS);
        return;
      }
      const waitMs = (stored.delivery.nextAttemptAt ?? 0) - clock();
      if (waitMs > 0 && !lane.isHurried) {
        this.#wait(lane, waitMs);
        return;
      }
      lane.isHurried = false;
      await this.#attempt(lane, webhook, stored);
    } catch (error) {
      if (this.signal.aborted) return;
      logger.error({ err: error, webhook: webhookId, delivery: id }, 'a delivery could not be worked on');
      this.#wait(lane, STORE_RETRY_MS);
    }
  }

  async #attempt(lane: Lane, webhook: Webhook, stored: StoredDelivery): Promise<void> {
    const { deliveries, sender, clock } = this.options;
    const { delivery } = stored;
    const body = JSON.stringify(delivery.event);
    const at = clock();
    const headers = signedHeaders(`msg_${delivery.id}`, at, body, signingSecrets(webhook, at));
    const outcome = await this.#targets.attempt(webhook.id, this.signal, () =>
      sender.post(webhook.url, headers, body, this.signal),
    );
    // Cut off in the middle by the end of the lease: the next holder sends it again.
    if (this.signal.aborted && outcome.status === undefined) return;
    const next = after(delivery, outcome, at, clock(), this.options.schedule);
    if ((await deliveries.save(stored, next)) === 'conflict') return;
    if (next.state !== 'pending') remove(lane, delivery.id);
    if (next.state === 'delivered') this.#hurry(webhook.id);
    else if (next.nextAttemptAt !== null) this.#wait(lane, next.nextAttemptAt - clock());
    if (next.state === 'dead') await this.#onDead(webhook, next, outcome);
  }

  async #onDead(webhook: Webhook, { id, tries, event }: Delivery, outcome: Outcome): Promise<void> {
    const { logger, webhooks } = this.options;
    logger.warn({ webhook: webhook.id, delivery: id, event: event.type, tries }, 'a delivery is dead');
    this.options.deadLetters.add({
      ...{ queue: DEAD_DELIVERY, kind: DEAD_DELIVERY, destination: webhook.id, reason: 'failed', attempts: tries },
      ...(event.formId === undefined ? {} : { document: `form/${event.formId}` }),
      error: outcome.status === undefined ? outcome.error : `HTTP ${outcome.status}`,
      body: { delivery: id, event: event.type },
    });
    if (outcome.status !== 410) return;
    logger.warn({ webhook: webhook.id }, 'the receiver says that it is gone for good; the webhook is disabled');
    await webhooks.change(webhook.id, (current) => ({ ...current, isEnabled: false }));
  }

  #wait(lane: Lane, ms: number): void {
    if (this.signal.aborted) return;
    clearTimeout(lane.timer);
    lane.timer = setTimeout(
      () => {
        lane.timer = undefined;
        this.#advance(lane);
      },
      Math.min(Math.max(ms, 1), LONGEST_TIMER_MS),
    );
    lane.timer.unref();
  }

  /** The receiver answers: who waits for a next try need not. */
  #hurry(webhookId: string): void {
    const now = this.options.clock();
    for (const lane of this.#webhooks.get(webhookId)?.values() ?? []) {
      if (lane.timer === undefined || now - lane.hurriedAt < HURRY_EVERY_MS) continue;
      lane.hurriedAt = now;
      lane.isHurried = true;
      clearTimeout(lane.timer);
      lane.timer = undefined;
      this.#advance(lane);
    }
  }
}

/** Not always the first: an older one may have come meanwhile. */
function remove(lane: Lane, id: string): void {
  lane.known.delete(id);
  if (lane.queue[0] === id) lane.queue.shift();
  else lane.queue = lane.queue.filter((other) => other !== id);
}

/** @param at when the attempt began, @param now when it ended; Unix time in milliseconds */
function after(delivery: Delivery, outcome: Outcome, at: number, now: number, schedule: RetrySchedule): Delivery {
  const { status = null } = outcome;
  const error = outcome.status === undefined ? outcome.error : null;
  const tries = delivery.tries + 1;
  const tried = {
    ...delivery,
    tries,
    attemptCount: delivery.attemptCount + 1,
    attempts: [...delivery.attempts, { at, ms: now - at, status, error }],
  };
  if (status !== null && status >= 200 && status < 300) {
    return { ...tried, state: 'delivered', nextAttemptAt: null, settledAt: now };
  }
  if (status === 410 || tries >= schedule.maxTries)
    return { ...tried, state: 'dead', nextAttemptAt: null, settledAt: now };
  const askedMs = outcome.status === undefined ? undefined : outcome.retryAfterMs;
  return { ...tried, nextAttemptAt: now + waitAfter(tries, schedule, askedMs) };
}
