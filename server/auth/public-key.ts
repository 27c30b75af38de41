import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/**
 * @param text PEM (SPKI or certificate) or a JWK as JSON.
 * @throws Error when it is no public key.
 */
export function importPublicKey(text: string): KeyObject {
  if (!text.trimStart().startsWith('{')) return createPublicKey(text);
  return createPublicKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' });
}
