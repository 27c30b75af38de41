import * as encoding from 'lib0/encoding';
import t from 'tap';
import * as Y from 'yjs';
import { composeServer } from '../harness/composed-server.js';
import { rawClient, updateMessage, upgradeStatus } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const OTHERS = 40;
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
    attacker.send(updateMessage(contention(500, round * 10_000_000)));
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
