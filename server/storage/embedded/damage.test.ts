import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { backUp } from '../../backup/back-up.js';
import { ArchiveWriter } from '../../backup/archive-writer.js';
import { KeyRing } from '../encrypted/key-ring.js';
import { DocumentCorruptedError, StorageUnavailableError } from '../errors.js';
import { bytesOf, newDataFolder, openFolder } from '../testing/embedded-folder.js';
import { saying, textsOf } from '../testing/store-under-test.js';

const WRITER = fileURLToPath(new URL('./testing/crashing-writer.ts', import.meta.url));

/**
 * Flips a bit in the middle of where `marker` lies in the store's files; answers the names of those files. Compression
 * may take the first and last bytes of a marker together with their neighbours: only its inner part is looked for.
 */
async function flipWithin(folder: string, marker: Buffer): Promise<string[]> {
  const needle = marker.subarray(16, -16);
  const flipped: string[] = [];
  const store = path.join(folder, 'store');
  for (const name of await readdir(store)) {
    const at = (await readFile(path.join(store, name))).indexOf(needle);
    if (at < 0) continue;
    const file = await open(path.join(store, name), 'r+');
    const middle = needle.length >> 1;
    await file.write(Buffer.of((needle[middle] ?? 0) ^ 1), 0, 1, at + middle);
    await file.close();
    flipped.push(name);
  }
  return flipped;
}

async function damagedStore(t: Test, inTable: boolean): Promise<{ folder: string; flipped: string[] }> {
  const folder = await newDataFolder(t);
  const first = await openFolder(t, folder);
  const marker = randomBytes(64);
  for (const name of ['a', 'b', 'c', 'd']) {
    await first.documents.append(name, [saying(`first of ${name}`)]);
    const update = name === 'b' ? marker : randomBytes(64);
    await first.documents.append(name, [{ ...saying(''), update }]);
    await first.documents.append(name, [saying(`last of ${name}`)]);
  }
  // An erasure brings everything into tables.
  if (inTable) await first.documents.erase('anything');
  await first.close();
  return { folder, flipped: await flipWithin(folder, marker) };
}

for (const [where, inTable, pattern] of [
  ['the write-ahead log', false, /\.log$/],
  ['a table', true, /\.ldb$/],
] as const) {
  void t.test(`a bit that flips in ${where} costs the document that it hits, and no other`, async (t) => {
    const { folder, flipped } = await damagedStore(t, inTable);
    t.ok(flipped.length === 1 && pattern.test(flipped[0] ?? ''), `in ${flipped.join() || 'no file'}`);
    const { documents } = await openFolder(t, folder);
    await t.rejects(documents.load('b'), DocumentCorruptedError);
    for (const name of ['a', 'c', 'd']) {
      const texts = textsOf((await documents.load(name)).updates);
      t.strictSame([texts.length, texts[0], texts[2]], [3, `first of ${name}`, `last of ${name}`]);
    }
    t.strictSame(
      (await documents.list('', null, 10)).data.map(({ document }) => document),
      ['a', 'b', 'c', 'd'],
    );
    await documents.erase('b');
    t.strictSame(
      (await documents.list('', null, 10)).data.map(({ document }) => document),
      ['a', 'c', 'd'],
    );
  });
}

void t.test('a damaged record or event is named, and hides none beside it', async (t) => {
  const folder = await newDataFolder(t);
  const first = await openFolder(t, folder);
  const marker = randomBytes(64);
  for (const name of ['a', 'b', 'c']) {
    await first.records.put(['r', name], name === 'b' ? marker : Buffer.from(name));
    await first.events.append('e', [name === 'b' ? marker.toString('hex') : name]);
  }
  await first.close();
  await flipWithin(folder, marker);
  await flipWithin(folder, Buffer.from(marker.toString('hex')));

  const storage = await openFolder(t, folder);
  const { records, events } = storage;
  const found: string[] = [];
  for await (const { key } of records.scan(['r'])) found.push(key[1] ?? '');
  t.strictSame(found, ['a', 'c']);
  t.strictSame(
    (await events.range('e', { limit: 2 })).map(({ data }) => data),
    ['a', 'c'],
  );
  t.match(storage.health(), { state: 'failing', reason: /the record r\/b .*the event \d+ of the stream "e"/ });
  await t.rejects(records.get(['r', 'b']), { code: 'document_corrupted', message: /"r\/b" is damaged/ });
  await t.rejects(records.put(['r', 'b'], Buffer.from('anew'), { ifVersion: null }), { code: 'document_corrupted' });

  const archive = new ArchiveWriter(new KeyRing([]), () => Promise.resolve());
  const { totals, unreadable } = await backUp(storage, archive, { id: 'id', version: '1' });
  t.match([totals.records, totals.events], [2, 2]);
  t.match(unreadable, [{ value: /the event/ }, { value: 'the record r/b' }]);

  t.equal(await records.delete(['r', 'b']), true);
  t.equal(await records.get(['r', 'b']), undefined);
});

