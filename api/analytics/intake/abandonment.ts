/** Sheets that nobody works on any more. Looked for once a minute, by the node that counts. */
import type { Logger } from 'pino';
import type { FactLog } from '../../../server/analytics/index.js';
import { rest } from '../../../server/duties/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import { sheetDocument } from '../../submissions/rights.js';
import type { DueSheet, SheetStates } from './sheet-states.js';

const SWEEP_MS = 60_000;
const PAGE_DUE = 500;
const PAGE_FACTS = 1_000;

export interface AbandonmentOptions {
  readonly facts: FactLog;
  readonly states: SheetStates;
  readonly rooms: Pick<Rooms, 'info'>;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  readonly abandonAfterMs: number;
}

export class Abandonment {
  constructor(private readonly options: AbandonmentOptions) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.sweep();
      } catch (error) {
        this.options.logger.warn({ err: error }, 'abandoned sheets could not be looked for; it is tried again');
      }
      await rest(SWEEP_MS, signal);
    }
  }

  async sweep(): Promise<void> {
    const { states, clock } = this.options;
    for (;;) {
      const due = await states.due(clock(), PAGE_DUE);
      for (const sheet of due) await this.#ask(sheet);
      if (due.length < PAGE_DUE) return;
    }
  }

  async #ask(due: DueSheet): Promise<void> {
    const { facts, states, rooms, clock, abandonAfterMs } = this.options;
    const { formId, submissionId } = due;
    const state = await states.get(formId, submissionId);
    if (state?.dueAt !== due.dueAt) return states.dropDue(due);
    const info = await rooms.info(sheetDocument(formId, submissionId));
    const lastAt = Math.max(state.lastAt, info?.changedAt ?? 0);
    if (lastAt + abandonAfterMs > clock()) {
      await states.update(formId, submissionId, (now) =>
        now.dueAt === due.dueAt ? { ...now, lastAt, dueAt: lastAt + abandonAfterMs } : undefined,
      );
      return states.dropDue(due);
    }
    const mark = state.abandonedAfter ?? (await facts.lastId(formId)) ?? '0';
    // The mark first: whoever comes back to it after a crash sees by the facts since whether it was told.
    const marked = await states.update(formId, submissionId, (now) =>
      now.dueAt === due.dueAt ? { ...now, abandonedAfter: mark } : undefined,
    );
    if (marked.dueAt !== due.dueAt) return states.dropDue(due);
    if (!(await this.#isTold(formId, state.alias, mark))) {
      const { page, field } = state;
      const place = { ...(page === undefined ? {} : { page }), ...(field === undefined ? {} : { field }) };
      await facts.append(formId, [{ type: 'abandon', at: clock(), sheet: state.alias, ...place }]);
    }
    await states.update(formId, submissionId, (now) =>
      now.dueAt === due.dueAt ? { ...now, dueAt: null, abandonedAfter: mark } : undefined,
    );
    await states.dropDue(due);
  }

  async #isTold(formId: string, sheet: string, after: string): Promise<boolean> {
    for (let from = after; ;) {
      const page = await this.options.facts.after(formId, from, PAGE_FACTS);
      if (page.some(({ fact }) => fact.type === 'abandon' && fact.sheet === sheet)) return true;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_FACTS) return false;
      from = last.id;
    }
  }
}
