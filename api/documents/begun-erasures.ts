/**
 * Erasures are many writes, and the first of them hides what is left: a form that has its tombstone cannot be deleted
 * again, so what a killed process left of it would stay for ever. Their place is the name of the document.
 */
import { z } from 'zod';
import { identityOf, SYSTEM, type Principal } from '../../server/auth/index.js';
import type { BegunWork } from '../../server/duties/index.js';
import { documentKind } from '../../server/protocol/document-name.js';
import type { FormService } from '../forms/service.js';
import type { SubmissionService } from '../submissions/index.js';
import type { DocumentService } from './service.js';

export const erasureSchema = z.object({
  document: z.string(),
  by: z.object({ id: z.string(), name: z.string().optional() }),
});
export type Erasure = z.infer<typeof erasureSchema>;
export type BegunErasures = BegunWork<Erasure>;

export function finishesErasures(features: {
  readonly forms: FormService;
  readonly submissions: SubmissionService;
  readonly documents: DocumentService;
}): (erasure: Erasure) => Promise<void> {
  const { forms, submissions, documents } = features;
  return async ({ document, by }) => {
    const principal: Principal = { ...SYSTEM, ...identityOf(by) };
    const kind = documentKind(document);
    if (kind.kind === 'form') await forms.finishErasure(principal, kind.formId);
    else {
      if (kind.kind === 'submission') await submissions.finishErasure(principal, kind.formId, kind.submissionId);
      await documents.finishErasure(principal, document);
    }
  };
}
