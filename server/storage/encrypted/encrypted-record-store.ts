import type { PutOptions, RecordKey, RecordPrefix, RecordStore, ScanOptions, StoredRecord } from '../record-store.js';
import { KIND, open, seal, type Place } from './envelope.js';
import type { KeyRing } from './key-ring.js';
import { isProof } from './proof.js';

/** Values are encrypted, keys are not: they are what is looked up and ordered. A value takes today's key when it is put. */
export class EncryptedRecordStore implements RecordStore {
  constructor(
    private readonly inner: RecordStore,
    private readonly ring: KeyRing,
  ) {}

  async get(key: RecordKey): Promise<StoredRecord | undefined> {
    const record = await this.inner.get(key);
    return record === undefined ? undefined : this.#open(record);
  }

  put(key: RecordKey, value: Uint8Array, options?: PutOptions): Promise<{ version: string } | 'conflict'> {
    return this.inner.put(key, seal(this.ring, KIND.value, placeOf(key), value) ?? value, options);
  }

  delete(key: RecordKey, options?: { ifVersion?: string }): Promise<boolean | 'conflict'> {
    return this.inner.delete(key, options);
  }

  async *scan(prefix: RecordPrefix, options?: ScanOptions): AsyncIterable<StoredRecord> {
    for await (const record of this.inner.scan(prefix, options)) {
      if (!isProof(record.key)) yield this.#open(record);
    }
  }

  erase(prefix: RecordKey): Promise<number> {
    return this.inner.erase(prefix);
  }

  #open(record: StoredRecord): StoredRecord {
    const opened = open(this.ring, placeOf(record.key), record.value);
    return opened === undefined ? record : { ...record, value: opened.plain };
  }
}

function placeOf(key: RecordKey): Place {
  return ['record', ...key];
}
