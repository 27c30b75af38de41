/**
 * What a principal may do to a document, from its grants alone.
 *
 *   role        read  write              comment  respond  own  administer
 *   viewer       x
 *   commenter    x                         x
 *   respondent   x    (its own sheet)               x
 *   editor       x     x                   x
 *   owner        x     x                   x                x
 *   admin        x     x                   x        x       x    x
 *
 * Which documents a grant covers:
 *   - the exact name, or every name that starts with what stands before a final `*`;
 *   - a grant on `form/x` also on `form/x/comments`, as REST shows the threads of a form to whoever may see the form;
 *   - a grant on `form/x` lets read its answer sheets, and lets an owner erase them, but not write them: that is for
 *     who fills them. A grant that is limited to paths or languages does not: a translator has no business with answers;
 *   - a respondent never sees comments (they are the editors' talk), and sees an answer sheet only by its exact name,
 *     so that `respondent` on `*` opens nobody else's answers; an answer sheet is all it may write. Those that it has started are
 *     added elsewhere (`api/submissions/access/own-sheets.ts`).
 *
 * Nobody writes `form/<id>/comments` over sync, an admin neither: threads are written by the server (`mayWriteOverSync`).
 */
import { documentKind, type DocumentKind } from '../protocol/document-name.js';
import { ROLES, type Action, type Grant, type Principal, type Role } from './principal.js';

const ACTIONS: Readonly<Record<Role, ReadonlySet<Action>>> = {
  viewer: new Set(['read']),
  commenter: new Set(['read', 'comment']),
  respondent: new Set(['read', 'respond', 'write']),
  editor: new Set(['read', 'write', 'comment']),
  owner: new Set(['read', 'write', 'comment', 'own']),
  admin: new Set(['read', 'write', 'comment', 'respond', 'own', 'administer']),
};

/** Limits within a document; an absent member limits nothing. */
export interface Scope {
  readonly paths?: readonly string[];
  readonly languages?: readonly string[];
}

export function can(principal: Principal, document: string, action: Action): boolean {
  const kind = documentKind(document);
  return principal.grants.some((grant) => allows(grant, document, kind, action));
}

/** What a connection needs to know of its principal's rights on its document. */
export interface ConnectionRights {
  readonly role: Role;
  /** Like `mayWriteOverSync`. */
  readonly mayWrite: boolean;
  readonly scope: Scope;
}

/** All at once, since it is asked for every connection; undefined for who may not read the document. */
export function connectionRights({ grants }: Principal, document: string): ConnectionRights | undefined {
  const kind = documentKind(document);
  const reading: Role[] = [];
  const writing: Grant[] = [];
  for (const grant of grants) {
    if (allows(grant, document, kind, 'read')) reading.push(grant.role);
    if (allows(grant, document, kind, 'write')) writing.push(grant);
  }
  const role = strongest(reading);
  if (role === undefined) return undefined;
  return { role, mayWrite: kind.kind !== 'comments' && writing.length > 0, scope: scopeOf(writing) };
}

/** The strongest role that any grant gives on the document; undefined when none covers it. */
export function roleOn(principal: Principal, document: string): Role | undefined {
  const kind = documentKind(document);
  const reading = principal.grants.filter((grant) => allows(grant, document, kind, 'read'));
  return strongest(reading.map(({ role }) => role));
}

/** ROLES is ordered from the strongest. */
function strongest(roles: readonly Role[]): Role | undefined {
  return roles.length <= 1 ? roles[0] : ROLES.find((role) => roles.includes(role));
}

/** Like `can(…, 'write')`, but for updates that a client sends: comment documents are written by the server alone. */
export function mayWriteOverSync(principal: Principal, document: string): boolean {
  return documentKind(document).kind !== 'comments' && can(principal, document, 'write');
}

/**
 * Who works on the document, or looks at it for its own sake: not who merely fills it. A respondent reads the form to
 * know what is asked, and learns nothing about the people behind it (authors, history, figures).
 */
export function seesBackstage(principal: Principal, document: string): boolean {
  const kind = documentKind(document);
  return principal.grants.some((grant) => grant.role !== 'respondent' && allows(grant, document, kind, 'read'));
}

/** True for an admin of everything: the server itself is no document, so a grant on a prefix does not reach it. */
export function mayAdminister(principal: Principal): boolean {
  return principal.grants.some((grant) => grant.document === '*' && grant.role === 'admin');
}

/**
 * To what a writer is limited within the document. Grants are joined as far as that widens nothing:
 * `{paths: [a], languages: [fr]}` and `{paths: [b], languages: [fr]}` give both paths in French, but a grant on a
 * path and another on a language can't be joined, and the stronger (then the earlier) one stands.
 */
export function scopeOn(principal: Principal, document: string): Scope {
  const kind = documentKind(document);
  return scopeOf(principal.grants.filter((grant) => allows(grant, document, kind, 'write')));
}

/** @param writing the grants that let write */
function scopeOf(writing: readonly Grant[]): Scope {
  if (writing.some(isUnlimited)) return {};
  const grants = [...writing].sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role));
  const [first, ...others] = grants;
  if (first === undefined) return {};
  return others.reduce<Scope>(joined, { ...pathsOf(first), ...languagesOf(first) });
}

/** `kind` is the document's, told once for all grants. */
function allows(grant: Grant, document: string, kind: DocumentKind, action: Action): boolean {
  if (!ACTIONS[grant.role].has(action)) return false;
  if (grant.role === 'respondent') {
    if (kind.kind === 'submission') return grant.document === document;
    return kind.kind !== 'comments' && action !== 'write' && covers(grant, document);
  }
  if (covers(grant, document)) return true;
  if (kind.kind === 'comments') return covers(grant, `form/${kind.formId}`);
  if (kind.kind !== 'submission' || !isUnlimited(grant) || !covers(grant, `form/${kind.formId}`)) return false;
  return grant.role === 'admin' || action === 'read' || action === 'own';
}

function covers(grant: Grant, document: string): boolean {
  return grant.document.endsWith('*') ? document.startsWith(grant.document.slice(0, -1)) : document === grant.document;
}

function isUnlimited(grant: Grant): boolean {
  return grant.paths === undefined && grant.languages === undefined;
}

function joined(scope: Scope, other: Scope): Scope {
  if (isSame(scope.languages, other.languages)) return { ...pathsOf(scope, other), ...languagesOf(scope) };
  if (isSame(scope.paths, other.paths)) return { ...pathsOf(scope), ...languagesOf(scope, other) };
  return scope;
}

/** The union of paths; nothing when one of the scopes has all of them. */
function pathsOf(...scopes: Scope[]): Pick<Scope, 'paths'> {
  const paths = scopes.map((scope) => scope.paths);
  return paths.includes(undefined) ? {} : { paths: [...new Set(paths.flatMap((some) => some ?? []))] };
}

function languagesOf(...scopes: Scope[]): Pick<Scope, 'languages'> {
  const languages = scopes.map((scope) => scope.languages);
  return languages.includes(undefined) ? {} : { languages: [...new Set(languages.flatMap((some) => some ?? []))] };
}

function isSame(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((item) => b.includes(item));
}
