import t from 'tap';
import { storageContract } from '../storage.contract.js';
import { bytesOf, newDataFolder, onlyStoreOf } from '../testing/embedded-folder.js';

void t.test('the embedded store keeps the contracts of all ports', async (t) => {
  const folder = await newDataFolder(t);
  await storageContract(t, onlyStoreOf(folder), () => bytesOf(folder));
});
