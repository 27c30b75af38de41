/** WebSocket close codes. 44xx are permanent for that token; 10xx mean: come back. */
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

/** True for the codes of ours that say "not you": 1012 and 1013 say nothing against the client. */
export function isPermanent(code: number): boolean {
  return code >= 4400;
}
