/**
 * Steps in the life of submissions are several writes: the sheet, the record, the event that webhooks wait for. What a
 * killed process left of one is done here, so that nobody who waits for the event is left waiting.
 */
import { z } from 'zod';
import { readSheetMeta, SUBMISSION_STATUSES } from '../../../crdt/submission/index.js';
import type { BegunWork } from '../../../server/duties/index.js';
import type { FeedEvent } from '../../../server/events/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import { DocumentErasedError } from '../../../server/storage/errors.js';
import { Problem } from '../../http/problem.js';
import { sheetDocument } from '../access/rights.js';
import { eventTypeOf, type Announcements } from '../announcements.js';
import { personSchema, type Person, type SubmissionRecord } from '../records/submission-record.js';
import type { SubmissionStore } from '../records/submission-store.js';
import type { SheetLifeCycle } from './life-cycle.js';

/** What is to become of a submission; its place is `<formId>, <submissionId>`. */
export const stepSchema = z.object({
  status: z.enum(SUBMISSION_STATUSES),
  /** Unix time in milliseconds; with the status it names the step in the timeline of the record. */
  at: z.number(),
  by: personSchema,
});
export type Step = z.infer<typeof stepSchema>;
export type Steps = BegunWork<Step>;

export interface FinishingOptions {
  readonly rooms: Rooms;
  readonly store: SubmissionStore;
  readonly lifeCycle: SheetLifeCycle;
  readonly announcements: Announcements;
  /** What was told since then (Unix time in milliseconds), newest first. */
  readonly toldSince: (time: number) => AsyncIterable<FeedEvent>;
  readonly submit: (by: Person, formId: string, submissionId: string) => Promise<unknown>;
}

/** Clocks of nodes and of the store are not further apart. */
const SKEW_MS = 60_000;

export class Finishing {
  constructor(private readonly options: FinishingOptions) {}

  async finish(step: Step, [formId = '', id = '']: readonly string[]): Promise<void> {
    const stored = await this.options.store.get(formId, id);
    if (stored === undefined) return;
    try {
      await this.#finish(step, stored.record);
    } catch (error) {
      // Erased meanwhile, by itself or with its form.
      if (!(error instanceof Problem || error instanceof DocumentErasedError)) throw error;
    }
  }

  async #finish(step: Step, record: SubmissionRecord): Promise<void> {
    const { lifeCycle, announcements } = this.options;
    if (record.timeline.some(({ status, at }) => status === step.status && at === step.at)) {
      await lifeCycle.showStatus(record);
      if (await this.#isTold(step, record)) return;
      await announcements.statusChanged({ ...record, status: step.status }, step.by.id);
    } else if (step.status === 'submitted' && record.status === 'in_progress' && (await this.#isFrozen(record))) {
      await this.#submit(step, record);
    }
  }

  /** What was checked and frozen is handed in. When it may not be any more, whoever fills it can go on. */
  async #submit({ by }: Step, record: SubmissionRecord): Promise<void> {
    try {
      await this.options.submit(by, record.formId, record.id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await this.options.lifeCycle.showStatus(record);
    }
  }

  #isFrozen({ formId, id }: SubmissionRecord): Promise<boolean> {
    return this.options.rooms.read(sheetDocument(formId, id), (doc) => readSheetMeta(doc).status === 'submitted');
  }

  async #isTold({ status, at }: Step, { id }: SubmissionRecord): Promise<boolean> {
    for await (const { type, data } of this.options.toldSince(at - SKEW_MS)) {
      if (type !== eventTypeOf(status)) continue;
      if (data['submissionId'] === id && data['status'] === status) return true;
    }
    return false;
  }
}
