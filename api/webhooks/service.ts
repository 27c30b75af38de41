/** Webhooks as administrators manage them. Knows no HTTP. */
import { z } from 'zod';
import type { Principal } from '../../server/auth/index.js';
import type { EventFeed } from '../../server/events/index.js';
import { Problem } from '../http/problem.js';
import type { Delivery, DeliveryStore } from './delivery/delivery-store.js';
import type { Outbox } from './delivery/outbox.js';
import { RefusedTargetError, requirePublicHost, resolvesToPrivate } from './delivery/public-targets.js';
import { newSecret } from './delivery/signature.js';
import type { Webhook, WebhookSettings, WebhookStore } from './webhook-store.js';

const deadDeliverySchema = z.object({ delivery: z.string() });
const MAX_WEBHOOKS = 100;
const OLD_SECRET_MS = 24 * 3_600_000;

export interface WebhookServiceOptions {
  readonly webhooks: WebhookStore;
  readonly deliveries: DeliveryStore;
  readonly outbox: Outbox;
  readonly feed: EventFeed;
  readonly allowPrivateTargets: boolean;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export class WebhookService {
  constructor(private readonly options: WebhookServiceOptions) {}

  /** It is told of what happens from now on. @throws Problem `validation_failed`, `conflict` */
  async create(principal: Principal, settings: WebhookSettings): Promise<{ webhook: Webhook; secret: string }> {
    const { webhooks, feed, clock } = this.options;
    await this.#requireTarget(settings.url);
    if ((await webhooks.all()).length >= MAX_WEBHOOKS) {
      throw new Problem('conflict', `There are ${MAX_WEBHOOKS} webhooks already.`);
    }
    const secret = newSecret();
    const webhook = await webhooks.add({
      ...settings,
      secrets: [{ value: secret }],
      after: (await feed.lastId()) ?? '',
      createdAt: clock(),
      createdBy: principal.id,
    });
    return { webhook, secret };
  }

  async list(): Promise<Webhook[]> {
    return this.options.webhooks.all();
  }

  /** @throws Problem `webhook_not_found` */
  async get(id: string): Promise<Webhook> {
    return present(await this.options.webhooks.get(id), id);
  }

  /** What waits is tried at once. @throws Problem `webhook_not_found`, `validation_failed` */
  async replace(
    id: string,
    settings: WebhookSettings,
    rotateSecret: boolean,
  ): Promise<{ webhook: Webhook; secret: string | undefined }> {
    const { webhooks, feed, clock, outbox } = this.options;
    await this.get(id);
    await this.#requireTarget(settings.url);
    const secret = rotateSecret ? newSecret() : undefined;
    const head = (await feed.lastId()) ?? '';
    const now = clock();
    const webhook = await webhooks.change(id, (before) => ({
      ...before,
      ...settings,
      secrets: secret === undefined ? before.secrets : rotated(before, secret, now),
      // What happened while it was not enabled is not for it.
      after: settings.isEnabled && !before.isEnabled ? head : before.after,
    }));
    await outbox.wake(id, true);
    return { webhook: present(webhook, id), secret };
  }

  /** With everything that was for it. @throws Problem `webhook_not_found` */
  async delete(id: string): Promise<void> {
    const { webhooks, deliveries, outbox } = this.options;
    if (!(await webhooks.delete(id))) throw missing(id);
    await deliveries.erase(id);
    await outbox.wake(id, false);
  }

  /** Newest first. @throws Problem `webhook_not_found` */
  async deliveriesOf(
    id: string,
    state: Delivery['state'] | undefined,
    page: { limit: number; cursor: string | null },
  ): Promise<{ data: Delivery[]; nextCursor: string | null }> {
    await this.get(id);
    return this.options.deliveries.list(id, state, page);
  }

  /**
   * Sends it again, or now if it waits; in its place in the order of its document.
   * @throws Problem `webhook_not_found`, `delivery_not_found`
   */
  async replay(id: string, deliveryId: string): Promise<Delivery> {
    const { deliveries, outbox, clock } = this.options;
    await this.get(id);
    for (;;) {
      const stored = await deliveries.get(id, deliveryId);
      if (stored === undefined) {
        throw new Problem('delivery_not_found', `The webhook has no delivery "${deliveryId}".`);
      }
      const next = { ...stored.delivery, state: 'pending' as const, tries: 0, nextAttemptAt: clock(), settledAt: null };
      if ((await deliveries.save(stored, next)) === 'conflict') continue;
      await outbox.wake(id, false);
      return next;
    }
  }

  /**
   * For a dead letter: sends the delivery again if it still is dead, and does nothing if it was replayed meanwhile.
   * @throws Problem `webhook_not_found`, `delivery_not_found`
   */
  async replayDead(letter: { readonly destination: string; readonly body: unknown }): Promise<void> {
    const { delivery: id } = deadDeliverySchema.parse(letter.body);
    const stored = await this.options.deliveries.get(letter.destination, id);
    if (stored === undefined || stored.delivery.state === 'dead') await this.replay(letter.destination, id);
  }

  /** @throws Problem `validation_failed` */
  async #requireTarget(target: string): Promise<void> {
    if (this.options.allowPrivateTargets) return;
    const url = new URL(target);
    const message = 'leads to an address that is not public';
    try {
      requirePublicHost(url);
    } catch (error) {
      if (!(error instanceof RefusedTargetError)) throw error;
      throw new Problem('validation_failed', `url: ${message}`, { errors: [{ path: 'url', message }] });
    }
    if (await resolvesToPrivate(url)) {
      throw new Problem('validation_failed', `url: ${message}`, { errors: [{ path: 'url', message }] });
    }
  }
}

/** The old one goes on for a day, older ones end now. */
function rotated({ secrets }: Webhook, secret: string, now: number): Webhook['secrets'] {
  const [current] = secrets;
  return current === undefined
    ? [{ value: secret }]
    : [{ value: secret }, { value: current.value, endsAt: now + OLD_SECRET_MS }];
}

function present(webhook: Webhook | undefined, id: string): Webhook {
  if (webhook === undefined) throw missing(id);
  return webhook;
}

function missing(id: string): Problem {
  return new Problem('webhook_not_found', `There is no webhook "${id}".`);
}
