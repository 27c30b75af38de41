/** Who is asking, as every part of the server sees it. Made by `authenticator.ts`, never elsewhere. */

export const ROLES = ['admin', 'owner', 'editor', 'commenter', 'viewer', 'respondent'] as const;
export type Role = (typeof ROLES)[number];

export interface Grant {
  /** A document name, or a prefix ending in `*`. */
  readonly document: string;
  readonly role: Role;
  /** Limits an editor to these targets (`fields/<id>` …). */
  readonly paths?: readonly string[];
  /** Limits an editor to texts in these languages. */
  readonly languages?: readonly string[];
}

export interface Principal {
  readonly id: string;
  readonly name?: string;
  /** The organization whose budgets it shares. */
  readonly tenant?: string;
  /** True without a token under AUTH=off: identity is not proven. */
  readonly isAnonymous: boolean;
  readonly grants: readonly Grant[];
  /** Token id, when there is a token. */
  readonly jti?: string;
  /** Unix time in milliseconds at which the token ends. */
  readonly expiresAt?: number;
  /** Unix time in milliseconds at which the token was issued. */
  readonly issuedAt?: number;
}

/** What others see and what is kept of who did something. */
export function identityOf({ id, name }: { readonly id: string; readonly name?: string | undefined }): {
  id: string;
  name?: string;
} {
  return name === undefined ? { id } : { id, name };
}

/** Who does what the server does of its own accord. */
export const SYSTEM: Principal = { id: 'system', isAnonymous: false, grants: [] };

/** What a caller may do to a document. */
export type Action = 'read' | 'write' | 'comment' | 'respond' | 'own' | 'administer';
