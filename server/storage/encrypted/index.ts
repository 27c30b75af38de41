export { encryptStorage, openEncrypted } from './encrypted-storage.js';
export { DecryptionError, EncryptionKeyMissingError } from './errors.js';
export { KeyRing, type EncryptionKey } from './key-ring.js';
