import t from 'tap';
import * as Y from 'yjs';
import { startServer } from '../harness/server-process.js';
import { converged, stockClient } from '../harness/stock-client.js';
import { readTrace } from '../harness/trace.js';
import { until } from '../harness/until.js';

const textOf = (doc: Y.Doc): string => doc.getText('text').toString();

void t.test('three stock clients type a real paper in turn; after kill -9 and a restart it is all there', async (t) => {
  const { patches, text } = await readTrace(12_000);
  const server = await startServer();
  t.teardown(() => server.cleanup());
  const clients = [1, 2, 3].map(() => stockClient(server.ws, 'paper'));
  t.teardown(() => clients.forEach((client) => client.destroy()));
  await Promise.all(clients.map((client) => client.synced()));

  const TURN = 500;
  for (let from = 0; from < patches.length; from += TURN) {
    const typist = clients[(from / TURN) % clients.length]!;
    const target = typist.doc.getText('text');
    for (const { position, deleted, inserted } of patches.slice(from, from + TURN)) {
      if (deleted > 0) target.delete(position, deleted);
      if (inserted !== '') target.insert(position, inserted);
    }
    // The next one has to see it all before it types: positions in the trace are absolute.
    await converged(clients, textOf);
    await typist.saved();
  }
  t.equal(textOf(clients[0]!.doc), text, 'the clients hold the paper');
  for (const client of clients) client.disconnect();
  await server.kill();

  const again = await startServer({ dataDir: server.dataDir });
  t.teardown(() => again.cleanup());
  const reader = stockClient(again.ws, 'paper');
  t.teardown(() => reader.destroy());
  await reader.synced();
  t.equal(textOf(reader.doc), text, 'a new client reads exactly the same');
});

/** Each one is a start of the whole server; FORMLOOM_TEST_RESTARTS=100 for a long run. */
const ROUNDS = Number(process.env['FORMLOOM_TEST_RESTARTS'] ?? 3);

void t.test('row 4: kill -9 under load, again and again: every echoed update is there', async (t) => {
  let server = await startServer();
  t.teardown(() => server.cleanup());
  let lost = 0;
  let echoedInAll = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const writers = Array.from({ length: 4 }, (_, i) => stockClient(server.ws, `load-${i % 2}`));
    await Promise.all(writers.map((writer) => writer.synced()));
    const before = writers.map((writer) => Y.getState(writer.doc.store, writer.doc.clientID));
    let isRunning = true;
    const typing = writers.map(async (writer, i) => {
      for (let n = 0; isRunning; n++) {
        writer.doc.getMap('log').set(`${round}-${i}-${n}`, n);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const goal = 20 + ((round * 37) % 200);
    await until(() => writers.every((writer) => writer.echoedClock() - before[0]! >= goal));
    isRunning = false;
    await server.kill();
    await Promise.all(typing);
    const echoed = writers.map((writer) => ({ client: writer.doc.clientID, clock: writer.echoedClock() }));
    writers.forEach((writer) => writer.destroy());

    server = await startServer({ dataDir: server.dataDir });
    for (const [i, { client, clock }] of echoed.entries()) {
      const response = await fetch(`${server.http}/api/v1/documents/load-${i % 2}/state`);
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}\n${server.output()}`);
      const doc = new Y.Doc();
      Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()));
      echoedInAll += clock;
      lost += Math.max(0, clock - Y.getState(doc.store, client));
    }
  }
  t.ok(echoedInAll > 50 * ROUNDS, `${echoedInAll} updates were echoed`);
  t.equal(lost, 0, 'none of them is lost');
});

void t.test('SIGTERM flushes, closes with 1012 and exits with 0', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  const client = stockClient(server.ws, 'drained');
  t.teardown(() => client.destroy());
  await client.synced();
  client.doc.getText('text').insert(0, 'kept');
  await client.saved();
  t.equal(await server.terminate(), 0);
  await until(() => client.closes.includes(1012), { what: () => `closed with 1012, not ${client.closes.join(' ')}` });
});
