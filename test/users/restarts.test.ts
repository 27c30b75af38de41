import * as fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { faultyDisk } from '../harness/faulty-disk.js';
import { restClient } from '../harness/rest-client.js';
import { freePort } from '../harness/free-port.js';
import { startServer, temporaryFolder } from '../harness/server-process.js';
import { stockClient, type StockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

/** Each one is a start of the whole server. FORMLOOM_TEST_RESTARTS=100 is the row to the letter. */
const RESTARTS = Number(process.env['FORMLOOM_TEST_RESTARTS'] ?? 3);
/** Each one has a few restarts too. */
const FUZZ_RUNS = Math.max(2, Math.ceil(RESTARTS / 4));

void t.test('row 38: one command is a durable server, no service needed', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  await server.said(/Formloom is ready: ws:\/\/127\.0\.0\.1:\d+\/<document>/);
  const client = stockClient(server.ws, 'first');
  await client.synced();
  client.doc.getText('text').insert(0, 'kept');
  await client.saved();
  client.destroy();
  await server.kill();
  const again = await startServer({ dataDir: server.dataDir });
  t.teardown(() => again.cleanup());
  const reader = stockClient(again.ws, 'first');
  t.teardown(() => reader.destroy());
  await reader.synced();
  t.equal(reader.doc.getText('text').toString(), 'kept');
});

void t.test('row 2: restarted again and again with clients attached, nothing doubles', async (t) => {
  const dataDir = await temporaryFolder();
  const port = await freePort();
  let server = await startServer({ dataDir, port });
  t.teardown(() => server.cleanup());
  const api = restClient(server.http);
  const field = { id: 'q1', type: 'choice', title: { en: 'Which?' }, options: [{ id: 'o1', label: { en: 'This' } }] };
  const created = await api.post('/forms', {
    id: 'steady',
    title: { en: 'Steady' },
    pages: [{ id: 'p1', title: { en: 'One' }, fields: [field] }],
  });
  t.equal(created.status, 201);
  const before = (await api.get('/forms/steady')).body;
  const clients = [1, 2, 3].map(() => stockClient(server.ws, 'form/steady'));
  t.teardown(() => clients.forEach((client) => client.destroy()));
  await Promise.all(clients.map((client) => client.synced()));
  for (let round = 0; round < RESTARTS; round++) {
    if (round % 2 === 0) await server.kill();
    else await server.terminate();
    server = await startServer({ dataDir, port });
    await Promise.all(clients.map((client) => until(() => client.provider.wsconnected && client.provider.synced)));
  }
  t.strictSame((await api.get('/forms/steady')).body, before);
  for (const { doc } of clients) {
    t.strictSame(Y.encodeStateVector(doc), Y.encodeStateVector(clients[0]!.doc), 'no client has written anything');
  }
});

void t.test('row 3: joins, leaves and restarts against a disk that stalls lose nothing that was echoed', async (t) => {
  const disk = await faultyDisk(t);
  const options = { env: disk.env, port: await freePort() };
  let server = await startServer(options);
  const { dataDir } = server;
  t.teardown(() => server.cleanup());

  interface Step {
    kind: 'join' | 'leave' | 'edit' | 'stall' | 'release' | 'kill';
    room: number;
  }
  const room = fc.nat({ max: 3 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record<Step>({ kind: fc.constantFrom('join', 'leave', 'edit', 'edit'), room }) },
    { weight: 2, arbitrary: fc.record<Step>({ kind: fc.constantFrom('stall', 'release'), room }) },
    { weight: 1, arbitrary: fc.record<Step>({ kind: fc.constant('kill'), room }) },
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
      run += 1;
      const nameOf = (index: number): string => `fuzz-${run}-${index}`;
      const all: StockClient[] = [];
      const present: (StockClient & { room: number })[] = [];
      /** Per room: keys that an echo confirmed. */
      const echoed: string[][] = [[], [], [], []];
      const written: { client: StockClient; room: number; key: string; clock: number }[] = [];
      let count = 0;
      let kills = 0;
      const note = (): void => {
        for (const edit of written) {
          if (edit.client.echoedClock() >= edit.clock && !echoed[edit.room]!.includes(edit.key)) {
            echoed[edit.room]!.push(edit.key);
          }
        }
      };
      for (const each of steps) {
        if (each.kind === 'stall') await disk.stall();
        else if (each.kind === 'release') await disk.release();
        else if (each.kind === 'kill') {
          note();
          await server.kill();
          kills += 1;
          await disk.release();
          server = await startServer({ ...options, dataDir });
        } else if (each.kind === 'join') {
          const killsBefore = kills;
          const client = stockClient(server.ws, nameOf(each.room), { isGreetingSaved: () => kills > killsBefore });
          all.push(client);
          present.push(Object.assign(client, { room: each.room }));
          await client.synced();
        } else {
          const index = present.findIndex((client) => client.room === each.room);
          const client = present[index];
          if (client === undefined) continue;
          if (each.kind === 'leave') {
            note();
            client.provider.disconnect();
            present.splice(index, 1);
          } else {
            const key = `k${count++}`;
            client.doc.getMap('edits').set(key, 1);
            written.push({ client, room: each.room, key, clock: Y.getState(client.doc.store, client.doc.clientID) });
          }
        }
      }
      await disk.release();
      await Promise.all(present.map((client) => client.saved()));
      note();
      for (const index of [0, 1, 2, 3]) {
        const reader = stockClient(server.ws, nameOf(index));
        await reader.synced();
        const kept = reader.doc.getMap('edits');
        const lost = echoed[index]!.filter((key) => !kept.has(key));
        reader.destroy();
        if (lost.length > 0) throw new Error(`echoed and lost in ${nameOf(index)}: ${lost.join(', ')}`);
      }
      for (const client of all) client.destroy();
    }),
    { numRuns: FUZZ_RUNS, endOnFailure: true },
  );
  t.equal(run, FUZZ_RUNS, 'every run was made');
});
