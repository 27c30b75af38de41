/** Who may do what to submissions. Whoever may see the form reads them; a respondent sees its own alone. */
import { can, roleOn, scopeOn, type Action, type Principal } from '../../../server/auth/index.js';
import { notHere, requireRight } from '../../http/caller.js';
import { Problem } from '../../http/problem.js';

export const sheetDocument = (formId: string, submissionId: string): string =>
  `form/${formId}/submission/${submissionId}`;

/** @throws Problem `submission_not_found` for who may not see it, `forbidden` */
export function requireSheetRight(principal: Principal, formId: string, submissionId: string, action: Action): void {
  requireRight(principal, sheetDocument(formId, submissionId), action, 'submission_not_found');
}

/**
 * Whoever works on what others have handed in: editors of the form, or of the sheet. A respondent writes its sheet, and
 * decides nothing about it.
 * @throws Problem `submission_not_found`, `forbidden`
 */
export function requireReviewer(principal: Principal, formId: string, submissionId: string): void {
  requireSheetRight(principal, formId, submissionId, 'read');
  const { paths, languages } = scopeOn(principal, `form/${formId}`);
  const isEditor = can(principal, `form/${formId}`, 'write') && paths === undefined && languages === undefined;
  const sheet = sheetDocument(formId, submissionId);
  if (isEditor || (can(principal, sheet, 'write') && roleOn(principal, sheet) !== 'respondent')) return;
  throw new Problem('forbidden', 'What becomes of a submission is decided by editors of its form.');
}

/**
 * For lists: whoever can see some sheet of the form gets those that it can see.
 * @throws Problem `form_not_found`, `forbidden`
 */
export function requireSomeSheets(principal: Principal, formId: string): void {
  const prefix = sheetDocument(formId, '');
  const isAnyCovered =
    can(principal, `${prefix}any`, 'read') || principal.grants.some((grant) => grant.document.startsWith(prefix));
  if (isAnyCovered) return;
  if (!can(principal, `form/${formId}`, 'read')) throw notHere('form_not_found', `form/${formId}`);
  throw new Problem('forbidden', `The token does not give the right to read the submissions of "form/${formId}".`);
}
