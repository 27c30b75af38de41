/** Access tokens for one answer sheet. */
import {
  AuthenticationError,
  can,
  MintingUnavailableError,
  type Authenticator,
  type Principal,
} from '../../../server/auth/index.js';
import { hasOwnSheets } from './own-sheets.js';
import { sheetDocument } from './rights.js';
import type { SubmissionRecord } from '../records/submission-record.js';

export interface Access {
  readonly document: string;
  /** Null where the caller's own token opens the sheet and this server has no secret to sign another. */
  readonly token: string | null;
  /** RFC 3339, UTC; null without a token. */
  readonly expiresAt: string | null;
}

/** Long enough to fill a form at a stretch; then the resume token gives a fresh one. */
const TTL_SECONDS = 12 * 3_600;

export class SheetAccess {
  constructor(private readonly authenticator: Authenticator) {}

  /**
   * For who started the submission: the sheet by its exact name, and the form, to know what is asked.
   * @param caller whose own rights will do where no token can be signed; who asks without a token when there is none
   * @throws MintingUnavailableError
   */
  async open({ formId, id, startedBy }: SubmissionRecord, caller?: Principal): Promise<Access> {
    const document = sheetDocument(formId, id);
    try {
      const { token, expiresAt } = await this.authenticator.mint({
        sub: startedBy.id,
        ...(startedBy.name === undefined ? {} : { name: startedBy.name }),
        grants: [
          { document, role: 'respondent' },
          { document: `form/${formId}`, role: 'respondent' },
        ],
        ttlSeconds: TTL_SECONDS,
      });
      return { document, token, expiresAt };
    } catch (error) {
      if (!(error instanceof MintingUnavailableError)) throw error;
      const principal = caller ?? (await this.#anybody(error));
      const isOwn = principal.id === startedBy.id && hasOwnSheets(principal, formId);
      if (!isOwn && !can(principal, document, 'write')) throw error;
      return { document, token: null, expiresAt: null };
    }
  }

  /** Who needs no token has all rights, with AUTH=off; otherwise there is nobody. */
  async #anybody(reason: MintingUnavailableError): Promise<Principal> {
    try {
      return await this.authenticator.authenticate({});
    } catch (error) {
      throw error instanceof AuthenticationError ? reason : error;
    }
  }
}
