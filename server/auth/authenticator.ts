/**
 * Who is calling? The only maker of principals.
 *
 *   AUTH=jwt   ADMIN_TOKEN or a verified token, else AuthenticationError
 *   AUTH=off   the same where it verifies; everybody else is anonymous, with all rights: loopback only
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Bus } from '../storage/bus.js';
import type { RecordStore } from '../storage/record-store.js';
import { grantSchema, identityText, principalFromClaims } from './claims.js';
import { AuthenticationError, KeysUnavailableError, MintingUnavailableError } from './errors.js';
import { Mint, type MintedToken, type TokenRequest } from './minting.js';
import type { Principal } from './principal.js';
import { Revocations, type Revocation, type RevocationTarget } from './revocations.js';
import { TokenKeys } from './token-keys.js';

export interface AuthenticatorOptions {
  readonly mode: 'off' | 'jwt';
  readonly jwtSecret?: string | undefined;
  readonly jwtPublicKey?: string | undefined;
  readonly jwksUrl?: string | undefined;
  readonly adminToken?: string | undefined;
  readonly records: RecordStore;
  readonly bus: Bus;
  readonly logger: Logger;
  /** Unix time in milliseconds. */
  readonly clock?: () => number;
  /** How often revocations are read again, for messages that the bus has lost. */
  readonly refreshEveryMs?: number;
}

export interface Credentials {
  readonly token?: string;
  /** Who an anonymous caller says it is (`?user=`, `X-User`); counts under AUTH=off alone. */
  readonly userHint?: string;
}

export interface Authenticator {
  /** Loads revocations and listens for new ones; before it, nobody is authenticated. */
  start(): Promise<void>;
  /** @throws AuthenticationError; KeysUnavailableError when JWKS_URL does not answer. */
  authenticate(credentials: Credentials): Promise<Principal>;
  /** @throws MintingUnavailableError without a JWT_SECRET; RangeError or ZodError for a wrong request. */
  mint(request: TokenRequest): Promise<MintedToken>;
  /** Resolves when it is durable. Every node and live socket knows within a second. */
  revoke(target: RevocationTarget): Promise<void>;
  isRevoked(principal: Principal): boolean;
  /** Answers how to stop listening. Each revocation is told once on every node, whichever node it was made on. */
  onRevoked(listener: (revocation: Revocation) => void): () => void;
  close(): Promise<void>;
}

/** Node takes 16 KiB of headers. */
const MAX_TOKEN_LENGTH = 16 * 1024;
const CACHED_TOKENS = 10_000;
/** A key that was withdrawn from JWKS_URL counts no longer than this. */
const CACHE_MS = 60_000;

const EVERYTHING = [{ document: '*', role: 'admin' }] as const;
/** One object for all: who gives no name is the same principal on every connection. */
const ANONYMOUS: Principal = { id: 'anonymous', isAnonymous: true, grants: EVERYTHING };

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  return new TokenAuthenticator(options);
}

class TokenAuthenticator implements Authenticator {
  readonly #clock: () => number;
  readonly #keys: TokenKeys;
  readonly #mint: Mint | undefined;
  readonly #adminDigest: Buffer | undefined;
  readonly #revocations: Revocations;
  /** By digest, so that no token lies in memory longer than its request. */
  readonly #verified = new LRUCache<string, { readonly principal: Principal; readonly until: number }>({
    max: CACHED_TOKENS,
  });

  constructor(private readonly options: AuthenticatorOptions) {
    const { jwtSecret, jwtPublicKey, jwksUrl, adminToken, records, bus, logger, refreshEveryMs } = options;
    this.#clock = options.clock ?? Date.now;
    this.#keys = new TokenKeys({
      ...(jwtSecret !== undefined && { secret: jwtSecret }),
      ...(jwtPublicKey !== undefined && { publicKey: jwtPublicKey }),
      ...(jwksUrl !== undefined && { jwksUrl }),
    });
    this.#mint = jwtSecret === undefined ? undefined : new Mint(jwtSecret, this.#clock);
    this.#adminDigest = adminToken === undefined ? undefined : digest(adminToken);
    this.#revocations = new Revocations({
      records,
      bus,
      logger,
      clock: this.#clock,
      ...(refreshEveryMs !== undefined && { refreshEveryMs }),
    });
  }

  async start(): Promise<void> {
    await this.#revocations.start();
  }

  async authenticate({ token, userHint }: Credentials): Promise<Principal> {
    if (token === undefined || token === '') return this.#withoutToken(userHint);
    try {
      return await this.#withToken(token);
    } catch (error) {
      if (this.options.mode === 'jwt') throw error;
      if (!(error instanceof AuthenticationError || error instanceof KeysUnavailableError)) throw error;
      // With AUTH=off a token gives no right that its bearer would not have anyway.
      return this.#withoutToken(userHint);
    }
  }

  #withoutToken(userHint: string | undefined): Principal {
    if (this.options.mode === 'jwt') throw new AuthenticationError('token_missing', 'A token is needed.');
    // Nothing is parsed where nothing was said: a failed parse costs as much as the rest of the entrance.
    const hint = userHint === undefined ? undefined : identityText.safeParse(userHint).data;
    if (hint === undefined) return ANONYMOUS;
    return { id: hint, name: hint, isAnonymous: true, grants: EVERYTHING };
  }

  async #withToken(token: string): Promise<Principal> {
    if (token.length > MAX_TOKEN_LENGTH) throw new AuthenticationError('token_invalid', 'The token is too long.');
    const tokenDigest = digest(token);
    if (this.#adminDigest !== undefined && timingSafeEqual(tokenDigest, this.#adminDigest)) {
      return { id: 'admin', name: 'admin', isAnonymous: false, grants: EVERYTHING };
    }
    const principal = await this.#verify(token, tokenDigest.toString('base64'));
    if (principal.expiresAt !== undefined && principal.expiresAt <= this.#clock()) {
      throw new AuthenticationError('token_expired', 'The token expired.');
    }
    if (this.#revocations.isRevoked(principal))
      throw new AuthenticationError('token_revoked', 'The token was revoked.');
    return principal;
  }

  async #verify(token: string, cacheKey: string): Promise<Principal> {
    const now = this.#clock();
    const cached = this.#verified.get(cacheKey);
    if (cached !== undefined && cached.until > now) return cached.principal;
    const principal = principalFromClaims(await this.#keys.verify(token, now));
    if (principal === undefined) {
      throw new AuthenticationError(
        'token_invalid',
        'The token lacks a subject or has claims that are not understood.',
      );
    }
    this.#verified.set(cacheKey, { principal, until: Math.min(now + CACHE_MS, principal.expiresAt ?? Infinity) });
    return principal;
  }

  async mint(request: TokenRequest): Promise<MintedToken> {
    if (this.#mint === undefined) throw new MintingUnavailableError();
    identityText.parse(request.sub);
    identityText.optional().parse(request.name);
    identityText.optional().parse(request.tenant);
    grantSchema.array().parse(request.grants);
    return this.#mint.mint(request, this.#revocations.revokedAt(request.sub));
  }

  async revoke(target: RevocationTarget): Promise<void> {
    await this.#revocations.revoke(target);
  }

  isRevoked(principal: Principal): boolean {
    return this.#revocations.isRevoked(principal);
  }

  onRevoked(listener: (revocation: Revocation) => void): () => void {
    return this.#revocations.onRevoked(listener);
  }

  async close(): Promise<void> {
    this.#verified.clear();
    await this.#revocations.close();
  }
}

/** Of equal length for any text, as a comparison in constant time needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
