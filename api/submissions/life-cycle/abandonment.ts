/** Looks for sheets that nobody works on any more: on one node at a time, a lease says which. */
import type { Logger } from 'pino';
import { rest, Terms } from '../../../server/duties/index.js';
import type { Leases } from '../../../server/storage/leases.js';
import { Problem } from '../../http/problem.js';
import type { DueSubmission, SubmissionStore } from '../records/submission-store.js';
import type { SheetLifeCycle } from './life-cycle.js';

const SWEEP_MS = 30_000;
const PAGE = 500;

export interface AbandonmentOptions {
  /** Id of this node. */
  readonly node: string;
  readonly leases: Leases;
  readonly store: SubmissionStore;
  readonly lifeCycle: SheetLifeCycle;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  /** Between two sweeps. */
  readonly everyMs?: number | undefined;
}

export class Abandonment {
  readonly #terms: Terms;

  constructor(private readonly options: AbandonmentOptions) {
    const { node, leases, logger } = options;
    this.#terms = new Terms({ duty: 'abandonment', node, leases, logger, run: (signal) => this.#run(signal) });
  }

  start(): void {
    this.#terms.start();
  }

  close(): Promise<void> {
    return this.#terms.close();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { logger, everyMs = SWEEP_MS } = this.options;
    while (!signal.aborted) {
      try {
        await this.#sweep(signal);
      } catch (error) {
        logger.warn({ err: error }, 'abandoned submissions could not be looked for; it is tried again');
      }
      await rest(everyMs, signal);
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.options;
    for (;;) {
      const due = await store.due(clock(), PAGE);
      let settled = 0;
      for (const each of due) {
        if (signal.aborted) return;
        if (await this.#ask(each)) settled += 1;
      }
      // Those that stay are asked again in the next sweep.
      if (due.length < PAGE || settled === 0) return;
    }
  }

  /** @returns whether it is off the list */
  async #ask(due: DueSubmission): Promise<boolean> {
    const { store, lifeCycle, logger } = this.options;
    const stored = await store.get(due.formId, due.id);
    if (stored?.record.dueAt !== due.dueAt || stored.record.status !== 'in_progress') {
      await store.dropDue(due);
      return true;
    }
    try {
      return await lifeCycle.ask(stored);
    } catch (error) {
      // Its sheet was erased by itself, or its version: nobody works on it, and nobody can.
      if (error instanceof Problem) await store.dropDue(due);
      else logger.warn({ err: error, submission: due.id }, 'a submission cannot be asked whether it was abandoned');
      return error instanceof Problem;
    }
  }
}
