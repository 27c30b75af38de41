export { encryptStorage, openEncrypted } from './encrypted-storage.js';
export { DecryptionError, EncryptionKeyMissingError } from './errors.js';
export { KeyRing, type EncryptionKey } from './key-ring.js';
export { KeyRotation, NoCurrentKeyError, type KeyStatus, type RotationResult } from './key-rotation.js';
