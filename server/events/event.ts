/**
 * What happened, as the event feed tells it and as it lies in the log.
 *
 * Events hold ids, never content: what a form or a comment says would outlive its erasure here.
 */
import { z } from 'zod';
import type { LoggedEvent } from '../storage/event-log.js';

export const storedEventSchema = z.object({
  /** Such as `form.changed`. */
  type: z.string(),
  /** Unix time in milliseconds at which it happened. */
  time: z.number(),
  formId: z.string().optional(),
  /** Who did it; of a notification, whom it is for. */
  userId: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
  /** Only who may read this document hears of it. Without one, and without a recipient: administrators alone. */
  document: z.string().optional(),
  /** Whose it is, who hears of it without the right to read the document: of a submission, who started it. */
  owner: z.string().optional(),
  /** Only this user hears of it. */
  recipient: z.string().optional(),
});

export type StoredEvent = z.infer<typeof storedEventSchema>;
/** `id` is ordered: compare as strings. */
export type FeedEvent = StoredEvent & { readonly id: string };
/** Happens now, unless it says when. */
export type NewEvent = Readonly<Omit<StoredEvent, 'time'>> & { readonly time?: number };

export function eventFrom({ id, data }: LoggedEvent): FeedEvent {
  return { id, ...storedEventSchema.parse(data) };
}

/** Stands before the first event of any log. */
export const FEED_START = '0';

/**
 * Figures that are worth nothing once the next ones are there. They go to whoever names their type, and lie in no log:
 * every ten seconds from each node would be most of what 24 hours hold.
 */
const EPHEMERAL: ReadonlySet<string> = new Set(['system.health']);
export const isEphemeral = (type: string): boolean => EPHEMERAL.has(type);

/** Tells a consumer that it missed something, and that it must read the lists again. Never in the log. */
export const GAP = 'feed.gap';
/** `expired`: asked for what is no longer kept; `unknown`: this feed never had that id; `slow`: fell too far behind. */
export type GapReason = 'expired' | 'unknown' | 'slow';

/** Where facts are handed in. */
export interface EventPublisher {
  /** Resolves when the event is durable, an ephemeral one when this node's listeners have it. Never rejects: what happened has happened, so a failure is logged. */
  publish(event: NewEvent): Promise<void>;
}

/** What tells of edits: after the durable append, from whichever door they came. */
export interface FeedSource {
  /** Returns at once and never throws; `form.changed` follows within a second. Ignores documents that are no form. */
  formChanged(document: string, userId: string): void;
}
