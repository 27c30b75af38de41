/**
 * Fields whose answer no two submissions of a form may share (`validation.unique`). A value is claimed before its
 * submission is handed in, by a write that only one can win.
 */
import type { FieldJson, FormJson, Json } from '../../../crdt/index.js';
import { isBlank, sheetFields, type AnswerIssue, type AnswerValues } from '../../../crdt/submission/index.js';
import type { SubmissionStore } from './submission-store.js';

/** @returns the answers that somebody else has given; nothing is claimed then. */
export async function claimUnique(
  store: SubmissionStore,
  form: FormJson,
  submissionId: string,
  answers: AnswerValues,
): Promise<AnswerIssue[]> {
  const claimed: [FieldJson, Json][] = [];
  const taken: AnswerIssue[] = [];
  for (const [field, value] of uniqueAnswers(form, answers)) {
    if (await store.claim(form.id, field.id, value, submissionId)) claimed.push([field, value]);
    else
      taken.push({
        field: field.id,
        path: `answers.${field.id}`,
        code: 'unique',
        message: 'was given in another submission',
      });
  }
  if (taken.length > 0)
    for (const [field, value] of claimed) await store.release(form.id, field.id, value, submissionId);
  return taken;
}

export async function releaseUnique(
  store: SubmissionStore,
  form: FormJson,
  submissionId: string,
  answers: AnswerValues,
): Promise<void> {
  for (const [field, value] of uniqueAnswers(form, answers))
    await store.release(form.id, field.id, value, submissionId);
}

/** Texts that differ in case or in blanks around them alone are one. */
function uniqueAnswers(form: FormJson, answers: AnswerValues): [FieldJson, Json][] {
  return sheetFields(form).flatMap((field): [FieldJson, Json][] => {
    const value = answers[field.id];
    if (field.validation.unique !== true || value === undefined || isBlank(value)) return [];
    return [[field, typeof value === 'string' ? value.trim().toLowerCase() : value]];
  });
}
