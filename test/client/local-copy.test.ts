import t from 'tap';
import path from 'node:path';
import { IDBFactory, IDBObjectStore } from 'fake-indexeddb';
import * as Y from 'yjs';
import { openLocalCopy, STALE_COPY, type LocalCopy } from '../../client/index.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
import { restoreArchive } from '../../server/backup/index.js';
import { KeyRing } from '../../server/storage/encrypted/index.js';
import { newDataFolder, openFolder } from '../../server/storage/testing/embedded-folder.js';
import { restClient, type RestClient } from '../harness/rest-client.js';
import { freePort } from '../harness/free-port.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';
import { closed, saved, sdk, synced } from './sdk-client.js';

/** A document that was stored before: its epoch is told from the start. */
async function storedServer(): Promise<ComposedServer> {
  const first = await composeServer();
  const doc = new Y.Doc();
  doc.getMap('m').set('k', 1);
  const headers = { 'content-type': 'application/octet-stream' };
  const update = new Uint8Array(Y.encodeStateAsUpdate(doc));
  await fetch(`${first.http}/api/v1/documents/notes/updates`, { method: 'POST', headers, body: update });
  await first.close();
  return composeServer({ dataDir: first.dataDir });
}

/** A page that is closed without notice leaves what it has written, and nothing else. */
async function opened(indexedDB: InstanceType<typeof IDBFactory>, document = 'notes'): Promise<LocalCopy> {
  return openLocalCopy(document, { indexedDB });
}

void t.test('an edit made without a network outlives the page, and is saved by the next one', async (t) => {
  const server = await storedServer();
  t.teardown(() => server.cleanup());
  const indexedDB = new IDBFactory();

  const first = await opened(indexedDB);
  const connection = sdk(t, server.http).open('notes', { doc: first.doc, copy: first });
  first.follow(connection);
  await synced(connection);
  first.doc.getText('x').insert(0, 'with a network ');
  await saved(connection);
  const again = sdk(t, server.http).open('notes');
  await synced(again);
  const { epoch } = again;
  t.type(epoch, 'string');
  connection.disconnect();
  first.doc.getText('x').insert(15, 'and without');
  first.doc.getText('x').delete(0, 5);
  t.equal(connection.saveState, 'offline');
  await first.written();
  connection.destroy();
  await first.close();

  const second = await opened(indexedDB);
  t.equal(second.doc.getText('x').toString(), 'a network and without', 'it opens without a network');
  t.not(second.unsavedSince, undefined);
  const reconnected = sdk(t, server.http).open('notes', { doc: second.doc, copy: second });
  second.follow(reconnected);
  t.equal(reconnected.saveState, 'offline');
  await saved(reconnected);
  await until(() => again.doc.getText('x').toString() === 'a network and without');
  await second.written();
  await second.close();

  const third = await opened(indexedDB);
  t.equal(third.unsavedSince, undefined, 'nothing is unsaved any more');
  t.equal(third.epoch, epoch);
  await third.discard();
  t.equal(third.doc.getText('x').toString(), 'a network and without', 'the document stays as it is');
  await third.close();
  const fourth = await opened(indexedDB);
  t.same([fourth.doc.getText('x').toString(), fourth.epoch], ['', undefined], 'nothing of it is kept');
  await fourth.close();
});

void t.test('a tab that saves what another one had written does not take its later edits for saved', async (t) => {
  const server = await storedServer();
  t.teardown(() => server.cleanup());
  const indexedDB = new IDBFactory();
  const offline = await opened(indexedDB);
  offline.follow(sdk(t, server.http).open('notes', { doc: offline.doc, copy: offline, connect: false }));
  offline.doc.getText('x').insert(0, 'one');
  await offline.written();
  const other = await opened(indexedDB);
  offline.doc.getText('x').insert(3, ' two');
  await offline.close();
  const connection = sdk(t, server.http).open('notes', { doc: other.doc, copy: other });
  other.follow(connection);
  await saved(connection);
  await other.close();
  const next = await opened(indexedDB);
  t.equal(next.doc.getText('x').toString(), 'one two');
  t.not(next.unsavedSince, undefined, 'nobody has saved the second edit');
  const last = sdk(t, server.http).open('notes', { doc: next.doc, copy: next });
  next.follow(last);
  await saved(last);
  await next.close();
  const after = await opened(indexedDB);
  t.equal(after.unsavedSince, undefined);
  await after.close();
});

