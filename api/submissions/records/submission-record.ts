/**
 * What the server knows of a submission beside its sheet. The record decides what state it is in; once it is handed in,
 * its answers stand here and no edit of the sheet reaches them.
 *
 *   in_progress → submitted              by whoever fills it (submit)
 *   in_progress → abandoned              by the server, when nothing happened for a time
 *   abandoned   → in_progress            by whoever takes it up again, where the form allows that
 *   submitted   → processing, rejected   by an editor (status)
 *   processing  → completed, rejected
 */
import { z } from 'zod';
import { jsonSchema } from '../../../crdt/index.js';
import { SUBMISSION_STATUSES, type SubmissionStatus } from '../../../crdt/submission/index.js';
import { Problem } from '../../http/problem.js';
import { deviceSchema } from '../device.js';

export const personSchema = z.object({ id: z.string(), name: z.string().optional() });
const answersSchema = z.record(z.string(), jsonSchema);

export const submissionRecordSchema = z.object({
  id: z.string(),
  formId: z.string(),
  version: z.number(),
  status: z.enum(SUBMISSION_STATUSES),
  /** Times in Unix milliseconds. */
  startedAt: z.number(),
  /** When the status changed last. */
  changedAt: z.number(),
  submittedAt: z.number().nullable(),
  startedBy: personSchema,
  device: deviceSchema.nullable(),
  /** SHA-256 of the resume token. */
  resume: z.string(),
  /** When it is asked whether it was abandoned; null when that is never asked. */
  dueAt: z.number().nullable().default(null),
  /** Digest of the answers that an abandoned sheet was left with: others mean that somebody has come back. */
  left: z.string().nullable().default(null),
  /** From one version of the form to another, oldest first, with the answers that had no place in the new one. */
  migrations: z
    .array(z.object({ from: z.number(), to: z.number(), at: z.number(), by: personSchema, dropped: answersSchema }))
    .default([]),
  /** As they were handed in; null before. */
  final: z.object({ answers: answersSchema, calculated: answersSchema }).nullable(),
  timeline: z.array(
    z.object({ status: z.enum(SUBMISSION_STATUSES), at: z.number(), by: personSchema, note: z.string().nullable() }),
  ),
});
export type SubmissionRecord = z.infer<typeof submissionRecordSchema>;
export type Person = z.infer<typeof personSchema>;

const TRANSITIONS: Readonly<Record<SubmissionStatus, readonly SubmissionStatus[]>> = {
  in_progress: ['submitted', 'abandoned'],
  abandoned: ['in_progress'],
  submitted: ['processing', 'rejected'],
  processing: ['completed', 'rejected'],
  completed: [],
  rejected: [],
};

/** @throws Problem `status_transition_refused` */
export function withStatus(
  record: SubmissionRecord,
  status: SubmissionStatus,
  step: { readonly at: number; readonly by: Person; readonly note: string | null },
): SubmissionRecord {
  const allowed = TRANSITIONS[record.status];
  if (!allowed.includes(status)) {
    const next = allowed.length === 0 ? 'stays so' : `can only become ${allowed.join(' or ')}`;
    throw new Problem('status_transition_refused', `The submission is ${record.status} and ${next}.`);
  }
  return { ...record, status, changedAt: step.at, timeline: [...record.timeline, { status, ...step }] };
}

export const closed = ({ id, status }: Pick<SubmissionRecord, 'id' | 'status'>): Problem =>
  status === 'abandoned'
    ? new Problem(
        'submission_closed',
        `The submission "${id}" was abandoned, and its form lets nobody take it up again.`,
      )
    : new Problem('submission_closed', `The submission "${id}" was handed in; its answers stand.`);
