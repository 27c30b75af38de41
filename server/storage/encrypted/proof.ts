/**
 * Shows at the start that the keys are those of this store, before anything is written with a wrong one.
 *
 * Record `encryption/proof/<key id>` of the store underneath: a known text, encrypted with that key. Durable before the
 * key encrypts anything else, so a store without such a record holds nothing encrypted.
 */
import { StorageError, StorageUnavailableError } from '../errors.js';
import type { RecordKey, RecordStore } from '../record-store.js';
import { KIND, open, seal, type Place } from './envelope.js';
import type { KeyRing } from './key-ring.js';

const PREFIX: RecordKey = ['encryption', 'proof'];
const TEXT = 'formloom';

/**
 * Answers the ids of keys that have encrypted something here and are not in the ring.
 * @param records not encrypted.
 * @throws StorageUnavailableError when a key of the ring is not the one that used its id here, or when the ring has none
 * of the keys.
 */
export async function proveKeys(records: RecordStore, ring: KeyRing): Promise<string[]> {
  const known: string[] = [];
  for await (const { key, value } of records.scan(PREFIX)) {
    const id = key[2] ?? '';
    known.push(id);
    if (ring.has(id)) prove(ring, id, value);
  }
  const missing = known.filter((id) => !ring.has(id));
  if (known.length > 0 && missing.length === known.length) {
    throw new StorageUnavailableError(
      `The store is encrypted with ${listed(known)}, and ENCRYPTION_KEYS has none of these. Give the keys that were used before; a new one goes in front of them.`,
    );
  }
  const id = ring.currentId;
  if (id !== undefined && !known.includes(id)) await add(records, ring, id);
  return missing;
}

/** Ids of the keys that have encrypted something here, as far as they were not given up. */
export async function provenKeys(records: RecordStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key } of records.scan(PREFIX)) ids.push(key[2] ?? '');
  return ids;
}

/** Nothing is left that the key has encrypted: it may leave the ring. */
export async function giveUpKey(records: RecordStore, id: string): Promise<void> {
  await records.delete(['encryption', 'proof', id]);
}

/** True for the records of this file, which are of the encryption and not of what it encrypts. */
export function isProof(key: readonly string[]): boolean {
  return PREFIX.every((segment, i) => key[i] === segment);
}

function prove(ring: KeyRing, id: string, value: Uint8Array): void {
  try {
    if (open(ring, placeOf(id), value)?.plain.toString() === TEXT) return;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
  throw new StorageUnavailableError(
    `ENCRYPTION_KEYS: the key "${id}" is not the one that this store was encrypted with. Give the right one, or a new key under another id in front of it.`,
  );
}

async function add(records: RecordStore, ring: KeyRing, id: string): Promise<void> {
  const key: RecordKey = ['encryption', 'proof', id];
  const sealed = seal(ring, KIND.proof, placeOf(id), Buffer.from(TEXT));
  if (sealed === undefined) return;
  if ((await records.put(key, sealed, { ifVersion: null })) !== 'conflict') return;
  // Another process was first: with the same key, or the two would write what the other cannot read.
  const stored = await records.get(key);
  if (stored !== undefined) prove(ring, id, stored.value);
}

function placeOf(id: string): Place {
  return ['proof', id];
}

function listed(ids: readonly string[]): string {
  return ids.length === 1 ? `the key "${ids[0] ?? ''}"` : `the keys ${ids.map((id) => `"${id}"`).join(', ')}`;
}
