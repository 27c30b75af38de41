/**
 * Deliveries at rest: what goes to whom, and what became of it.
 *
 *   webhook-delivery/<webhookId>/<eventId>   the delivery; settled ones are kept for 7 days, dead ones for 30
 *   webhook-pending/<webhookId>/<eventId>    its lane; there as long as it waits. Written first and deleted last, so that
 *                                            after a crash it may be there without need, but is never missing
 */
import { z } from 'zod';
import type { RecordStore } from '../../../server/storage/record-store.js';
import { shownEventSchema } from '../../feed/index.js';

const DAY_MS = 24 * 3_600_000;
const DELIVERED_KEPT_MS = 7 * DAY_MS;
const DEAD_KEPT_MS = 30 * DAY_MS;
const KEPT_ATTEMPTS = 20;

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const;
const attemptSchema = z.object({
  at: z.number(),
  ms: z.number(),
  status: z.number().nullable(),
  error: z.string().nullable(),
});
const deliverySchema = z.object({
  /** Id of its event. */
  id: z.string(),
  webhookId: z.string(),
  /** Within a lane one after the other: a form, a document, or `` for everything else. */
  lane: z.string(),
  event: shownEventSchema,
  state: z.enum(DELIVERY_STATES),
  /** All there ever were, and those since it was last begun. */
  attemptCount: z.number(),
  tries: z.number(),
  /** The last 20. */
  attempts: z.array(attemptSchema),
  nextAttemptAt: z.number().nullable(),
  createdAt: z.number(),
  settledAt: z.number().nullable(),
});
export type Delivery = z.infer<typeof deliverySchema>;
export type Attempt = z.infer<typeof attemptSchema>;

export interface StoredDelivery {
  readonly delivery: Delivery;
  readonly version: string;
}

export class DeliveryStore {
  constructor(private readonly records: RecordStore) {}

  /** Does nothing when it is there already: an event may be handed out again after a crash. */
  async add(delivery: Delivery): Promise<void> {
    const { webhookId, id, lane } = delivery;
    await this.records.put(['webhook-pending', webhookId, id], Buffer.from(lane));
    await this.records.put(['webhook-delivery', webhookId, id], encode(delivery), { ifVersion: null });
  }

  async get(webhookId: string, id: string): Promise<StoredDelivery | undefined> {
    const record = await this.records.get(['webhook-delivery', webhookId, id]);
    return record === undefined ? undefined : { delivery: decode(record.value), version: record.version };
  }

  /** 'conflict' when somebody else changed it meanwhile: read it again. */
  async save({ version }: StoredDelivery, next: Delivery): Promise<'saved' | 'conflict'> {
    const { webhookId, id, state, settledAt, lane } = next;
    if (state === 'pending') await this.records.put(['webhook-pending', webhookId, id], Buffer.from(lane));
    const expiry =
      settledAt === null ? {} : { expiresAt: settledAt + (state === 'dead' ? DEAD_KEPT_MS : DELIVERED_KEPT_MS) };
    const content = encode({ ...next, attempts: next.attempts.slice(-KEPT_ATTEMPTS) });
    const put = await this.records.put(['webhook-delivery', webhookId, id], content, { ifVersion: version, ...expiry });
    if (put === 'conflict') {
      // Its webhook was deleted meanwhile, and with it what waited: nobody would look for this again.
      if (state === 'pending' && (await this.get(webhookId, id)) === undefined) await this.forget(webhookId, id);
      return 'conflict';
    }
    if (state !== 'pending') await this.forget(webhookId, id);
    return 'saved';
  }

  /** It waits no longer. */
  async forget(webhookId: string, id: string): Promise<void> {
    await this.records.delete(['webhook-pending', webhookId, id]);
  }

  /** What waits, in order. */
  async pending(webhookId: string): Promise<{ id: string; lane: string }[]> {
    const found: { id: string; lane: string }[] = [];
    for await (const { key, value } of this.records.scan(['webhook-pending', webhookId])) {
      found.push({ id: key[2] ?? '', lane: Buffer.from(value).toString() });
    }
    return found;
  }

  /** Newest first. */
  async list(
    webhookId: string,
    state: Delivery['state'] | undefined,
    page: { limit: number; cursor: string | null },
  ): Promise<{ data: Delivery[]; nextCursor: string | null }> {
    const data: Delivery[] = [];
    const after = page.cursor === null ? {} : { after: ['webhook-delivery', webhookId, page.cursor] as const };
    for await (const { value } of this.records.scan(['webhook-delivery', webhookId], { ...after, reverse: true })) {
      const delivery = decode(value);
      if (state !== undefined && delivery.state !== state) continue;
      if (data.length === page.limit) return { data, nextCursor: data.at(-1)?.id ?? null };
      data.push(delivery);
    }
    return { data, nextCursor: null };
  }

  async erase(webhookId: string): Promise<void> {
    await this.records.erase(['webhook-pending', webhookId]);
    await this.records.erase(['webhook-delivery', webhookId]);
  }
}

const encode = (delivery: Delivery): Buffer => Buffer.from(JSON.stringify(delivery));
const decode = (value: Uint8Array): Delivery => deliverySchema.parse(JSON.parse(Buffer.from(value).toString()));
