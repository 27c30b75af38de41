/** Who changed what through the API, kept in the event log. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { z } from 'zod';
import { identityOf, type Principal } from '../../server/auth/index.js';
import type { EventLog } from '../../server/storage/event-log.js';

const STREAM = 'audit';
const entrySchema = z.object({
  at: z.number(),
  user: z.object({ id: z.string(), name: z.string().optional() }),
  action: z.string(),
  details: z.record(z.string(), z.unknown()),
});
export type AuditEntry = z.infer<typeof entrySchema> & { readonly id: string };

export interface AuditFilter {
  /** Id of a user. */
  readonly user?: string | undefined;
  /** `form.published`, or a group such as `form.*`. */
  readonly action?: string | undefined;
  /** Unix time in milliseconds; `until` is exclusive. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Whether a request has written an entry of its own: then the one that every request gets is not needed. */
export interface AuditScope {
  isRecorded: boolean;
}

const PAGE = 500;

export class AuditLog {
  readonly #scopes = new AsyncLocalStorage<AuditScope>();

  constructor(
    private readonly events: EventLog,
    private readonly clock: () => number,
  ) {}

  /** Durable when it resolves. No secret belongs in `details`. */
  async record(principal: Principal, action: string, details: Readonly<Record<string, unknown>>): Promise<void> {
    const user = identityOf(principal);
    const scope = this.#scopes.getStore();
    if (scope !== undefined) scope.isRecorded = true;
    await this.events.append(STREAM, [{ at: this.clock(), user, action, details }]);
  }

  /** Runs `work` so that what is recorded in it is noted in `scope`. */
  within(scope: AuditScope, work: () => void): void {
    this.#scopes.run(scope, work);
  }

  /** Newest first. */
  async list(
    filter: AuditFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<{ data: AuditEntry[]; nextCursor: string | null }> {
    const data: AuditEntry[] = [];
    let before = page.cursor;
    for (;;) {
      const events = await this.events.range(STREAM, {
        reverse: true,
        limit: PAGE,
        ...(before === null ? {} : { before }),
      });
      for (const event of events) {
        const entry = { id: event.id, ...entrySchema.parse(event.data) };
        if (filter.since !== undefined && entry.at < filter.since) return { data, nextCursor: null };
        if (!fits(entry, filter)) continue;
        if (data.length === page.limit) return { data, nextCursor: data.at(-1)?.id ?? null };
        data.push(entry);
      }
      const last = events.at(-1);
      if (last === undefined || events.length < PAGE) return { data, nextCursor: null };
      before = last.id;
    }
  }
}

function fits({ at, user, action }: AuditEntry, filter: AuditFilter): boolean {
  if (filter.until !== undefined && at >= filter.until) return false;
  if (filter.user !== undefined && user.id !== filter.user) return false;
  if (filter.action === undefined) return true;
  return filter.action.endsWith('.*') ? action.startsWith(filter.action.slice(0, -1)) : action === filter.action;
}
