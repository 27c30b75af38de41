/** A restore that was cut off leaves half an installation: nobody is to take it for a whole one. */
import { StorageUnavailableError, type RecordKey, type RecordStore } from '../storage/index.js';

const KEY: RecordKey = ['restore', 'unfinished'];

type Records = Pick<RecordStore, 'get' | 'put' | 'delete'>;

/** Durable before anything is restored. */
export async function beginRestore(records: Records): Promise<void> {
  await records.put(KEY, Buffer.from(JSON.stringify({ startedAt: Date.now() })));
}

export async function endRestore(records: Records): Promise<void> {
  await records.delete(KEY);
}

export async function isRestoreUnfinished(records: Records): Promise<boolean> {
  return (await records.get(KEY)) !== undefined;
}

/** @throws StorageUnavailableError */
export async function requireFinishedRestore(records: Records): Promise<void> {
  if (!(await isRestoreUnfinished(records))) return;
  throw new StorageUnavailableError(
    'A restore into this store did not come to its end: part of the backup is missing. Empty the store (DATA_DIR, or the keys in Redis) and restore again.',
  );
}
