/** How each feature erases a document of its own, for whoever knows no more of it than its name. */
import type { FormService } from '../forms/service.js';
import { Problem } from '../http/problem.js';
import type { Notifier } from '../notifications/index.js';
import type { SubmissionService } from '../submissions/index.js';
import type { Erasures } from './service.js';

export function erasuresOf(features: {
  readonly forms: FormService;
  readonly submissions: SubmissionService;
  readonly notifier: Notifier;
}): Erasures {
  const { forms, submissions, notifier } = features;
  return {
    form: async (principal, formId) => {
      const { documents, snapshots } = await forms.erase(principal, formId, undefined);
      const sum = (of: 'updates' | 'bytes'): number => documents.reduce((total, each) => total + each[of], 0);
      return {
        erasedAt: documents[0]?.erasedAt ?? Date.now(),
        ...{ updates: sum('updates'), bytes: sum('bytes'), snapshots },
      };
    },
    submission: (principal, formId, submissionId) =>
      unlessMissing(() => submissions.erase(principal, formId, submissionId, undefined)),
    comments: async (formId) => {
      await notifier.forget({ formId });
    },
  };
}

async function unlessMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem && error.code === 'submission_not_found') return undefined;
    throw error;
  }
}
