/**
 * Steps in the life of submissions that were begun. A step is several writes: the sheet, the record, the event that
 * webhooks wait for. Of one whose process is killed in between this note remains, and `finishing.ts` does the rest.
 *
 *   submission-step, <formId>, <submissionId>, <id>   what is to become of it; deleted when all of it is durable
 */
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import { SUBMISSION_STATUSES } from '../../../crdt/submission/index.js';
import type { RecordKey, RecordStore } from '../../../server/storage/record-store.js';
import { personSchema, type SubmissionRecord } from '../records/submission-record.js';

const stepSchema = z.object({
  status: z.enum(SUBMISSION_STATUSES),
  /** Unix time in milliseconds; with the status it names the step in the timeline of the record. */
  at: z.number(),
  by: personSchema,
});
export type Step = z.infer<typeof stepSchema>;

export interface BegunStep extends Step {
  readonly formId: string;
  readonly submissionId: string;
  readonly key: RecordKey;
}

const STEPS = 'submission-step';

export class BegunSteps {
  /** Ids of those that this process works on. */
  readonly #underWay = new Set<string>();

  constructor(private readonly records: RecordStore) {}

  /** Notes the step, does `work`, and forgets the note. When `work` throws it stays: how far that came is not known. */
  async during<T>({ formId, id }: SubmissionRecord, step: Step, work: () => Promise<T>): Promise<T> {
    const name = uuidv7();
    const key: RecordKey = [STEPS, formId, id, name];
    this.#underWay.add(name);
    try {
      await this.records.put(key, Buffer.from(JSON.stringify(step)));
      const result = await work();
      await this.records.delete(key);
      return result;
    } finally {
      this.#underWay.delete(name);
    }
  }

  /** Those that nobody here works on, from before `before` (Unix time in milliseconds). */
  async *left(before: number): AsyncGenerator<BegunStep> {
    for await (const { key, value } of this.records.scan([STEPS])) {
      const [, formId = '', submissionId = '', name = ''] = key;
      const step = stepSchema.parse(JSON.parse(Buffer.from(value).toString()));
      if (step.at < before && !this.#underWay.has(name)) yield { ...step, formId, submissionId, key };
    }
  }

  async drop({ key }: BegunStep): Promise<void> {
    await this.records.erase(key);
  }

  /** They name people. */
  async erase(formId: string, ...submissionId: [] | [string]): Promise<void> {
    await this.records.erase([STEPS, formId, ...submissionId]);
  }
}
