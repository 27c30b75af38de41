/**
 * Verifies signatures. A key is only ever used with the algorithms of its own kind, so a token can't have a public key
 * taken for a secret, and there is no way to ask for no signature.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { unescape } from 'node:querystring';
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import { AuthenticationError, KeysUnavailableError } from './errors.js';
import { algorithmsOf, importPublicKey, PUBLIC_KEY_ALGORITHMS } from './public-key.js';

export interface TokenKeysOptions {
  /** At least 32 bytes (RFC 7518, section 3.2). */
  readonly secret?: string;
  /** PEM (SPKI or certificate), or a JWK as JSON. */
  readonly publicKey?: string;
  readonly jwksUrl?: string;
}

const HMAC = ['HS256', 'HS384', 'HS512'];

/** Clocks of issuers differ; applies to `nbf`. The end of a token is taken as it is. */
const CLOCK_TOLERANCE_SECONDS = 5;
const JWKS_TIMEOUT_MS = 5_000;

interface Verifier {
  readonly algorithms: readonly string[];
  verify(token: string, now: Date): Promise<JWTPayload>;
}

export class TokenKeys {
  readonly #verifiers: readonly Verifier[];

  /** @throws Error when `publicKey` is none. */
  constructor(options: TokenKeysOptions) {
    const verifiers: Verifier[] = [];
    if (options.secret !== undefined) verifiers.push(withKey(createSecretKey(Buffer.from(options.secret)), HMAC));
    if (options.publicKey !== undefined) {
      const key = importPublicKey(options.publicKey);
      verifiers.push(withKey(key, algorithmsOf(key)));
    }
    if (options.jwksUrl !== undefined) verifiers.push(withKeySet(options.jwksUrl));
    this.#verifiers = verifiers;
  }

  get isEmpty(): boolean {
    return this.#verifiers.length === 0;
  }

  /**
   * The claims of a token whose signature and times hold.
   * @throws AuthenticationError, KeysUnavailableError
   */
  async verify(token: string, nowMs: number): Promise<JWTPayload> {
    try {
      const { alg } = decodeProtectedHeader(token);
      const verifier = this.#verifiers.find(({ algorithms }) => alg !== undefined && algorithms.includes(alg));
      if (verifier === undefined)
        throw new AuthenticationError('token_invalid', 'The token is signed in a way not accepted here.');
      return await verifier.verify(token, new Date(nowMs));
    } catch (error) {
      throw asOurs(error);
    }
  }
}

function withKey(key: KeyObject, accepted: readonly string[]): Verifier {
  const algorithms = [...accepted];
  return {
    algorithms,
    verify: async (token, currentDate) => {
      const options = { algorithms, currentDate, clockTolerance: CLOCK_TOLERANCE_SECONDS };
      return (await jwtVerify(token, key, options)).payload;
    },
  };
}

function withKeySet(url: string): Verifier {
  const { href, headers } = withoutCredentials(url);
  const keys = createRemoteJWKSet(href, { timeoutDuration: JWKS_TIMEOUT_MS, headers });
  const algorithms = [...PUBLIC_KEY_ALGORITHMS];
  const keyOf: JWTVerifyGetKey = async (header, input) => {
    try {
      return await keys(header, input);
    } catch (error) {
      // Everything else is a matter of the network or of who publishes the keys.
      if (KEY_CHOICE_FAULTS.some((fault) => error instanceof fault)) throw error;
      throw new KeysUnavailableError({ cause: error });
    }
  };
  return {
    algorithms,
    verify: async (token, currentDate) => {
      const options = { algorithms, currentDate, clockTolerance: CLOCK_TOLERANCE_SECONDS };
      return (await jwtVerify(token, keyOf, options)).payload;
    },
  };
}

/** As a header (RFC 7617): `fetch` refuses a URL with credentials, and its message tells them. */
function withoutCredentials(url: string): { href: URL; headers: Record<string, string> } {
  const href = new URL(url);
  const { username, password } = href;
  if (username === '' && password === '') return { href, headers: {} };
  const pair = `${unescape(username)}:${unescape(password)}`;
  [href.username, href.password] = ['', ''];
  return { href, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** The token asks for a key that is not published, or leaves open which. */
const KEY_CHOICE_FAULTS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/** With the key at hand, whatever fails is the token's fault: its form, its signature or its claims. */
function asOurs(error: unknown): Error {
  if (error instanceof AuthenticationError || error instanceof KeysUnavailableError) return error;
  const options = { cause: error };
  return error instanceof errors.JWTExpired
    ? new AuthenticationError('token_expired', 'The token expired.', options)
    : new AuthenticationError('token_invalid', 'The token is not valid.', options);
}