void t.test('what could not be kept while the disk was full is kept with the next edit', async (t) => {
  const indexedDB = new IDBFactory();
  const failures: unknown[] = [];
  const copy = await openLocalCopy('notes', { indexedDB, onError: (error) => failures.push(error) });
  copy.follow(sdk(t, 'http://127.0.0.1:1').open('notes', { doc: copy.doc, copy, connect: false }));
  const text = copy.doc.getText('x');
  text.insert(0, 'one ');
  await copy.written();
  const full = t.capture(IDBObjectStore.prototype, 'put', () => {
    throw new DOMException('the disk is full', 'QuotaExceededError');
  });
  text.insert(4, 'two ');
  await copy.written();
  full.restore();
  t.equal(failures.length, 1);
  text.insert(8, 'three');
  await copy.close();
  const again = await opened(indexedDB);
  t.equal(again.doc.getText('x').toString(), 'one two three');
  t.not(again.unsavedSince, undefined);
  await again.close();
});

void t.test('many edits are folded into one', async (t) => {
  const indexedDB = new IDBFactory();
  const copy = await opened(indexedDB);
  copy.follow(sdk(t, 'http://127.0.0.1:1').open('notes', { doc: copy.doc, copy, connect: false }));
  for (let i = 0; i < 450; i++) copy.doc.getText('x').insert(i, 'x');
  await copy.close();
  const again = await opened(indexedDB);
  t.equal(again.doc.getText('x').length, 450);
  await again.close();
});

void t.test('a copy of an earlier life is set aside, one of a deleted document is deleted', async (t) => {
  const indexedDB = new IDBFactory();
  const first = await storedServer();
  const copy = await opened(indexedDB);
  const connection = sdk(t, first.http).open('notes', { doc: copy.doc, copy });
  copy.follow(connection);
  copy.doc.getText('x').insert(0, 'before');
  await saved(connection);
  connection.destroy();
  await copy.close();
  await first.cleanup();

  // Another server that knows nothing of it: its data were lost, or it is a new one.
  const second = await storedServer();
  t.teardown(() => second.cleanup());
  const writer = sdk(t, second.http).open('notes');
  writer.doc.getText('x').insert(0, 'after');
  await saved(writer);
  const stale = await opened(indexedDB);
  const refused = sdk(t, second.http).open('notes', { doc: stale.doc, copy: stale });
  stale.follow(refused);
  await closed(refused);
  t.match(refused.state, { code: STALE_COPY });
  const [aside] = await stale.setAside();
  const kept = new Y.Doc();
  Y.applyUpdate(kept, aside!.update);
  t.equal(kept.getText('x').toString(), 'before');
  await stale.discardSetAside();
  t.same(await stale.setAside(), []);
  await stale.close();

  const fresh = await opened(indexedDB);
  t.equal(fresh.epoch, undefined);
  const joined = sdk(t, second.http).open('notes', { doc: fresh.doc, copy: fresh });
  fresh.follow(joined);
  await synced(joined);
  t.equal(fresh.doc.getText('x').toString(), 'after');
  await fetch(`${second.http}/api/v1/documents/notes`, { method: 'DELETE' });
  await closed(joined);
  await fresh.close();
  const empty = await opened(indexedDB);
  t.equal(empty.doc.getText('x').length, 0);
  await empty.close();
});

/** Text of the document as the server has it. */
async function textOf(rest: RestClient): Promise<string> {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, await rest.bytes('/documents/notes/state', { headers: { accept: 'application/octet-stream' } }));
  return doc.getText('x').toString();
}

