/** What a user wants to hear about, where, and when not. */
import { z } from 'zod';
import type { RecordStore } from '../../server/storage/record-store.js';

export const REASONS = ['mention', 'reply', 'assigned', 'resolved', 'published', 'alert'] as const;
export type Reason = (typeof REASONS)[number];

export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** `inbox`: the list of notifications; `live`: the event feed; `webhook`: the hooks of the operator. */
export const CHANNELS = ['inbox', 'live', 'webhook'] as const;
export type Channel = (typeof CHANNELS)[number];

const switchesSchema = z.strictObject({
  inbox: z.boolean().default(true),
  live: z.boolean().default(true),
  webhook: z.boolean().default(true),
});
const on = { inbox: true, live: true, webhook: true };

const timeOfDay = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'a time of day such as 22:00');
const timeZone = z.string().max(64).refine(isTimeZone, 'a time zone of the IANA database such as Europe/Paris');

export const quietHoursSchema = z.strictObject({
  from: timeOfDay,
  to: timeOfDay.describe('Before `from`: on the next day. Equal to it: the whole day.'),
  timeZone: timeZone.default('UTC'),
});
export type QuietHours = z.infer<typeof quietHoursSchema>;

export const settingsSchema = z
  .strictObject({
    reasons: z
      .strictObject({
        mention: switchesSchema.default(on),
        reply: switchesSchema.default(on),
        assigned: switchesSchema.default(on),
        resolved: switchesSchema.default(on),
        published: switchesSchema.default(on),
        alert: switchesSchema.default(on),
      })
      .default({ mention: on, reply: on, assigned: on, resolved: on, published: on, alert: on }),
    quietHours: quietHoursSchema.nullable().default(null),
  })
  .meta({ id: 'NotificationSettings' });
export type Settings = z.infer<typeof settingsSchema>;

export class SettingsStore {
  constructor(private readonly records: RecordStore) {}

  /** Everything on and no quiet hours for who never chose. */
  async get(userId: string): Promise<Settings> {
    const record = await this.records.get(['notification-settings', userId]);
    return settingsSchema.parse(record === undefined ? {} : JSON.parse(Buffer.from(record.value).toString()));
  }

  async put(userId: string, settings: Settings): Promise<void> {
    await this.records.put(['notification-settings', userId], Buffer.from(JSON.stringify(settings)));
  }
}

/** Where a notification goes: during quiet hours to the inbox alone, unless it is urgent. */
export function channelsFor(settings: Settings, reason: Reason, priority: Priority, at: number): Channel[] {
  const switches = settings.reasons[reason];
  const isHushed = priority !== 'urgent' && settings.quietHours !== null && isQuiet(settings.quietHours, at);
  return CHANNELS.filter((channel) => switches[channel] && (channel === 'inbox' || !isHushed));
}

/** @param at Unix time in milliseconds */
export function isQuiet({ from, to, timeZone }: QuietHours, at: number): boolean {
  const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone });
  const now = clock.format(at);
  // Times of one form compare as text.
  return from < to ? from <= now && now < to : now >= from || now < to;
}

function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
