/** What belongs to a backup: the ports of a store. */
import { FILE_RECORDS } from '../storage/files/record-file-store.js';
import type { Storage } from '../storage/index.js';

export type Installation = Pick<Storage, 'kind' | 'documents' | 'records' | 'events' | 'files'>;

/** Records of one store alone: who holds which duty, its keys, work that runs here, a restore, and files as it keeps them. */
const OWN_RECORDS: readonly (readonly string[])[] = [
  ...[['leases'], ['encryption', 'proof'], ['operations'], ['restore']],
  ...FILE_RECORDS,
];

export function isOfStoreAlone(key: readonly string[]): boolean {
  return OWN_RECORDS.some((prefix) => prefix.every((segment, i) => key[i] === segment));
}
