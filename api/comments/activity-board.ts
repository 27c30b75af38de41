/** What people without a socket are doing at a form right now; in memory, on every node, forgotten after 10 s. */
import type { Logger } from 'pino';
import { z } from 'zod';
import { userSchema } from '../../crdt/comments/index.js';
import { idSchema, newId } from '../../crdt/index.js';
import { ROLES } from '../../server/auth/principal.js';
import type { Bus } from '../../server/storage/bus.js';
import type { Subscription } from '../../server/storage/document-log.js';

export const ACTIVITIES = ['viewing', 'commenting', 'typing', 'idle'] as const;

export const ACTIVITY_SHOWN_MS = 10_000;
const CHANNEL = 'activities';

const postedSchema = z.object({
  user: userSchema,
  role: z.enum(ROLES),
  activity: z.enum(ACTIVITIES),
  threadId: idSchema.nullable(),
});
export type PostedActivity = z.infer<typeof postedSchema>;
const messageSchema = z.object({ from: z.string(), formId: idSchema, posted: postedSchema });

export interface ShownActivity extends PostedActivity {
  /** Unix times in milliseconds: when this user was first shown without a break, and when last heard of. */
  readonly since: number;
  readonly changedAt: number;
}

export interface ActivityBoardOptions {
  readonly bus: Bus;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  readonly logger: Logger;
}

export class ActivityBoard {
  /** The form that was heard of last stands last, and so does each user within it. */
  readonly #forms = new Map<string, Map<string, ShownActivity>>();
  /** Tells our own messages when the bus brings them back. */
  readonly #id = newId();
  #subscription: Subscription | undefined;

  private constructor(private readonly options: ActivityBoardOptions) {}

  /** Hears of what is posted on other nodes from then on. */
  static async open(options: ActivityBoardOptions): Promise<ActivityBoard> {
    const board = new ActivityBoard(options);
    board.#subscription = await options.bus.subscribe(CHANNEL, (message) => board.#onMessage(message));
    return board;
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
  }

  post(formId: string, posted: PostedActivity): void {
    this.#show(formId, posted);
    const { bus, logger } = this.options;
    bus.publish(CHANNEL, Buffer.from(JSON.stringify({ from: this.#id, formId, posted }))).catch((error: unknown) => {
      // Who is still at it posts again within seconds.
      logger.debug({ err: error, formId }, 'an activity could not be told to other nodes');
    });
  }

  #onMessage(message: Uint8Array): void {
    const heard = messageSchema.safeParse(JSON.parse(Buffer.from(message).toString()));
    if (heard.success && heard.data.from !== this.#id) this.#show(heard.data.formId, heard.data.posted);
  }

  /** By the clock of this node: those of others may differ. */
  #show(formId: string, posted: PostedActivity): void {
    const now = this.options.clock();
    const users = this.#forms.get(formId) ?? new Map<string, ShownActivity>();
    const before = users.get(posted.user.id);
    const since = before === undefined || hasEnded(before, now) ? now : before.since;
    users.delete(posted.user.id);
    users.set(posted.user.id, { ...posted, since, changedAt: now });
    this.#forms.delete(formId);
    this.#forms.set(formId, users);
    this.#forget(now);
  }

  /** Those of the last 10 s. */
  activities(formId: string): ShownActivity[] {
    const now = this.options.clock();
    return [...(this.#forms.get(formId)?.values() ?? [])].filter((shown) => !hasEnded(shown, now));
  }

  #forget(now: number): void {
    for (const [formId, users] of this.#forms) {
      for (const [userId, shown] of users) {
        if (!hasEnded(shown, now)) break;
        users.delete(userId);
      }
      if (users.size > 0) break;
      this.#forms.delete(formId);
    }
  }
}

const hasEnded = (shown: ShownActivity, now: number): boolean => now - shown.changedAt >= ACTIVITY_SHOWN_MS;
