/**
 * What stands before every connection, over whichever transport: name, turn, identity, right and admission are settled
 * before anything is queued or loaded.
 */
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { KeysUnavailableError } from '../auth/errors.js';
import type { Principal } from '../auth/principal.js';
import { connectionRights, type ConnectionRights } from '../auth/rights.js';
import type { ConnectionAdmission, ConnectionRequest } from '../limits/index.js';
import { Repeats } from '../observability/index.js';
import { CLOSE } from '../protocol/close-codes.js';
import { documentNameFromPath, DocumentNameError } from '../protocol/document-name.js';
import type { SecurityFacts } from '../system-events/security-facts.js';
import type { Refusal } from './refusal.js';

/** What a request carries for authentication. */
export interface Credentials {
  readonly token?: string;
  readonly userHint?: string;
}

export interface EntranceOptions {
  readonly authenticator: { authenticate(credentials: Credentials): Promise<Principal> };
  readonly logger: Logger;
  /** `facts`: who is behind it, where it has an author. */
  readonly counters: { errors(type: string, facts?: SecurityFacts): void };
  /** False on a node that has no documents open for editors (ROLE=api). */
  readonly isServing: boolean;
  credentials(request: IncomingMessage): Credentials;
  address(request: IncomingMessage): string;
  /** The principal, with what is theirs for another reason than a grant of their token. */
  withOwn(principal: Principal, document: string): Promise<Principal>;
  /** Before authentication: a handshake costs work. Resolves when it is this one's turn. */
  awaitTurn(
    address: string,
    isGone: () => boolean,
  ): Promise<{ readonly mayGoOn: boolean; readonly retryAfterSeconds: number }>;
  admit(request: ConnectionRequest): ConnectionAdmission;
}

/** Who it is and what it may; or the close code with which the opened connection is to be closed. */
export type Verdict =
  | { readonly closeWith: undefined; readonly rights: ConnectionRights; readonly principal: Principal }
  | {
      readonly closeWith: { readonly code: number; readonly reason: string };
      readonly rights: undefined;
      readonly principal: Principal | undefined;
    };

/** Holds a place in a pool: whoever gets it releases `admission` when the connection is gone, or never came. */
export interface Entry {
  readonly document: string;
  readonly address: string;
  readonly verdict: Verdict;
  readonly admission: Extract<ConnectionAdmission, { admitted: true }>;
  readonly wantsExtras: boolean;
}

/** For nobody. */
const GONE = { refusal: { status: 503, code: 'overloaded', detail: 'The caller went away.' } } as const;
/** An identity provider that restarts is back within seconds; clients come back by themselves. */
const KEYS_RETRY_SECONDS = 5;

export class Entrance {
  #isShut = false;
  readonly #repeats = new Repeats();

  constructor(private readonly options: EntranceOptions) {}

  get isShut(): boolean {
    return this.#isShut;
  }

  /** Nobody comes in any more. */
  shut(): void {
    this.#isShut = true;
  }

  /**
   * @param path `/<document>` or `/sync/<document>`, as it was sent, without the query
   * @param isGone true when the caller went away meanwhile: it takes no place then, and the answer is for nobody
   */
  async enter(request: IncomingMessage, path: string, isGone: () => boolean): Promise<Entry | { refusal: Refusal }> {
    const { options } = this;
    if (!options.isServing) {
      const detail = 'This node has ROLE=api: it serves REST alone.';
      return { refusal: { status: 421, code: 'wrong_role', detail } };
    }
    let document: string;
    try {
      document = documentNameFromPath(path);
    } catch (error) {
      if (!(error instanceof DocumentNameError)) throw error;
      return { refusal: { status: 400, code: error.code, detail: error.message } };
    }
    const address = options.address(request);
    if (this.#isShut) return this.#overloaded(1);
    const turn = await options.awaitTurn(address, isGone);
    if (isGone()) return GONE;
    if (!turn.mayGoOn) {
      options.counters.errors('handshake_rate', { address, document });
      return this.#overloaded(turn.retryAfterSeconds);
    }
    const verdict = await this.#authorize(request, document, address);
    if (verdict === 'cannot tell now') {
      const detail = 'Tokens cannot be verified now.';
      return {
        refusal: { status: 503, code: 'keys_unavailable', detail, retryAfterSeconds: KEYS_RETRY_SECONDS },
      };
    }
    if (isGone()) return GONE;
    // Read again: it may have been shut during the waits. Nothing waits from here on.
    if (this.#isShut as boolean) return this.#overloaded(1);
    const admission = options.admit({
      document,
      role: verdict.rights?.role,
      user: userOf(verdict.principal),
      tenant: verdict.principal?.tenant,
      address,
      headers: request.headers,
    });
    if (!admission.admitted) {
      if (admission.because === 'full') return this.#overloaded(admission.retryAfterSeconds);
      options.counters.errors('connection_limit', { address, document, userId: verdict.principal?.id });
      const { retryAfterSeconds, reason } = admission;
      return {
        refusal: { status: 429, code: 'rate_limited', detail: `Come back later: ${reason}.`, retryAfterSeconds },
      };
    }
    return { document, address, verdict, admission, wantsExtras: asksForExtras(request.url) };
  }

  #overloaded(retryAfterSeconds: number): { refusal: Refusal } {
    this.options.counters.errors('admission_refused');
    const detail = 'There is no room for another connection now.';
    return { refusal: { status: 503, code: 'overloaded', detail, retryAfterSeconds } };
  }

  async #authorize(request: IncomingMessage, document: string, address: string): Promise<Verdict | 'cannot tell now'> {
    const { authenticator, logger, counters } = this.options;
    let principal: Principal;
    try {
      principal = await authenticator.authenticate(this.options.credentials(request));
    } catch (error) {
      if (error instanceof KeysUnavailableError) {
        // Everybody who comes meanwhile meets it.
        const repeated = this.#repeats.leftOut(error.code);
        if (repeated !== undefined) logger.warn({ err: error, repeated }, 'tokens cannot be verified');
        counters.errors('keys_unavailable');
        return 'cannot tell now';
      }
      const code = errorCode(error);
      if (code === undefined) throw error;
      counters.errors('authentication', { address, document, detail: code });
      const reason = error instanceof Error ? error.message : code;
      return { closeWith: { code: CLOSE.unauthenticated, reason }, rights: undefined, principal: undefined };
    }
    let rights = connectionRights(principal, document);
    if (rights === undefined) {
      principal = await this.options.withOwn(principal, document);
      rights = connectionRights(principal, document);
    }
    if (rights === undefined) {
      counters.errors('authorization', { address, document, userId: principal.id });
      return { closeWith: { code: CLOSE.forbidden, reason: 'no right to this document' }, rights, principal };
    }
    return { closeWith: undefined, rights, principal };
  }
}

/** Without a token everybody who gives no name is `anonymous`: that is nobody's budget. */
function userOf(principal: Principal | undefined): string | undefined {
  return principal === undefined || (principal.isAnonymous && principal.name === undefined) ? undefined : principal.id;
}

/** The path of a request target, without resolving `..`: a document name is checked as it was sent. */
export function pathOf(target: string | undefined): string {
  return target?.split('?', 1)[0] ?? '/';
}

function asksForExtras(target: string | undefined): boolean {
  const start = target?.indexOf('?') ?? -1;
  return start !== -1 && new URLSearchParams(target?.slice(start + 1)).get('sdk') === '1';
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'AuthenticationError') return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
