/**
 * Encryption at rest, over the ports of any store (AES-256-GCM, keys of `ENCRYPTION_KEYS`).
 *
 * Encrypted: updates, states and authors of documents, values of records, data of events, uploaded files, and messages where
 * they leave the process. In the clear: names of documents, keys of records, names of streams, times and sizes, by which the store
 * finds and orders. Values from before encryption was switched on are read as they are, so whoever can write to the
 * medium can also put plain values there: this protects against readers of disks and backups.
 *
 * Rotation: put a new key in front of the others, on every node. What is written from then on takes it; `KeyRotation`
 * brings the rest, and says when an old key may go.
 */
import type { Logger } from 'pino';
import type { Storage } from '../storage.js';
import { EncryptedBus } from './encrypted-bus.js';
import { EncryptedDocumentLog } from './encrypted-document-log.js';
import { EncryptedEventLog } from './encrypted-event-log.js';
import { EncryptedFileStore } from './encrypted-file-store.js';
import { EncryptedRecordStore } from './encrypted-record-store.js';
import type { KeyRing } from './key-ring.js';
import { proveKeys } from './proof.js';

/** Without keys it encrypts nothing, and says of what is encrypted which key it needs. Closing it closes `storage`. */
export function encryptStorage<S extends Storage>(storage: S, ring: KeyRing, logger: Logger): S {
  return {
    ...storage,
    documents: new EncryptedDocumentLog(storage.documents, ring),
    records: new EncryptedRecordStore(storage.records, ring),
    events: new EncryptedEventLog(storage.events, ring),
    files: new EncryptedFileStore(storage.files, ring),
    // The messages of an embedded store stay in the memory of its process.
    bus: storage.kind === 'embedded' ? storage.bus : new EncryptedBus(storage.bus, ring, logger),
  };
}

/**
 * `encryptStorage`, after it is shown that these are the keys of this store; closes the store when they are not.
 * @throws StorageUnavailableError, fit to be shown: it names ids of keys, never a key.
 */
export async function openEncrypted<S extends Storage>(storage: S, ring: KeyRing, logger: Logger): Promise<S> {
  try {
    const missing = await proveKeys(storage.records, ring);
    if (missing.length > 0) {
      logger.warn({ missing }, 'keys that have encrypted parts of this store are no longer in ENCRYPTION_KEYS');
    }
  } catch (error) {
    await storage.close();
    throw error;
  }
  return encryptStorage(storage, ring, logger);
}
