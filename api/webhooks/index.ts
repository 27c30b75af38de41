/** Webhooks: events on their way to other systems. */
import type { Logger } from 'pino';
import type { EventFeed } from '../../server/events/index.js';
import type { Breakers, DeadLetters } from '../../server/limits/index.js';
import type { Storage } from '../../server/storage/index.js';
import { DeliveryStore } from './delivery/delivery-store.js';
import { Outbox } from './delivery/outbox.js';
import { RETRY_SCHEDULE, type RetrySchedule } from './delivery/retry-schedule.js';
import { WebhookSender } from './delivery/sender.js';
import { WebhookService } from './service.js';
import { WebhookStore } from './webhook-store.js';

export type { RetrySchedule } from './delivery/retry-schedule.js';
export { DEAD_DELIVERY } from './delivery/lanes.js';
export { webhookRoutes } from './routes.js';

export interface WebhooksOptions {
  /** Id of this node. */
  readonly node: string;
  readonly storage: Storage;
  readonly feed: EventFeed;
  /** Of the node: a receiver that fails all the time is left alone for a while. */
  readonly breakers: Breakers;
  readonly deadLetters: Pick<DeadLetters, 'add'>;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  /** Also loopback, private and link-local addresses: for receivers beside the server, and for tests. */
  readonly allowPrivateTargets: boolean;
  readonly schedule?: RetrySchedule | undefined;
}

export interface Webhooks {
  readonly service: WebhookService;
  /** Begins to deliver, as soon as no other node does. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const {
    node,
    storage,
    feed,
    breakers,
    deadLetters,
    logger,
    clock,
    allowPrivateTargets,
    schedule = RETRY_SCHEDULE,
  } = options;
  const { records, events: log, leases, bus } = storage;
  const [webhooks, deliveries] = [new WebhookStore(records), new DeliveryStore(records)];
  const sender = new WebhookSender({ allowPrivateTargets });
  const delivering = { webhooks, deliveries, sender, schedule, breakers, deadLetters, logger, clock };
  const outbox = new Outbox({ node, feed, log, leases, bus, ...delivering });
  return {
    service: new WebhookService({ webhooks, deliveries, outbox, feed, allowPrivateTargets, clock }),
    start: () => outbox.start(),
    close: async () => {
      await outbox.close();
      sender.close();
    },
  };
}
