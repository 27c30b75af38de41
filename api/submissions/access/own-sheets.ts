/**
 * Whoever started a submission has its sheet, under each of their tokens: who logs in elsewhere goes on there. What a token
 * grants does not tell; the record of the submission does.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { can, type Principal } from '../../../server/auth/index.js';
import { documentKind } from '../../../server/protocol/document-name.js';
import type { SubmissionStore } from '../records/submission-store.js';
import { sheetDocument } from './rights.js';

/**
 * Whether what this principal starts is theirs under each of their tokens. Not of a token that was given for a sheet: it stays
 * one for that sheet, and may have been passed on.
 */
export function hasOwnSheets(principal: Principal, formId: string): boolean {
  if (principal.isAnonymous || !can(principal, `form/${formId}`, 'respond')) return false;
  const sheets = sheetDocument(formId, '');
  return !principal.grants.some(({ document }) => document.startsWith(sheets));
}

export class OwnSheets {
  constructor(private readonly store: Pick<SubmissionStore, 'get'>) {}

  /** The principal, with the right to fill `document` if that is a sheet of theirs that the token does not open by itself. */
  async withOwn(principal: Principal, document: string): Promise<Principal> {
    const kind = documentKind(document);
    if (kind.kind !== 'submission' || can(principal, document, 'read')) return principal;
    const { formId, submissionId } = kind;
    if (!hasOwnSheets(principal, formId)) return principal;
    const stored = await this.store.get(formId, submissionId);
    if (stored?.record.startedBy.id !== principal.id) return principal;
    return { ...principal, grants: [...principal.grants, { document, role: 'respondent' }] };
  }
}

/** Routes with a `:submissionId`, and those of documents. After the caller is known. */
export function addOwnSheets(api: FastifyInstance, own: OwnSheets): void {
  api.addHook('onRequest', async (request) => {
    const document = sheetIn(request);
    if (document === undefined || request.caller === undefined) return;
    request.caller = await own.withOwn(request.caller, document);
  });
}

function sheetIn({ params }: FastifyRequest): string | undefined {
  if (typeof params !== 'object' || params === null) return undefined;
  if ('name' in params && typeof params.name === 'string') return params.name;
  if (!('formId' in params && 'submissionId' in params)) return undefined;
  return sheetDocument(String(params.formId), String(params.submissionId));
}
