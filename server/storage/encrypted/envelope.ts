/**
 * An encrypted value (AES-256-GCM):
 *
 *   magic 8 × 0xff | u8 version | u8 kind | u8+bytes key id | 16 bytes salt | 12 bytes nonce | ciphertext | 16 bytes tag
 *
 * The tag covers the header and the place where the value lies, so a value that is moved to another document, record or
 * stream does not open there.
 *
 * The magic tells it from what was written before encryption was switched on: no Yjs update begins so (as a
 * variable-length number, eight 0xff are beyond what Yjs reads), no JSON, and no deflated bytes.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DecryptionError, EncryptionKeyMissingError } from './errors.js';
import { SALT_BYTES, type KeyRing } from './key-ring.js';

/** What is inside. An update that was sealed as such does not pass for a state. */
export const KIND = { value: 1, update: 2, state: 3, event: 4, message: 5, proof: 6, file: 7 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** Where a value lies, outermost first: `['document', 'form/x']`. */
export type Place = readonly [string, ...string[]];

export interface Opened {
  readonly kind: Kind;
  readonly plain: Buffer;
}

const MAGIC = Buffer.alloc(8, 0xff);
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';
/** Magic, version, kind, length of the id. */
const FIXED_BYTES = MAGIC.length + 3;

export function isSealed(stored: Uint8Array): boolean {
  return stored.length >= MAGIC.length && MAGIC.equals(stored.subarray(0, MAGIC.length));
}

/** Id of the key that a value was encrypted with; undefined for one that never was. */
export function keyIdOf(stored: Uint8Array): string | undefined {
  if (!isSealed(stored)) return undefined;
  const idLength = stored[FIXED_BYTES - 1] ?? 0;
  return Buffer.from(stored.subarray(FIXED_BYTES, FIXED_BYTES + idLength)).toString('latin1');
}

/** HOT PATH. Undefined without keys: the value is to be stored as it is. */
export function seal(ring: KeyRing, kind: Kind, place: Place, ...parts: readonly Uint8Array[]): Buffer | undefined {
  const sealing = ring.forSealing();
  if (sealing === undefined) return undefined;
  const { id, salt, key } = sealing;
  const nonce = randomBytes(NONCE_BYTES);
  const header = Buffer.concat([
    MAGIC,
    Buffer.from([VERSION, kind, id.length]),
    Buffer.from(id, 'latin1'),
    salt,
    nonce,
  ]);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(header).setAAD(bytesOf(place));
  const encrypted = parts.map((part) => cipher.update(part));
  cipher.final();
  return Buffer.concat([header, ...encrypted, cipher.getAuthTag()]);
}

/**
 * Undefined for a value that was never encrypted.
 * @throws EncryptionKeyMissingError, DecryptionError
 */
export function open(ring: KeyRing, place: Place, stored: Uint8Array): Opened | undefined {
  if (!isSealed(stored)) return undefined;
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const what = `What is stored at ${place.map((part) => JSON.stringify(part)).join(' ')}`;
  const idLength = bytes[FIXED_BYTES - 1] ?? 0;
  const saltAt = FIXED_BYTES + idLength;
  const nonceAt = saltAt + SALT_BYTES;
  const bodyAt = nonceAt + NONCE_BYTES;
  const tagAt = bytes.length - TAG_BYTES;
  const id = bytes.toString('latin1', FIXED_BYTES, saltAt);
  const kind = kindOf(bytes[MAGIC.length + 1]);
  if (tagAt < bodyAt || bytes[MAGIC.length] !== VERSION || kind === undefined) throw new DecryptionError(id, what);
  const key = ring.forOpening(id, bytes.subarray(saltAt, nonceAt));
  if (key === undefined) throw new EncryptionKeyMissingError(id, what);
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(nonceAt, bodyAt), { authTagLength: TAG_BYTES });
  decipher.setAAD(bytes.subarray(0, bodyAt)).setAAD(bytesOf(place)).setAuthTag(bytes.subarray(tagAt));
  try {
    const plain = decipher.update(bytes.subarray(bodyAt, tagAt));
    // A stream cipher has given everything by now; this compares the tag.
    decipher.final();
    return { kind, plain };
  } catch (error) {
    throw new DecryptionError(id, what, { cause: error });
  }
}

/** JSON keeps the parts apart, and text that is not well-formed as well. */
function bytesOf(place: Place): Buffer {
  return Buffer.from(JSON.stringify(place));
}

function kindOf(byte: number | undefined): Kind | undefined {
  return Object.values(KIND).find((kind) => kind === byte);
}