void t.test('after a restored backup a newer copy is set aside, and what was never saved is told apart', async (t) => {
  const env = { PORT: String(await freePort()) };
  const first = await composeServer({ env });
  t.teardown(() => first.cleanup());
  const rest = restClient(first.http);
  const indexedDB = new IDBFactory();
  const copy = await opened(indexedDB);
  const tab = sdk(t, first.http).open('notes', { doc: copy.doc, copy });
  copy.follow(tab);
  const stock = stockClient(first.ws, 'notes');
  t.teardown(() => stock.destroy());
  const text = copy.doc.getText('x');
  text.insert(0, 'kept ');
  await saved(tab);
  await until(() => typeof tab.epoch === 'string');
  const behind = await opened(indexedDB);
  const otherTab = sdk(t, first.http).open('notes', { doc: behind.doc, copy: behind });
  behind.follow(otherTab);
  await synced(otherTab);
  otherTab.disconnect();
  const backup = (await rest.post('/backups', {})).body.id as string;
  await until(async () => (await rest.get(`/operations/${backup}`)).body.state === 'done');
  text.insert(5, 'undone ');
  await saved(tab);
  await until(() => stock.doc.getText('x').toString() === 'kept undone ');
  stock.disconnect();
  await first.close();
  await until(() => tab.state.status === 'offline');
  text.insert(12, 'unsaved');
  await copy.written();

  const folder = await newDataFolder(t);
  const store = await openFolder(t, folder);
  await restoreArchive(path.join(first.dataDir, 'backups', `${backup}.formloom-backup`), new KeyRing([]), store);
  await store.close();
  const second = await composeServer({ env, dataDir: folder });
  t.teardown(() => second.cleanup());
  // The tab that was open all the while, as one that is opened now.
  tab.retryNow();
  await closed(tab);
  t.match(tab.state, { code: STALE_COPY });
  t.equal(tab.hasUnsavedChanges, true);
  const another = await opened(indexedDB);
  const [aside, ...others] = await copy.setAside();
  t.same(others, []);
  const kept = new Y.Doc();
  Y.applyUpdate(kept, aside!.update);
  t.equal(kept.getText('x').toString(), 'kept undone unsaved', 'nothing of it is lost');
  t.equal(another.doc.getText('x').length, 0);
  const part = Y.decodeUpdate(aside!.unsaved!);
  t.match(part.structs, [{ content: { str: 'unsaved' } }], 'what the server never had');
  t.equal(await textOf(rest), 'kept ', 'nothing of it was merged');
  const fresh = sdk(t, second.http).open('notes', { doc: another.doc, copy: another });
  another.follow(fresh);
  await synced(fresh);
  t.equal(another.doc.getText('x').toString(), 'kept ');
  fresh.disconnect();
  another.doc.getText('x').insert(0, 'new ');
  await another.written();
  // Another page of the earlier life comes late: the copy of the new one is not its own.
  behind.doc.getText('x').insert(0, 'late ');
  await behind.written();
  const late = new Y.Doc();
  Y.applyUpdate(late, (await copy.setAside())[0]!.update);
  t.match(late.getText('x').toString(), /late/);
  otherTab.connect();
  await closed(otherTab);
  await behind.close();
  const reloaded = await opened(indexedDB);
  t.equal(reloaded.doc.getText('x').toString(), 'new kept ');
  t.equal(reloaded.epoch, fresh.epoch);
  t.not(reloaded.unsavedSince, undefined);
  t.equal((await reloaded.setAside()).length, 1);
  await reloaded.close();
  fresh.doc.getText('x').delete(0, 4);
  fresh.connect();
  await saved(fresh);
  await another.close();
  await copy.close();

  // A stock client knows of no epoch: it merges. A snapshot of before undoes that for everybody.
  const snapshot = (await rest.post('/documents/notes/snapshots', { label: 'as restored' })).body.id as string;
  stock.provider.connect();
  await until(async () => (await textOf(rest)) === 'kept undone ');
  t.equal((await rest.post(`/documents/notes/snapshots/${snapshot}/restore`, {})).status, 200);
  await until(() => stock.doc.getText('x').toString() === 'kept ');
  t.equal(fresh.doc.getText('x').toString(), 'kept ');
});

void t.test('a restored snapshot is an edit: a newer copy takes it in, and its unsaved edits are saved', async (t) => {
  const server = await storedServer();
  t.teardown(() => server.cleanup());
  const rest = restClient(server.http);
  const indexedDB = new IDBFactory();
  const copy = await opened(indexedDB);
  const connection = sdk(t, server.http).open('notes', { doc: copy.doc, copy });
  copy.follow(connection);
  const text = copy.doc.getText('x');
  text.insert(0, 'kept ');
  await saved(connection);
  const snapshot = (await rest.post('/documents/notes/snapshots', {})).body.id as string;
  text.insert(5, 'undone ');
  await saved(connection);
  connection.disconnect();
  text.insert(0, 'mine ');
  await copy.written();
  connection.destroy();
  await copy.close();
  t.equal((await rest.post(`/documents/notes/snapshots/${snapshot}/restore`, {})).status, 200);

  const again = await opened(indexedDB);
  const back = sdk(t, server.http).open('notes', { doc: again.doc, copy: again });
  again.follow(back);
  await saved(back);
  t.same(await again.setAside(), []);
  t.equal(await textOf(rest), again.doc.getText('x').toString());
  t.equal(await textOf(rest), 'mine kept ');
  await again.close();
});
