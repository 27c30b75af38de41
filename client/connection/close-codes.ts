/** Why a connection ended, and whether coming back makes sense. The table is in docs/protocol.md. */
export const CLOSE = {
  malformed: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  deleted: 4404,
  irreconcilable: 4409,
  tooLarge: 4413,
  rateExceeded: 4429,
  restart: 1012,
  overloaded: 1013,
} as const;

/**
 * 44xx are final for this token and this data. 4429 alone is about time and not about either. A fresh token may
 * answer 4401: the connection tries that once before it takes the code as final.
 */
export function isPermanent(code: number): boolean {
  return code >= 4400 && code < 4500 && code !== CLOSE.rateExceeded;
}
