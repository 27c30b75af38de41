/** Webhooks at rest: `webhook/<id>`. */
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import { isOfType, type FeedEvent } from '../../server/events/index.js';
import type { RecordStore } from '../../server/storage/record-store.js';
import { wants } from '../feed/index.js';

const secretSchema = z.object({
  value: z.string(),
  /** Unix time in milliseconds at which a secret that was replaced signs no longer. */
  endsAt: z.number().optional(),
});
const webhookSchema = z.object({
  id: z.string(),
  url: z.string(),
  description: z.string(),
  /** Exact types and groups such as `form.*`; null: all. */
  types: z.array(z.string()).nullable(),
  /** Null: all forms, and what concerns no form. */
  formIds: z.array(z.string()).nullable(),
  isEnabled: z.boolean(),
  /** The newest first. */
  secrets: z.array(secretSchema),
  /** It is told of events after this one. */
  after: z.string(),
  createdAt: z.number(),
  createdBy: z.string(),
});
export type Webhook = z.infer<typeof webhookSchema>;
export type WebhookSettings = Pick<Webhook, 'url' | 'description' | 'types' | 'formIds' | 'isEnabled'>;

export class WebhookStore {
  constructor(private readonly records: RecordStore) {}

  async add(content: Omit<Webhook, 'id'>): Promise<Webhook> {
    const webhook = { id: uuidv7(), ...content };
    await this.records.put(['webhook', webhook.id], encode(webhook));
    return webhook;
  }

  async get(id: string): Promise<Webhook | undefined> {
    const record = await this.records.get(['webhook', id]);
    return record === undefined ? undefined : decode(record.value);
  }

  /** Oldest first. */
  async all(): Promise<Webhook[]> {
    const webhooks: Webhook[] = [];
    for await (const { value } of this.records.scan(['webhook'])) webhooks.push(decode(value));
    return webhooks;
  }

  /** Undefined when there is none. `change` may run again when another request came first. */
  async change(id: string, change: (webhook: Webhook) => Webhook): Promise<Webhook | undefined> {
    for (;;) {
      const record = await this.records.get(['webhook', id]);
      if (record === undefined) return undefined;
      const changed = change(decode(record.value));
      const put = await this.records.put(['webhook', id], encode(changed), { ifVersion: record.version });
      if (put !== 'conflict') return changed;
    }
  }

  /** False when there was none. */
  async delete(id: string): Promise<boolean> {
    return (await this.records.erase(['webhook', id])) > 0;
  }
}

export function isFor({ types, formIds, after, isEnabled }: Webhook, event: FeedEvent): boolean {
  if (!isEnabled || event.id <= after) return false;
  if (types !== null && !types.some((type) => isOfType(event.type, type))) return false;
  if (formIds !== null && (event.formId === undefined || !formIds.includes(event.formId))) return false;
  return event.type !== 'notification.created' || wants(event, 'webhook');
}

/** Those that sign now, the newest first. */
export function signingSecrets({ secrets }: Webhook, now: number): string[] {
  return secrets.filter(({ endsAt }) => endsAt === undefined || endsAt > now).map(({ value }) => value);
}

const encode = (webhook: Webhook): Buffer => Buffer.from(JSON.stringify(webhook));
const decode = (value: Uint8Array): Webhook => webhookSchema.parse(JSON.parse(Buffer.from(value).toString()));
