/** Does the rest of steps that a killed process began: nobody who waits for their events is left waiting. */
import type { Logger } from 'pino';
import { readSheetMeta } from '../../../crdt/submission/index.js';
import type { FeedEvent } from '../../../server/events/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import { DocumentErasedError } from '../../../server/storage/errors.js';
import { Problem } from '../../http/problem.js';
import { sheetDocument } from '../access/rights.js';
import { eventTypeOf, type Announcements } from '../announcements.js';
import type { Person, SubmissionRecord } from '../records/submission-record.js';
import type { SubmissionStore } from '../records/submission-store.js';
import type { BegunStep, BegunSteps } from './begun-steps.js';
import type { SheetLifeCycle } from './life-cycle.js';

export interface FinishingOptions {
  readonly steps: BegunSteps;
  readonly rooms: Rooms;
  readonly store: SubmissionStore;
  readonly lifeCycle: SheetLifeCycle;
  readonly announcements: Announcements;
  /** What was told since then (Unix time in milliseconds), newest first. */
  readonly toldSince: (time: number) => AsyncIterable<FeedEvent>;
  readonly logger: Logger;
  readonly submit: (by: Person, formId: string, submissionId: string) => Promise<unknown>;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

/** Clocks of nodes and of the store are not further apart. */
const SKEW_MS = 60_000;
/** What cannot be finished for so long is not finished any more. */
const GIVEN_UP_MS = 3_600_000;

export class Finishing {
  constructor(private readonly options: FinishingOptions) {}

  /** @param ageMs how long ago a step has begun that no living process works on any more */
  async run(ageMs: number, signal: AbortSignal): Promise<void> {
    const { steps, clock } = this.options;
    for await (const step of steps.left(clock() - ageMs)) {
      if (signal.aborted) return;
      if (await this.#isSettled(step)) await steps.drop(step);
    }
  }

  /** False when it is to be tried again. */
  async #isSettled(step: BegunStep): Promise<boolean> {
    try {
      await this.#finish(step);
      return true;
    } catch (error) {
      if (error instanceof Problem || error instanceof DocumentErasedError) return true;
      const isGivenUp = step.at < this.options.clock() - GIVEN_UP_MS;
      const facts = { err: error, submission: step.submissionId, status: step.status, isGivenUp };
      this.options.logger.warn(facts, 'a step of a submission that was left cannot be finished');
      return isGivenUp;
    }
  }

  async #finish(step: BegunStep): Promise<void> {
    const { store, lifeCycle, announcements } = this.options;
    const stored = await store.get(step.formId, step.submissionId);
    if (stored === undefined) return;
    const { record } = stored;
    if (record.timeline.some(({ status, at }) => status === step.status && at === step.at)) {
      await lifeCycle.showStatus(record);
      if (!(await this.#isTold(step)))
        await announcements.statusChanged({ ...record, status: step.status }, step.by.id);
    } else if (step.status === 'submitted' && record.status === 'in_progress' && (await this.#isFrozen(record))) {
      await this.#submit(step);
    }
  }

  /** What was checked and frozen is handed in. When it may not be any more, whoever fills it can go on. */
  async #submit({ by, formId, submissionId }: BegunStep): Promise<void> {
    try {
      await this.options.submit(by, formId, submissionId);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await this.options.lifeCycle.showStatus({ formId, id: submissionId });
    }
  }

  #isFrozen({ formId, id }: SubmissionRecord): Promise<boolean> {
    return this.options.rooms.read(sheetDocument(formId, id), (doc) => readSheetMeta(doc).status === 'submitted');
  }

  async #isTold({ submissionId, status, at }: BegunStep): Promise<boolean> {
    for await (const { type, data } of this.options.toldSince(at - SKEW_MS)) {
      if (type !== eventTypeOf(status)) continue;
      if (data['submissionId'] === submissionId && data['status'] === status) return true;
    }
    return false;
  }
}
