import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import type * as Y from 'yjs';
import { startServer, temporaryFolder } from '../harness/server-process.js';
import { converged, stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const textOf = (doc: Y.Doc): string => doc.getText('text').toString();

void t.test('a disk that hangs: peers see the edit, the writer gets no echo; released, it does', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  const library = path.join(folder, 'stall-fsync.so');
  const stallFile = path.join(folder, 'stall');
  execFileSync('gcc', ['-shared', '-fPIC', '-o', library, path.join(import.meta.dirname, 'stall-fsync.c'), '-ldl']);
  const server = await startServer({ env: { LD_PRELOAD: library, STALL_FILE: stallFile } });
  t.teardown(() => server.cleanup());

  const writer = stockClient(server.ws, 'doc');
  const peer = stockClient(server.ws, 'doc');
  t.teardown(() => [writer, peer].forEach((client) => client.destroy()));
  await Promise.all([writer.synced(), peer.synced()]);
  writer.doc.getText('text').insert(0, 'before');
  await writer.saved();

  await writeFile(stallFile, '');
  writer.doc.getText('text').insert(0, 'while stalled ');
  await converged([writer, peer], textOf);
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
  t.match(server.output(), /the disk has not answered a write/);

  await rm(stallFile);
  await Promise.all([writer.saved(), other.saved()]);
  t.equal(textOf(peer.doc), 'while stalled before');
  await until(async () => (await readiness()) === 200, { what: 'readiness returns' });
});

void t.test('kill -9 while the disk hangs loses nothing that was echoed', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  const library = path.join(folder, 'stall-fsync.so');
  const stallFile = path.join(folder, 'stall');
  execFileSync('gcc', ['-shared', '-fPIC', '-o', library, path.join(import.meta.dirname, 'stall-fsync.c'), '-ldl']);
  const server = await startServer({ env: { LD_PRELOAD: library, STALL_FILE: stallFile } });
  t.teardown(() => server.cleanup());
  const writer = stockClient(server.ws, 'doc');
  await writer.synced();
  writer.doc.getText('text').insert(0, 'kept');
  await writer.saved();
  await writeFile(stallFile, '');
  writer.doc.getText('text').insert(0, 'unconfirmed ');
  writer.disconnect();
  await server.kill();
  writer.destroy();

  const again = await startServer({ dataDir: server.dataDir });
  t.teardown(() => again.cleanup());
  const reader = stockClient(again.ws, 'doc');
  t.teardown(() => reader.destroy());
  await reader.synced();
  t.ok(textOf(reader.doc).endsWith('kept'));
});
