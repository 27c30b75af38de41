/** What a token says, and the principal that follows from it. */
import { z } from 'zod';
import { ROLES, type Grant, type Principal, type Role } from './principal.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const MAX_GRANTS = 1_000;

/** Id or name of a person: printable, 1 to 128 characters. */
export const identityText = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => !CONTROL.test(text) && text.isWellFormed(), 'has control characters');

export const grantSchema = z.object({
  /** A document name, or a prefix ending in `*`. */
  document: z.string().min(1).max(256),
  role: z.enum(ROLES),
  paths: z.array(z.string().min(1).max(256)).max(MAX_GRANTS).optional(),
  languages: z.array(z.string().min(1).max(35)).max(200).optional(),
});

/** Seconds since 1970, RFC 7519's NumericDate: fractions are allowed. */
const numericDate = z.number().nonnegative();

const claimsSchema = z.object({
  sub: identityText,
  name: identityText.optional(),
  /** Each on every document. An identity provider's own roles may stand among them: they mean nothing here. */
  roles: z.array(z.string()).max(MAX_GRANTS).optional(),
  grants: z.array(grantSchema).max(MAX_GRANTS).optional(),
  /** The organization whose budgets it shares. */
  tenant: identityText.optional(),
  exp: numericDate.optional(),
  iat: numericDate.optional(),
  jti: z.string().min(1).max(256).optional(),
});

/** Undefined when the claims are not such as this server understands. */
export function principalFromClaims(payload: unknown): Principal | undefined {
  const parsed = claimsSchema.safeParse(payload);
  if (!parsed.success) return undefined;
  const { sub, name, roles = [], grants = [], tenant, exp, iat, jti } = parsed.data;
  return {
    id: sub,
    ...(name !== undefined && { name }),
    ...(tenant !== undefined && { tenant }),
    isAnonymous: false,
    grants: [...roles.filter(isRole).map((role) => ({ document: '*', role })), ...grants.map(asGrant)],
    ...(jti !== undefined && { jti }),
    ...(exp !== undefined && { expiresAt: Math.floor(exp * 1_000) }),
    ...(iat !== undefined && { issuedAt: Math.round(iat * 1_000) }),
  };
}

function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

function asGrant({ document, role, paths, languages }: z.infer<typeof grantSchema>): Grant {
  return { document, role, ...(paths !== undefined && { paths }), ...(languages !== undefined && { languages }) };
}
