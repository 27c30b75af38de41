/**
 * Answers that are kept for an `Idempotency-Key` may hold secrets: a minted token, a resume token. So they are encrypted
 * (AES-256-GCM) with a key that whoever reads the store does not have: it is derived (HKDF-SHA-256) from the idempotency
 * key of the caller, of which the store has a digest alone, and from the secrets of the server's configuration.
 *
 *   sealed := salt 16 bytes | nonce 12 bytes | ciphertext | tag 16 bytes
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const PURPOSE = 'formloom kept answer, version 1';

export class AnswerSeal {
  readonly #pepper: Buffer;

  /** @param secrets of the configuration, the same on every node; another one makes answers that were kept unreadable */
  constructor(secrets: readonly string[]) {
    this.#pepper = createHash('sha256').update(JSON.stringify(secrets)).digest();
  }

  /** What the store knows of an idempotency key; the same whatever the secrets are, so that nothing is carried out twice. */
  digest(name: string): string {
    return createHash('sha256').update(name).digest('base64url');
  }

  /** @param name the idempotency key @param caller of whom the request is: for somebody else it does not open */
  seal(name: string, caller: string, body: Uint8Array): Buffer {
    const salt = randomBytes(SALT_BYTES);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key(name, salt), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(caller));
    const encrypted = Buffer.concat([cipher.update(body), cipher.final()]);
    return Buffer.concat([salt, nonce, encrypted, cipher.getAuthTag()]);
  }

  /** Undefined when it cannot be read: the secrets of the configuration were others, or it was altered. */
  open(name: string, caller: string, sealed: Buffer): Buffer | undefined {
    const nonceAt = SALT_BYTES;
    const bodyAt = nonceAt + NONCE_BYTES;
    const tagAt = sealed.length - TAG_BYTES;
    if (tagAt < bodyAt) return undefined;
    const key = this.#key(name, sealed.subarray(0, nonceAt));
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(nonceAt, bodyAt), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(caller)).setAuthTag(sealed.subarray(tagAt));
    const body = decipher.update(sealed.subarray(bodyAt, tagAt));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return body;
  }

  #key(name: string, salt: Uint8Array): Buffer {
    const material = Buffer.concat([this.#pepper, Buffer.from(name)]);
    return Buffer.from(hkdfSync('sha256', material, salt, PURPOSE, KEY_BYTES));
  }
}
