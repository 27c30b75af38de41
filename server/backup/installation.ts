/** What belongs to a backup: the ports, and the folder of uploaded files. */
import type { Storage } from '../storage/index.js';

export interface Installation {
  readonly storage: Pick<Storage, 'kind' | 'documents' | 'records' | 'events'>;
  /** Uploaded files; need not exist. */
  readonly filesFolder: string;
}

/** Records of one store alone: who holds which duty, which keys it was encrypted with, and work that runs here. */
const OWN_RECORDS: readonly (readonly string[])[] = [['leases'], ['encryption', 'proof'], ['operations']];

export function isOfStoreAlone(key: readonly string[]): boolean {
  return OWN_RECORDS.some((prefix) => prefix.every((segment, i) => key[i] === segment));
}
