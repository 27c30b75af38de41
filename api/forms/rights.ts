/** Who may do what to a form over REST. */
import type { FastifyRequest } from 'fastify';
import type { Action, Principal } from '../../server/auth/index.js';
import { callerOf, requireBackstage, requireRight } from '../http/caller.js';

/** A request about one form. */
export type FormRequest = FastifyRequest & { readonly params: { readonly formId: string } };

/**
 * Who asks, having the right to the form that the path names.
 * @param action `read`: what is asked in the form, for respondents too; `view`: also how it is made, and by whom
 * @throws Problem `token_missing`, `form_not_found`, `forbidden`
 */
export function formCaller(request: FormRequest, action: Action | 'view'): Principal {
  const principal = callerOf(request);
  const document = `form/${request.params.formId}`;
  if (action === 'view') requireBackstage(principal, document, 'form_not_found');
  else requireRight(principal, document, action, 'form_not_found');
  return principal;
}
