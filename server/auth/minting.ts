import { createSecretKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { ZodError } from 'zod';
import type { Grant } from './principal.js';
import { newTokenId } from './token-id.js';

export interface TokenRequest {
  readonly sub: string;
  readonly name?: string;
  readonly tenant?: string;
  readonly grants: readonly Grant[];
  /** 1 second to 10 years. */
  readonly ttlSeconds: number;
}

export interface MintedToken {
  readonly token: string;
  readonly jti: string;
  /** RFC 3339, UTC. */
  readonly expiresAt: string;
}

export const MAX_TTL_SECONDS = 10 * 366 * 86_400;

/** Node takes 16 KiB of headers, and a browser sends others beside the token. */
const MAX_MINTED_LENGTH = 12 * 1024;

export class Mint {
  readonly #key: KeyObject;

  constructor(
    secret: string,
    private readonly clock: () => number,
  ) {
    this.#key = createSecretKey(Buffer.from(secret));
  }

  /**
   * @param issuedAfter Unix time in milliseconds that the token must be younger than: a revocation of the subject.
   * @throws RangeError for a lifetime out of bounds; ZodError when the grants make a token that no request can carry.
   */
  async mint(request: TokenRequest, issuedAfter: number | undefined): Promise<MintedToken> {
    const { sub, name, tenant, grants, ttlSeconds } = request;
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS) {
      throw new RangeError(`ttlSeconds must be an integer from 1 to ${MAX_TTL_SECONDS}`);
    }
    const issuedAt = Math.max(this.clock(), (issuedAfter ?? -Infinity) + 1);
    // Whole seconds for `exp`, as many libraries expect; milliseconds for `iat`, so that a token minted right after
    // a revocation is told from those before it.
    const expiresAtSeconds = Math.floor(issuedAt / 1_000) + ttlSeconds;
    const jti = newTokenId(expiresAtSeconds * 1_000);
    const token = await new SignJWT({
      ...(name !== undefined && { name }),
      ...(tenant !== undefined && { tenant }),
      grants: [...grants],
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer('formloom')
      .setSubject(sub)
      .setJti(jti)
      .setIssuedAt(issuedAt / 1_000)
      .setExpirationTime(expiresAtSeconds)
      .sign(this.#key);
    if (token.length > MAX_MINTED_LENGTH) {
      const message = `make a token of ${token.length} characters; at most ${MAX_MINTED_LENGTH} fit into a request. A prefix ending in * covers many documents`;
      throw new ZodError([{ code: 'custom', path: ['grants'], message, input: undefined }]);
    }
    return { token, jti, expiresAt: new Date(expiresAtSeconds * 1_000).toISOString() };
  }
}
