import { execFileSync } from 'node:child_process';
import { chmod, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import t from 'tap';
import type * as Y from 'yjs';
import { restClient } from '../harness/rest-client.js';
import { startServer, temporaryFolder } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const textOf = (doc: Y.Doc): string => doc.getText('text').toString();
const isRoot = process.getuid?.() === 0;

void t.test('a second process on the same folder says so and leaves the first alone', async (t) => {
  const first = await startServer();
  t.teardown(() => first.cleanup());
  const second = await startServer({ dataDir: first.dataDir, isExpectedToFail: true });
  await until(() => second.child.exitCode !== null);
  t.not(second.child.exitCode, 0);
  await second.said(/in use by another/);
  t.notMatch(second.output(), /\n\s+at /, 'one clear line, no stack trace');
  t.equal((await fetch(`${first.http}/api/v1/health/ready`)).status, 200);
});

void t.test('a folder that cannot be written is named', { skip: isRoot && 'root may write anywhere' }, async (t) => {
  const folder = await temporaryFolder();
  await chmod(folder, 0o500);
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  const server = await startServer({ dataDir: folder, isExpectedToFail: true });
  await until(() => server.child.exitCode !== null);
  await server.said(/cannot be written/);
});

void t.test('a full disk', { skip: !isRoot && 'mounting needs root' }, async (t) => {
  const folder = await temporaryFolder();
  const disk = path.join(folder, 'disk');
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
  const ballast = path.join(disk, 'ballast');
  const server = await startServer({ dataDir: disk });
  t.teardown(async () => {
    if (server.child.exitCode === null) await server.kill();
    execFileSync('umount', [disk]);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  const writer = stockClient(server.ws, 'doc');
  t.teardown(() => writer.destroy());
  await writer.synced();
  writer.doc.getText('text').insert(0, 'saved ');
  await writer.saved();
  const elsewhere = stockClient(server.ws, 'elsewhere');
  await elsewhere.synced();
  elsewhere.doc.getText('text').insert(0, 'elsewhere');
  await elsewhere.saved();
  elsewhere.destroy();

  const handle = await open(ballast, 'w');
  const block = Buffer.alloc(64 * 1024);
  for (;;) {
    const written = await handle.write(block).catch(() => undefined);
    if (written === undefined || written.bytesWritten < block.length) break;
  }
  await handle.close();
  await until(
    async () => {
      writer.doc.getText('text').insert(0, 'x'.repeat(2_000));
      return (await fetch(`${server.http}/api/v1/health/ready`)).status === 503;
    },
    { what: () => `readiness turns false:\n${server.output()}` },
  );
  t.notOk(writer.isSaved(), 'nothing claims to be saved');
  await server.said(/cannot be written/);
  const reader = stockClient(server.ws, 'elsewhere');
  t.teardown(() => reader.destroy());
  await reader.synced();
  t.equal(textOf(reader.doc), 'elsewhere', 'other documents are served');

  await rm(ballast);
  await writer.saved();
  await until(async () => (await fetch(`${server.http}/api/v1/health/ready`)).status === 200);
  const text = textOf(writer.doc);
  await server.kill();
  const again = await startServer({ dataDir: disk });
  const after = stockClient(again.ws, 'doc');
  await after.synced();
  t.equal(textOf(after.doc), text, 'nothing is lost');
  after.destroy();
  await again.kill();
});

void t.test('a damaged entry: that document fails with a clear error, the others are served', async (t) => {
  const first = await startServer();
  t.teardown(() => first.cleanup());
  for (const name of ['good', 'bad']) {
    const client = stockClient(first.ws, name);
    await client.synced();
    client.doc.getText('text').insert(0, `${name} `.repeat(2_000));
    await client.saved();
    client.destroy();
  }
  await first.terminate();
  const store = path.join(first.dataDir, 'store');
  let damaged = 0;
  for (const name of await readdir(store)) {
    const file = path.join(store, name);
    if (!(await stat(file)).isFile()) continue;
    const bytes = await readFile(file);
    const at = bytes.indexOf('bad bad bad');
    if (at === -1) continue;
    bytes[at + 100] = (bytes[at + 100] ?? 0) ^ 0xff;
    await writeFile(file, bytes);
    damaged += 1;
  }
  t.ok(damaged > 0, 'a byte was flipped in the stored text');

  const again = await startServer({ dataDir: first.dataDir, isExpectedToFail: true });
  t.teardown(() => again.cleanup());
  await until(async () => (await fetch(`${again.http}/api/v1/health/live`).catch(() => undefined))?.status === 200);
  const good = stockClient(again.ws, 'good');
  const bad = stockClient(again.ws, 'bad');
  t.teardown(() => [good, bad].forEach((client) => client.destroy()));
  await good.synced();
  t.equal(textOf(good.doc), 'good '.repeat(2_000));
  await until(() => bad.closes.includes(1013), { what: 'the damaged document is refused' });
  t.notOk(bad.provider.synced);
  t.equal((await fetch(`${again.http}/api/v1/health/ready`)).status, 503, 'an operator is told');
  await again.said(/damaged/);
  await again.said(/bad|\.log/);
});

/** The first byte of its key: server/storage/embedded/keys.ts. */
const LOGGED_UPDATE = 0x03;

/** Flips a bit of the logged update that holds this text, as the store would read it from a bad disk. */
async function damageUpdate(folder: string, text: string): Promise<void> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path.join(folder, 'store'), {
    ...{ keyEncoding: 'view', valueEncoding: 'view' },
  });
  let damaged = 0;
  for await (const [key, value] of level.iterator()) {
    const at = Buffer.from(value).indexOf(text);
    // Records and events tell of the update, and hold the text too.
    if (at < 0 || key[0] !== LOGGED_UPDATE) continue;
    await level.put(key, Buffer.from(value).fill((value[at] ?? 0) ^ 1, at, at + 1));
    damaged += 1;
  }
  await level.close();
  t.equal(damaged, 1);
}

void t.test('a damaged form: its snapshot is still there, the log says it once, and it can be erased', async (t) => {
  const first = await startServer();
  t.teardown(() => first.cleanup());
  const before = restClient(first.http);
  t.equal((await before.post('/forms', { id: 'hurt', title: { en: 'Before' }, pages: [] })).status, 201);
  const { id } = (await before.post('/documents/form%2Fhurt/snapshots', { label: 'good' })).body as { id: string };
  const operations = [{ op: 'setTitle', target: 'form', language: 'en', value: 'Afterwards' }];
  t.equal((await before.patch('/forms/hurt', { operations })).status, 200);
  await first.terminate();
  await damageUpdate(first.dataDir, 'Afterwards');

  const again = await startServer({ dataDir: first.dataDir });
  t.teardown(() => again.cleanup());
  const rest = restClient(again.http);
  for (let i = 0; i < 3; i++)
    t.match(await rest.get('/forms/hurt'), { status: 503, body: { code: 'document_corrupted' } });
  t.equal((await rest.get('/health/ready')).body.checks.documents, 'damaged: form/hurt');
  await again.said(/is damaged and cannot be loaded/);
  t.equal(again.output().match(/is damaged and cannot be loaded/g)?.length, 1);
  const content = await rest.get(`/documents/form%2Fhurt/snapshots/${id}`);
  t.equal(content.body.content.title.en, 'Before');
  // The way back: what the snapshot holds, as a new form.
  t.equal((await rest.post('/forms', { ...content.body.content, id: 'healed' })).status, 201);
  t.equal((await rest.get('/forms/healed')).body.title.en, 'Before');
  t.equal((await rest.delete('/documents/form%2Fhurt')).status, 200);
  t.equal((await rest.get('/health/ready')).status, 200);
});
