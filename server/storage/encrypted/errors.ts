import { StorageError } from '../errors.js';

/** A value is encrypted with a key that this process does not have. Names the key's id, never the key. */
export class EncryptionKeyMissingError extends StorageError {
  constructor(
    readonly keyId: string,
    what: string,
  ) {
    super(
      'encryption_key_missing',
      `${what} is encrypted with the key "${keyId}", which is not in ENCRYPTION_KEYS. Add that key again.`,
    );
  }
}

/** The key of that id is another one than the value was encrypted with, or the value was altered, cut or moved. */
export class DecryptionError extends StorageError {
  constructor(
    readonly keyId: string,
    what: string,
    options?: ErrorOptions,
  ) {
    super(
      'decryption_failed',
      `${what} cannot be decrypted with the key "${keyId}": ENCRYPTION_KEYS has another key under this id, or the value was altered or moved.`,
      options,
    );
  }
}
