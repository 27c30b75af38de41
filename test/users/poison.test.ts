import * as encoding from 'lib0/encoding';
import t from 'tap';
import * as Y from 'yjs';
import type { Attendance } from '../../server/rooms/attendance.js';
import { composeServer } from '../harness/composed-server.js';
import { rawClient, updateMessage, upgradeStatus } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { RecordingPeer, roomsWithoutGateway } from '../harness/rooms.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const OTHERS = 40;
type Five<T> = [T, T, T, T, T];
// Each stock client listens to the end of the process.
process.setMaxListeners(2 * OTHERS);

/**
 * Valid, and costly: so many clients have written at the same place without having seen each other, and Yjs compares
 * each of them with all the others.
 */
function contention(clients: number, firstClient: number): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, clients);
  for (let i = clients - 1; i >= 0; i -= 1) {
    encoding.writeVarUint(encoder, 1); // one struct
    encoding.writeVarUint(encoder, firstClient + i);
    encoding.writeVarUint(encoder, 0); // clock
    encoding.writeUint8(encoder, 4); // a string without neighbours
    encoding.writeVarUint(encoder, 1); // in a type of the document
    encoding.writeVarString(encoder, 'text');
    encoding.writeVarString(encoder, 'x');
  }
  encoding.writeVarUint(encoder, 0); // no deletions
  return encoding.toUint8Array(encoder);
}

/**
 * Valid, and endless: all items of one client have no left neighbour and each another right one, so that Yjs compares
 * each with all before it. 8,000 took 15 s.
 */
function endless(items: number): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, 2); // clients
  const begin = (client: number, structs: number): void => {
    for (const number of [structs, client, 0]) encoding.writeVarUint(encoder, number);
  };
  begin(200, items);
  for (let i = 0; i < items; i += 1) {
    encoding.writeUint8(encoder, 4 | 64); // a string with a right neighbour
    encoding.writeVarUint(encoder, 100);
    encoding.writeVarUint(encoder, i);
    encoding.writeVarString(encoder, 'y');
  }
  begin(100, 1);
  encoding.writeUint8(encoder, 4);
  encoding.writeVarUint(encoder, 1);
  encoding.writeVarString(encoder, 'text');
  encoding.writeVarString(encoder, 'x'.repeat(items));
  encoding.writeVarUint(encoder, 0); // no deletions
  return encoding.toUint8Array(encoder);
}

/** As it comes out of months of work: each has written behind what the one before wrote. */
function workOfMany(clients: number): Y.Doc {
  const whole = new Y.Doc();
  for (let i = 0; i < clients; i += 1) {
    whole.clientID = 1_000 + ((i * 7_919) % 1_000_003);
    whole.getText('text').insert((i * 31) % (whole.getText('text').length + 1), `line ${i} `);
  }
  return whole;
}

/** Too large; or, on a machine that others kept busy, come back later. */
const GIVEN_UP = [4413, 1013];

void t.test('an update that would take minutes is given up, and nobody else loses anything', async (t) => {
  const server = await composeServer();
  t.teardown(() => server.cleanup());
  const neighbour = stockClient(server.ws, 'neighbour');
  const victim = stockClient(server.ws, 'costly');
  t.teardown(() => [neighbour, victim].forEach((client) => client.destroy()));
  await Promise.all([neighbour.synced(), victim.synced()]);
  victim.doc.getMap('kept').set('before', true);
  await victim.saved();

  const attacker = await rawClient(`${server.ws}/costly`);
  t.teardown(() => attacker.destroy());
  attacker.send(updateMessage(endless(20_000)));
  const { code } = await attacker.closing();
  t.ok(GIVEN_UP.includes(code), `closed with ${code}`);
  victim.doc.getMap('kept').set('after', true);
  neighbour.doc.getMap('beat').set('after', true);
  await Promise.all([victim.saved(), neighbour.saved()]);

  const api = restClient(server.http);
  const refused = await api.post('/documents/costly/updates', endless(20_000));
  t.match(refused.body.code, /^(update_too_costly|overloaded)$/, 'over REST as well');
  const reader = new Y.Doc();
  Y.applyUpdate(reader, await api.bytes('/documents/costly/state'));
  t.strictSame(reader.getMap('kept').toJSON(), { before: true, after: true });
  t.equal(reader.getText('text').length, 0, 'nothing of it is left');

  const honest = workOfMany(3_000);
  t.equal(honest.store.clients.size, 3_000);
  const answer = await api.post('/documents/months/updates', Y.encodeStateAsUpdate(honest));
  t.ok(answer.status < 300, 'a whole state with thousands of client ids is nothing special');
  t.strictSame(victim.closes, []);
});

