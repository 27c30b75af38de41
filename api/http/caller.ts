/** Who calls: every route below `/api/v1` has `request.principal`, except those marked `config: { isPublic: true }`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  can,
  credentialsFrom,
  mayAdminister,
  seesBackstage,
  type Action,
  type Authenticator,
  type Principal,
} from '../../server/auth/index.js';
import { Problem, type ProblemCode } from './problem.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined on public routes. */
    caller: Principal | undefined;
  }
  interface FastifyContextConfig {
    /** Answers without a token. */
    readonly isPublic?: boolean;
  }
}

export function addCaller(api: FastifyInstance, authenticator: Authenticator, corsOrigins: readonly string[]): void {
  api.decorateRequest('caller', undefined);
  api.addHook('onRequest', async (request) => {
    // A path that is not there is 404 for everybody.
    if (request.is404 || request.routeOptions.config.isPublic === true) return;
    request.caller = await authenticator.authenticate(credentialsFrom(request.raw, corsOrigins));
  });
}

/** @throws Problem `token_missing` */
export function callerOf(request: FastifyRequest): Principal {
  if (request.caller === undefined) throw new Problem('token_missing', 'A token is needed.');
  return request.caller;
}

/**
 * Who may not even read it learns nothing of its existence.
 * @throws Problem 404 without the right to read, `forbidden` without the right asked for
 */
export function requireRight(principal: Principal, document: string, action: Action, missing: ProblemCode): void {
  if (can(principal, document, action)) return;
  if (!can(principal, document, 'read')) throw notHere(missing, document);
  throw new Problem('forbidden', `The token does not give the right to ${VERBS[action]} "${document}".`);
}

/**
 * For what is known about a document and the people behind it: authors, history, figures.
 * @throws Problem 404 without the right to read, `forbidden` for who merely fills the form
 */
export function requireBackstage(principal: Principal, document: string, missing: ProblemCode): void {
  requireRight(principal, document, 'read', missing);
  if (seesBackstage(principal, document)) return;
  throw new Problem('forbidden', 'Whoever fills a form does not see what is behind it.');
}

const VERBS: Readonly<Record<Action, string>> = {
  read: 'read',
  write: 'change',
  comment: 'comment on',
  respond: 'answer',
  own: 'own',
  administer: 'administer',
};

export function notHere(code: ProblemCode, what: string): Problem {
  return new Problem(code, `There is no "${what}" here for this token.`);
}

/** @throws Problem `forbidden` */
export function requireAdmin(principal: Principal): void {
  if (!mayAdminister(principal)) throw new Problem('forbidden', 'This needs an administrator.');
}
