/** Who may do what to the threads of a form. */
import { can, type Action, type Principal } from '../../server/auth/index.js';
import { notHere } from '../http/caller.js';
import { Problem } from '../http/problem.js';

export const commentsDocument = (formId: string): string => `form/${formId}/comments`;

/**
 * The rights on the form, or on its comments alone. A respondent sees the form and none of its threads.
 * @throws Problem `form_not_found` for who may see neither, `forbidden`
 */
export function requireThreadRight(principal: Principal, formId: string, action: Action): void {
  const form = `form/${formId}`;
  const document = commentsDocument(formId);
  if (can(principal, document, action)) return;
  if (!can(principal, form, 'read') && !can(principal, document, 'read')) throw notHere('form_not_found', form);
  throw new Problem('forbidden', `The token does not give the right to ${VERBS[action]} the threads of "${form}".`);
}

const VERBS: Readonly<Record<Action, string>> = {
  read: 'read',
  comment: 'comment in',
  own: 'delete',
  write: 'change',
  respond: 'answer in',
  administer: 'administer',
};
