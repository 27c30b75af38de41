export type AuthenticationErrorCode = 'token_missing' | 'token_invalid' | 'token_expired' | 'token_revoked';

/** The caller is not who it must be: HTTP 401, close code 4401. The message is fit for the caller and holds no token. */
export class AuthenticationError extends Error {
  constructor(
    readonly code: AuthenticationErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'AuthenticationError';
  }
}

/** Nobody's fault on the caller's side: the keys of JWKS_URL cannot be fetched. HTTP 503, come back later. */
export class KeysUnavailableError extends Error {
  readonly code = 'keys_unavailable';
  constructor(options?: ErrorOptions) {
    super('The keys that verify tokens cannot be fetched now.', options);
    this.name = 'KeysUnavailableError';
  }
}

/** This server verifies tokens but has no secret to sign them with. */
export class MintingUnavailableError extends Error {
  readonly code = 'minting_unavailable';
  constructor() {
    super('This server cannot mint tokens: it has no JWT_SECRET.');
    this.name = 'MintingUnavailableError';
  }
}
