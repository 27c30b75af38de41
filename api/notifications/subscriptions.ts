/** Which forms and threads a user follows or has muted; what a user says of a thread counts before what it says of the form. */
import { z } from 'zod';
import type { RecordKey, RecordStore } from '../../server/storage/record-store.js';

export const SUBSCRIPTION_MODES = ['follow', 'mute'] as const;
export type SubscriptionMode = (typeof SUBSCRIPTION_MODES)[number];

const modeSchema = z.enum(SUBSCRIPTION_MODES);
/** Stands for the form itself; no thread has this id. */
const WHOLE_FORM = '*';

export class Subscriptions {
  constructor(private readonly records: RecordStore) {}

  /** What was said of exactly this form or thread. */
  async get(userId: string, formId: string, threadId?: string): Promise<SubscriptionMode | undefined> {
    const record = await this.records.get(keyOf(userId, formId, threadId));
    return record === undefined ? undefined : modeOf(record.value);
  }

  async set(userId: string, formId: string, threadId: string | undefined, mode: SubscriptionMode): Promise<void> {
    await this.records.put(keyOf(userId, formId, threadId), Buffer.from(mode));
  }

  async remove(userId: string, formId: string, threadId?: string): Promise<void> {
    await this.records.delete(keyOf(userId, formId, threadId));
  }

  /** Of the thread, else of its form. */
  async effective(userId: string, formId: string, threadId?: string): Promise<SubscriptionMode | undefined> {
    const ofThread = threadId === undefined ? undefined : await this.get(userId, formId, threadId);
    return ofThread ?? (await this.get(userId, formId));
  }

  /** Ids of the users who follow the form, or this thread of it. */
  async followers(formId: string, threadId?: string): Promise<string[]> {
    const found = new Set<string>();
    for (const scope of threadId === undefined ? [WHOLE_FORM] : [WHOLE_FORM, threadId]) {
      for await (const { key, value } of this.records.scan(['subscription', formId, scope])) {
        const userId = key[3];
        if (userId !== undefined && modeOf(value) === 'follow') found.add(userId);
      }
    }
    return [...found];
  }

  /** Everything that anybody said of the form, or of one thread of it. */
  async erase(formId: string, threadId?: string): Promise<number> {
    return this.records.erase(threadId === undefined ? ['subscription', formId] : ['subscription', formId, threadId]);
  }
}

const keyOf = (userId: string, formId: string, threadId: string | undefined): RecordKey => [
  'subscription',
  formId,
  threadId ?? WHOLE_FORM,
  userId,
];
const modeOf = (value: Uint8Array): SubscriptionMode => modeSchema.parse(Buffer.from(value).toString());
