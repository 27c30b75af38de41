import t from 'tap';
import { IDBFactory } from 'fake-indexeddb';
import * as Y from 'yjs';
import { openLocalCopy, STALE_COPY, type LocalCopy } from '../../client/index.js';
import { composeServer, type ComposedServer } from '../harness/composed-server.js';
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
  await third.close();
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
