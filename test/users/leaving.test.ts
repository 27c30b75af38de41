import t from 'tap';
import * as Y from 'yjs';
import { CLOSE } from '../../server/protocol/close-codes.js';
import { updateMessage } from '../harness/raw-client.js';
import { RecordingPeer, roomsWithoutGateway } from '../harness/rooms.js';

function update(key: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getMap('m').set(key, true);
  return updateMessage(Y.encodeStateAsUpdate(doc));
}

void t.test('what waits for its tick is applied when its client has left, not when it was barred', async (t) => {
  const { rooms, storage } = await roomsWithoutGateway(t);
  const peers = ['left', 'drained', 'revoked', 'stays'].map((name) => new RecordingPeer(name));
  const [left, drained, revoked] = peers;
  const attendances = peers.map((peer) => rooms.join('shared', peer));
  await rooms.read('shared', () => undefined);
  // In one turn of the event loop: all of it waits for the tick at its end.
  peers.forEach((peer, i) => attendances[i]?.receive(update(peer.id)));
  left?.leave();
  drained?.close(CLOSE.restart);
  revoked?.close(CLOSE.unauthenticated);
  attendances.slice(0, 3).forEach((attendance) => attendance.leave());

  // A change of the server applies first what arrived before it, and is durable after it.
  const server = { id: 'server', isAnonymous: false, grants: [] };
  await rooms.edit('shared', server, (doc) => doc.getMap('m').set('after', true), { source: 'rest' });
  const kept = ['after', 'drained', 'left', 'stays'];
  t.strictSame(await rooms.read('shared', (doc) => Object.keys(doc.getMap('m').toJSON()).sort()), kept);
  const { updates } = await storage.documents.load('shared');
  const stored = new Y.Doc();
  for (const { update } of updates) Y.applyUpdate(stored, update);
  t.strictSame(Object.keys(stored.getMap('m').toJSON()).sort(), kept);
});
