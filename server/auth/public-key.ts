import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/**
 * @param text PEM (SPKI or certificate) or a JWK as JSON.
 * @throws Error when it is no public key.
 */
export function importPublicKey(text: string): KeyObject {
  if (!text.trimStart().startsWith('{')) return createPublicKey(text);
  return createPublicKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' });
}

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const BY_CURVE: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};
const EDWARDS = ['EdDSA', 'Ed25519'];
/** RFC 7518, 3.3. */
const MIN_RSA_BITS = 2_048;

/** The algorithms by which the key can verify tokens; none for a key that cannot. */
export function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
  switch (asymmetricKeyType) {
    case 'rsa':
      return (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS ? RSA : [];
    case 'ec':
      return BY_CURVE[asymmetricKeyDetails?.namedCurve ?? ''] ?? [];
    case 'ed25519':
      return EDWARDS;
    default:
      return [];
  }
}

/** Whatever a published key may be used with: which it is, it says itself. */
export const PUBLIC_KEY_ALGORITHMS: readonly string[] = [...RSA, ...Object.values(BY_CURVE).flat(), ...EDWARDS];
