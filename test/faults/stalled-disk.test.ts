import t from 'tap';
import type * as Y from 'yjs';
import { faultyDisk } from '../harness/faulty-disk.js';
import { startServer } from '../harness/server-process.js';
import { converged, stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const textOf = (doc: Y.Doc): string => doc.getText('text').toString();

void t.test('row 5: a disk that hangs: peers see the edit, the writer gets no echo; released, it does', async (t) => {
  const disk = await faultyDisk(t);
  const server = await startServer({ env: disk.env });
  t.teardown(() => server.cleanup());

  const writer = stockClient(server.ws, 'doc');
  const peer = stockClient(server.ws, 'doc');
  const crowd = Array.from({ length: 6 }, () => stockClient(server.ws, 'doc'));
  t.teardown(() => [writer, peer, ...crowd].forEach((client) => client.destroy()));
  await Promise.all([writer, peer, ...crowd].map((client) => client.synced()));
  writer.doc.getText('text').insert(0, 'before');
  await writer.saved();

  await disk.stall();
  writer.doc.getText('text').insert(0, 'while stalled ');
  await converged([writer, peer], textOf);
  // Whoever shares a tick with them is a peer like others.
  for (let i = 0; i < 40; i++) for (const { doc } of [writer, peer]) doc.getText('text').insert(0, `${i % 10}`);
  await converged([writer, peer], textOf);
  t.notOk(peer.isSaved(), 'two that write at once see each other, and neither is told that it is saved');
  const many = [writer, peer, ...crowd];
  for (let i = 0; i < 20; i++) for (const { doc } of many) doc.getText('text').insert(0, `${i % 10}`);
  await converged(many, textOf);
  t.notOk(
    many.some((client) => client.isSaved()),
    'so do eight',
  );
  // Another document too: the store is one. A read still answers.
  const other = stockClient(server.ws, 'other');
  t.teardown(() => other.destroy());
  await other.synced();
  other.doc.getText('text').insert(0, 'also');
  await until(async () => (await fetch(`${server.http}/api/v1/health/live`)).status === 200);
  t.notOk(writer.isSaved(), 'no echo while the disk hangs');
  t.notOk(other.isSaved());
  const readiness = async (): Promise<number> => (await fetch(`${server.http}/api/v1/health/ready`)).status;
  await until(async () => (await readiness()) === 503, { what: 'readiness tells that the disk hangs' });
  await until(() => server.output().includes('the disk has not answered a write'), { what: 'the log says so' });

  await disk.release();
  await Promise.all([writer.saved(), peer.saved(), other.saved()]);
  t.ok(textOf(peer.doc).endsWith('while stalled before'));
  await until(async () => (await readiness()) === 200, { what: 'readiness returns' });

  await t.test('kill -9 while the disk hangs loses nothing that was echoed', async (t) => {
    const writer = stockClient(server.ws, 'killed');
    await writer.synced();
    writer.doc.getText('text').insert(0, 'kept');
    await writer.saved();
    await disk.stall();
    writer.doc.getText('text').insert(0, 'unconfirmed ');
    writer.disconnect();
    await server.kill();
    writer.destroy();

    const again = await startServer({ dataDir: server.dataDir });
    t.teardown(() => again.cleanup());
    const reader = stockClient(again.ws, 'killed');
    t.teardown(() => reader.destroy());
    await reader.synced();
    t.ok(textOf(reader.doc).endsWith('kept'));
  });
});

void t.test('row 7: a slow store has one compaction in flight, however many documents are due', async (t) => {
  const disk = await faultyDisk(t, 150);
  const server = await startServer({ env: disk.env });
  t.teardown(() => server.cleanup());
  const metric = async (name: string): Promise<number> => {
    const value = new RegExp(`^${name} (\\d+)`, 'm').exec(await (await fetch(`${server.http}/metrics`)).text())?.[1];
    if (value === undefined) throw new Error(`there is no metric ${name}`);
    return Number(value);
  };
  // Documents of half a megabyte, replaced until their logs hold more than twice as much: all are due at once.
  const writers = Array.from({ length: 5 }, (_, i) => stockClient(server.ws, `due-${i}`));
  t.teardown(() => writers.forEach((client) => client.destroy()));
  await Promise.all(writers.map((client) => client.synced()));
  for (let round = 0; round < 4; round++) {
    for (const { doc } of writers) doc.getMap('m').set('value', new Uint8Array(512 * 1024).fill(round));
    await Promise.all(writers.map((client) => client.saved()));
  }
  let most = 0;
  await until(
    async () => {
      most = Math.max(most, await metric('formloom_compactions_in_flight'));
      return (await metric('formloom_compactions_total')) >= writers.length;
    },
    { what: 'every document is compacted' },
  );
  t.equal(most, 1);
});