void t.test('in a tick with a poison update, what earlier writers sent is appended first', async (t) => {
  const { rooms, storage } = await roomsWithoutGateway(t);
  const peers = ['ada', 'eve', 'eve', 'gone', 'late'].map((name) => new RecordingPeer(name));
  const [ada, twin, eve, gone, late] = peers as Five<RecordingPeer>;
  const [adas, twins, eves, gones, lates] = peers.map((peer) => rooms.join('shared', peer)) as Five<Attendance>;
  await rooms.read('shared', () => undefined);
  const written = new Y.Doc();
  written.getText('text').insert(0, 'kept');
  const update = (key: string): Uint8Array => {
    const doc = new Y.Doc();
    doc.getMap('m').set(key, true);
    return updateMessage(Y.encodeStateAsUpdate(doc));
  };
  // In one turn of the event loop, and so in one tick.
  adas.receive(updateMessage(Y.encodeStateAsUpdate(written)));
  twins.receive(update('twin'));
  eves.receive(updateMessage(endless(20_000)));
  gones.receive(update('gone'));
  lates.receive(update('late'));
  gone.leave();
  gones.leave();
  await until(() => eve.closedWith !== undefined, { what: 'the poison is found' });
  t.ok(GIVEN_UP.includes(eve.closedWith ?? 0));
  t.equal(ada.closedWith, undefined, 'who wrote before it stays');
  t.equal(late.closedWith, undefined, 'who wrote behind it stays');
  t.equal(twin.closedWith, undefined, 'who shares the name with the culprit stays');
  t.strictSame(await rooms.read('shared', (doc) => [...doc.getMap('m').keys()].sort()), ['gone', 'late', 'twin']);
  t.equal(await rooms.read('shared', (doc) => doc.getText('text').toJSON()), 'kept');
  const { updates } = await storage.documents.load('shared');
  t.strictSame(
    updates.map(({ attribution }) => attribution.principal),
    ['ada', 'eve', 'gone', 'late'],
  );
});

void t.test('row 36: one of many documents is poisoned: it is shut, the others are unaffected', async (t) => {
  const server = await composeServer({ env: { DOCUMENT_CPU_PERCENT: '5' } });
  t.teardown(() => server.cleanup());
  const others = await Promise.all(
    Array.from({ length: OTHERS }, async (_, i) => {
      const client = stockClient(server.ws, `healthy-${i}`);
      await client.synced();
      return client;
    }),
  );
  t.teardown(() => others.forEach((client) => client.destroy()));
  const victim = stockClient(server.ws, 'poisoned');
  t.teardown(() => victim.destroy());
  await victim.synced();

  const attacker = await rawClient(`${server.ws}/poisoned`);
  t.teardown(() => attacker.destroy());
  for (let round = 1; attacker.closed === undefined && round < 200; round += 1) {
    attacker.send(updateMessage(contention(80, round * 10_000_000)));
    for (const { doc } of others.slice(round % 10, (round % 10) + 3)) doc.getMap('beat').set('round', round);
    await Promise.all(others.map((client) => client.saved()));
    const echoes = (): number => attacker.ofType(0).filter((frame) => frame[1] === 2).length;
    await until(() => attacker.closed !== undefined || echoes() >= round, { what: 'its update was looked at' });
  }
  t.match(await attacker.closing(), { code: 1013 });
  await until(() => victim.closes.includes(1013), { what: 'all in the document are sent away' });

  const answer = await upgradeStatus(`${server.ws}/poisoned`);
  t.equal(answer.status, 503, 'and nobody comes in for a while');
  t.ok(Number(answer.headers['retry-after']) > 0);
  for (const { doc } of others) doc.getMap('beat').set('after', true);
  await Promise.all(others.map((client) => client.saved()));
  t.strictSame(
    others.flatMap((client) => client.closes),
    [],
    'none of the others was closed',
  );
  t.equal((await upgradeStatus(`${server.ws}/another`)).status, 101);

  const api = restClient(server.http);
  const { data } = (await api.get('/optimization/breakers')).body;
  const breaker = data.find(({ name }: { name: string }) => name === 'document:poisoned');
  t.match(breaker, { state: 'open', lastError: /processor/ });
  const reset = await api.post(`/optimization/breakers/${encodeURIComponent('document:poisoned')}/reset`);
  t.ok(reset.status < 300, 'an operator opens it again');
  await until(() => victim.provider.synced, { what: 'its people are back' });
  const kept = Y.encodeStateVector(victim.doc).length;
  t.ok(kept > 0, 'with what was stored');
});
