/** Administrative actions: who did what to what, kept in the event log. */
import { z } from 'zod';
import type { Principal } from '../../server/auth/index.js';
import type { EventLog } from '../../server/storage/event-log.js';

const STREAM = 'audit';
const entrySchema = z.object({
  at: z.number(),
  user: z.object({ id: z.string(), name: z.string().optional() }),
  action: z.string(),
  details: z.record(z.string(), z.unknown()),
});
export type AuditEntry = z.infer<typeof entrySchema> & { readonly id: string };

export class AuditLog {
  constructor(
    private readonly events: EventLog,
    private readonly clock: () => number,
  ) {}

  /** Durable when it resolves. No secret belongs in `details`. */
  async record(principal: Principal, action: string, details: Readonly<Record<string, unknown>>): Promise<void> {
    const user = principal.name === undefined ? { id: principal.id } : { id: principal.id, name: principal.name };
    await this.events.append(STREAM, [{ at: this.clock(), user, action, details }]);
  }

  /** Newest first. */
  async list(page: {
    limit: number;
    cursor: string | null;
  }): Promise<{ data: AuditEntry[]; nextCursor: string | null }> {
    const events = await this.events.range(STREAM, {
      reverse: true,
      limit: page.limit + 1,
      ...(page.cursor === null ? {} : { before: page.cursor }),
    });
    const data = events.slice(0, page.limit).map((event) => ({ id: event.id, ...entrySchema.parse(event.data) }));
    return { data, nextCursor: events.length > page.limit ? (data[data.length - 1]?.id ?? null) : null };
  }
}
