/** Submissions as REST shows them. */
import type { z } from 'zod';
import { timeOf } from '../http/pages.js';
import type * as schemas from './schemas.js';
import { sheetDocument } from './access/rights.js';
import type { StartedSubmission } from './service.js';
import type { Progress, SubmissionView } from './sheets.js';

export function shown({ record, ...view }: SubmissionView): z.infer<typeof schemas.submissionSchema> {
  const { id, formId, version, status, startedBy, device } = record;
  return {
    id,
    formId,
    document: sheetDocument(formId, id),
    version,
    status,
    startedAt: timeOf(record.startedAt),
    changedAt: timeOf(record.changedAt),
    submittedAt: record.submittedAt === null ? null : timeOf(record.submittedAt),
    startedBy,
    answers: view.answers,
    calculated: view.calculated,
    progress: shownProgress(view.progress),
    errors: [...view.errors],
    device,
    offer: view.offer,
    migrations: record.migrations.map((step) => ({ ...step, at: timeOf(step.at) })),
    timeline: record.timeline.map((step) => ({ ...step, at: timeOf(step.at) })),
  };
}

export const shownProgress = (progress: Progress): z.infer<typeof schemas.progressSchema> => ({
  ...progress,
  updatedAt: timeOf(progress.updatedAt),
});

export function shownStart({ record, ...access }: StartedSubmission): z.infer<typeof schemas.startedSchema> {
  const { id, formId, version, status, startedAt } = record;
  return {
    id,
    formId,
    document: access.document,
    token: access.token,
    expiresAt: access.expiresAt,
    version,
    resumeToken: access.resumeToken,
    status,
    startedAt: timeOf(startedAt),
  };
}
