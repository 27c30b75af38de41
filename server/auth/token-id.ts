/**
 * Ids of the tokens minted here: `fl_<uuid>_<end>`, the end in milliseconds to base 36. So a revocation by id can be
 * forgotten when its token has ended, without a record for each token that was ever minted.
 */
import { randomUUID } from 'node:crypto';

export function newTokenId(expiresAtMs: number): string {
  return `fl_${randomUUID()}_${expiresAtMs.toString(36)}`;
}

/** Unix time in milliseconds; undefined for a token of another issuer. */
export function endOfMintedToken(jti: string): number | undefined {
  const end = /^fl_[0-9a-f-]{36}_([0-9a-z]{1,10})$/.exec(jti)?.[1];
  return end === undefined ? undefined : Number.parseInt(end, 36);
}