void t.test('a block of a table that cannot be read hides what is in it alone', async (t) => {
  const folder = await newDataFolder(t);
  const first = await openFolder(t, folder);
  const names = Array.from({ length: 60 }, (_, i) => `d${String(i).padStart(2, '0')}`);
  // Long names make a block of heads, too; what repeats is compressed, so that a block is read as a whole or not at all.
  const long = (name: string): string => `${name}/`.padEnd(200, 'long ');
  for (const name of names) {
    await first.documents.append(long(name), [saying(name.repeat(60))]);
    await first.records.put(['r', name], Buffer.from(name.repeat(60)));
    await first.events.append('e', [name.repeat(60)]);
  }
  await first.documents.erase('anything');
  await first.close();
  const store = path.join(folder, 'store');
  const tables = (await readdir(store)).filter((name) => name.endsWith('.ldb'));
  t.equal(tables.length, 1);
  const table = path.join(store, tables[0] ?? '');
  const intact = await readFile(table);
  let hurt = 0;
  for (const part of [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) {
    const copy = await newDataFolder(t);
    await cp(folder, copy, { recursive: true });
    const bytes = Buffer.from(intact).fill(
      0xff,
      Math.floor(intact.length * part),
      Math.floor(intact.length * part) + 64,
    );
    await writeFile(path.join(copy, 'store', tables[0] ?? ''), bytes);
    const damaged = await openFolder(t, copy);
    const { documents, records, events } = damaged;
    let found = 0;
    for await (const { key } of records.scan(['r'])) found += key.length - 1;
    const listed = (await documents.list('', null, 1_000)).data.length;
    const told = (await events.range('e')).length;
    const loads = await Promise.allSettled(names.map((name) => documents.load(long(name))));
    t.ok(
      loads.every((load) =>
        load.status === 'rejected'
          ? load.reason instanceof DocumentCorruptedError
          : load.value.updates.length === 1 || listed < names.length,
      ),
    );
    const missing = [found, listed, told].map((count) => names.length - count);
    t.ok(missing.filter((count) => count > 0).length <= 2 && missing.every((count) => count < 45), missing.join());
    if (missing.some((count) => count > 0)) {
      t.match(damaged.health(), { state: 'failing', reason: /damaged: .*part of/ });
      hurt += 1;
    }
    await damaged.close();
  }
  t.ok(hurt > 0);
});

async function logOf(folder: string): Promise<string> {
  const names = await readdir(path.join(folder, 'store'));
  return path.join(folder, 'store', names.find((name) => name.endsWith('.log')) ?? '');
}

/** Where the record that holds `text` begins, in the first block of a log. */
function recordOf(log: Buffer, text: string): number {
  const within = log.indexOf(text);
  for (let at = 0; ;) {
    const next = at + 7 + log.readUInt16LE(at + 4);
    if (next > within) return at;
    at = next;
  }
}

for (const [what, damage, mostHurt] of [
  ['the length of a record', (log: Buffer, at: number) => log.writeUInt8(log.readUInt8(at + 5) ^ 0x10, at + 5), 0],
  ['the kind of a record', (log: Buffer, at: number) => log.writeUInt8(log.readUInt8(at + 6) ^ 0x10, at + 6), 0],
  ['half a kilobyte that reads as zeros', (log: Buffer, at: number) => log.fill(0, at, at + 512), 4],
] as const) {
  void t.test(`${what}, damaged in the log, costs what it hits, and nothing behind it`, async (t) => {
    const folder = await newDataFolder(t);
    const first = await openFolder(t, folder);
    const names = Array.from({ length: 40 }, (_, i) => `d${String(i).padStart(2, '0')}`);
    for (const name of names) await first.documents.append(name, [saying(`${name}:`.padEnd(150, 'x'))]);
    await first.close();
    const file = await logOf(folder);
    const log = await readFile(file);
    damage(log, recordOf(log, 'd20:'));
    await writeFile(file, log);

    const again = await openFolder(t, folder);
    t.match(again.health(), { state: 'failing', reason: /damaged/ });
    const loads = await Promise.allSettled(names.map((name) => again.documents.load(name)));
    const hurt = loads.flatMap((load, i) =>
      load.status === 'fulfilled' && load.value.updates.length === 1 ? [] : [names[i] ?? ''],
    );
    t.ok(hurt.length <= mostHurt, `hurt: ${hurt.join()}`);
    t.ok(
      loads.every((load) => load.status === 'rejected' || load.value.updates.length === 1),
      'none is taken for empty',
    );
  });
}

void t.test('what a crash left of an append stays no append, whatever its bytes look like', async (t) => {
  const folder = await newDataFolder(t);
  const first = await openFolder(t, folder);
  await first.records.put(['right'], Buffer.from('viewer'));
  await first.close();
  // Whole records of an own store, in which the same person has all rights.
  const forged = await newDataFolder(t);
  const other = await openFolder(t, forged);
  for (let i = 0; i < 9; i++) await other.records.put(['right'], Buffer.from('owner'));
  await other.close();
  const again = await openFolder(t, folder);
  await again.documents.append('doc', [saying('before')]);
  const lookalike = await readFile(await logOf(forged));
  await again.documents.append('doc', [{ ...saying(''), update: Buffer.concat([lookalike, Buffer.alloc(100, 'x')]) }]);
  await again.close();
  const file = await logOf(folder);
  const cutOff = (await readFile(file)).indexOf(lookalike) + lookalike.length;
  await truncate(file, cutOff);
  const { documents, records } = await openFolder(t, folder);
  t.equal(Buffer.from((await records.get(['right']))?.value ?? []).toString(), 'viewer');
  t.equal((await documents.load('doc')).updates.length, 1);
});

void t.test('a damaged log does not bring back what a later one has replaced', async (t) => {
  const folder = await newDataFolder(t);
  const first = await openFolder(t, folder);
  await first.records.put(['key'], Buffer.from('replaced'));
  await first.records.put(['damaged'], Buffer.from('damaged value'));
  await first.close();
  const file = await logOf(folder);
  const log = await readFile(file);
  const second = await openFolder(t, folder);
  await second.records.put(['key'], Buffer.from('in its place'));
  await second.close();
  // As a crash leaves it that came before LevelDB could delete it.
  log.writeUInt8(log.readUInt8(log.indexOf('damaged value')) ^ 1, log.indexOf('damaged value'));
  await writeFile(file, log);
  const { records } = await openFolder(t, folder);
  t.equal(Buffer.from((await records.get(['key']))?.value ?? []).toString(), 'in its place');
});

void t.test('a second process on the same folder is told who has it', async (t) => {
  const folder = await newDataFolder(t);
  const storage = await openFolder(t, folder);
  const second = spawnSync(process.execPath, ['--import=tsx', WRITER, folder], { encoding: 'utf8' });
  t.not(second.status, 0);
  t.match(second.stderr, /in use by another Formloom process/);
  await storage.documents.append('unharmed', [saying('a')]);
});

void t.test('a folder that cannot be written is refused with its name', async (t) => {
  const folder = await newDataFolder(t);
  await chmod(folder, 0o555);
  t.teardown(() => chmod(folder, 0o755));
  if (process.getuid?.() !== 0) {
    await t.rejects(openFolder(t, folder), { constructor: StorageUnavailableError, message: /DATA_DIR/ });
  }
  // Also for root, whom no mode stops: a file stands where the folder should be.
  const file = path.join(await newDataFolder(t), 'file');
  await writeFile(file, 'not a folder');
  await t.rejects(openFolder(t, file), { code: 'storage_unavailable', message: /cannot be written.*DATA_DIR/ });
});

void t.test('the first erasure of a new store leaves no byte either', async (t) => {
  const folder = await newDataFolder(t);
  const { documents, records, events } = await openFolder(t, folder);
  const secrets = Array.from({ length: 3 }, () => randomBytes(24).toString('base64url'));
  const [document = '', record = '', event = ''] = secrets;
  await documents.append('d', [saying(document)]);
  await documents.erase('d');
  await records.put(['r'], Buffer.from(record));
  await records.erase(['r']);
  await events.append('e', [event]);
  await events.erase('e');
  const medium = await bytesOf(folder);
  for (const secret of secrets) t.notOk(medium.includes(secret));
});
