import type { Test } from 'tap';
import { busContract } from './bus.contract.js';
import { documentLogContract, sharedDocumentLogContract } from './document-log.contract.js';
import { eventLogContract } from './event-log.contract.js';
import { fileStoreContract } from './file-store.contract.js';
import { leasesContract } from './leases.contract.js';
import { recordStoreContract } from './record-store.contract.js';
import type { Storage } from './storage.js';
import type { ReadMedium } from './testing/store-under-test.js';

/** Every port's contract, against one store. */
export async function storageContract(
  t: Test,
  open: (t: Test, node?: string) => Promise<Storage>,
  readMedium: ReadMedium,
): Promise<void> {
  await t.test('documents', (t) => documentLogContract(t, open, readMedium));
  await t.test('documents of several nodes', async (t) => {
    if (!(await open(t)).documents.isShared) return;
    await sharedDocumentLogContract(t, open);
  });
  await t.test('records', (t) => recordStoreContract(t, open, readMedium));
  await t.test('events', (t) => eventLogContract(t, open, readMedium));
  await t.test('files', (t) => fileStoreContract(t, open, readMedium));
  await t.test('bus', (t) => busContract(t, open));
  await t.test('leases', (t) => leasesContract(t, open));
}
