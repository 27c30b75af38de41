import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import * as Y from 'yjs';
import { START } from '../document-log.js';
import { DocumentExistsError, StorageUnavailableError } from '../errors.js';
import { storageContract } from '../storage.contract.js';
import type { Storage } from '../storage.js';
import { bytesOf, newDataFolder, onlyStoreOf, openFolder } from '../testing/embedded-folder.js';
import { bytes, eventually, saying, textOf, textsOf } from '../testing/store-under-test.js';
import { openFor } from '../redis/testing/opened-storage.js';
import { RedisTestServer } from '../redis/testing/redis-test-server.js';
import { encryptStorage, openEncrypted } from './encrypted-storage.js';
import { DecryptionError, EncryptionKeyMissingError } from './errors.js';
import { KeyRing, type EncryptionKey } from './key-ring.js';
import { KeyRotation, NoCurrentKeyError } from './key-rotation.js';

const logger = pino({ level: 'silent' });
const newKey = (id: string): EncryptionKey => ({ id, key: randomBytes(32) });
const [old, young] = [newKey('old'), newKey('young')];

void t.test('the embedded store, encrypted, keeps the contracts of all ports', async (t) => {
  const folder = await newDataFolder(t);
  const open = onlyStoreOf(folder);
  const ring = new KeyRing([young, old]);
  await storageContract(
    t,
    async (t) => openEncrypted(await open(t), ring, logger),
    Object.assign(() => bytesOf(folder), { hidesContent: true }),
  );
});

void t.test('Redis, encrypted, keeps the contracts of all ports', async (t) => {
  const server = await RedisTestServer.start();
  t.teardown(() => server.stop());
  await storageContract(
    t,
    async (t, node = 'one') =>
      // Each node has a ring of its own, as each process has.
      openEncrypted(await openFor(t, { url: server.url, purgeGatherMs: 100, node }), new KeyRing([young, old]), logger),
    Object.assign(() => bytesOf(server.folder), { hidesContent: true }),
  );
});

/** Opens the folder as a process that has these keys; close it before the next. */
async function openWith(t: Test, folder: string, ...keys: EncryptionKey[]): Promise<Storage> {
  return openEncrypted(await openFolder(t, folder), new KeyRing(keys), logger);
}

void t.test('whoever reads the disk finds neither text nor author', async (t) => {
  const folder = await newDataFolder(t);
  const storage = await openWith(t, folder, old);
  const by = { principal: 'principal-of-ada', name: 'Ada, Countess', at: 1, source: 'sync' } as const;
  const upTo = await storage.documents.append('form/x', [{ update: bytes('text of the update'), attribution: by }]);
  await storage.documents.compact('form/x', upTo, bytes('text of the state'));
  await storage.documents.append('form/x', [{ update: bytes('text after it'), attribution: by }]);
  await storage.records.put(['records', 'a'], bytes('text of the record'));
  await storage.events.append('audit', [{ detail: 'text of the event' }]);
  const { snapshot, updates } = await storage.documents.load('form/x');
  t.strictSame(
    [textOf(snapshot), textsOf(updates), updates[0]?.attribution],
    ['text of the state', ['text after it'], by],
  );
  await storage.close();
  const medium = await bytesOf(folder);
  t.ok(medium.includes('form/x'), 'names stay readable: what is read is the medium');
  for (const secret of ['text of', 'text after', 'Countess', 'principal-of', Buffer.from(old.key), '"detail"']) {
    t.notOk(medium.includes(secret), typeof secret === 'string' ? secret : 'the key');
  }
});

void t.test('an erasure takes the encrypted bytes as well', async (t) => {
  const folder = await newDataFolder(t);
  const inner = await openFolder(t, folder);
  const storage = encryptStorage(inner, new KeyRing([old]), logger);
  await storage.documents.append('form/x', [saying('to be erased')]);
  const sealed = (await inner.documents.load('form/x')).updates[0]?.update ?? bytes('');
  // Behind the header, which LevelDB's compression may cut up.
  const body = Buffer.from(sealed.subarray(-24));
  t.ok((await bytesOf(folder)).includes(body));
  await storage.documents.erase('form/x');
  await eventually('it is gone', async () => !(await bytesOf(folder)).includes(body));
});

void t.test(
  'what was written before encryption was switched on is read, and encrypted when it is written again',
  async (t) => {
    const folder = await newDataFolder(t);
    const plain = await openWith(t, folder);
    const first = await plain.documents.append('form/x', [saying('plain one')]);
    await plain.documents.compact('form/x', first, bytes('plain state'));
    await plain.documents.append('form/x', [saying('plain two')]);
    await plain.records.put(['r', 'a'], bytes('plain record'));
    await plain.events.append('s', [{ plain: 'event' }, 'formloom-sealed:', null]);
    await plain.close();

    const storage = await openWith(t, folder, young);
    const position = await storage.documents.append('form/x', [saying('sealed three')]);
    const { snapshot, updates } = await storage.documents.load('form/x');
    t.strictSame([textOf(snapshot), textsOf(updates)], ['plain state', ['plain two', 'sealed three']]);
    t.equal(updates[0]?.attribution.principal, 'ada');
    t.equal(textOf((await storage.records.get(['r', 'a']))?.value), 'plain record');
    t.strictSame(
      (await storage.events.range('s')).map(({ data }) => data),
      [{ plain: 'event' }, 'formloom-sealed:', null],
    );
    await storage.documents.compact('form/x', position, bytes('sealed state'));
    await storage.records.put(['r', 'a'], bytes('sealed record'));
    await storage.close();

    const without = await openFolder(t, folder);
    t.not(textOf((await without.documents.load('form/x')).snapshot), 'sealed state');
    t.not(textOf((await without.records.get(['r', 'a']))?.value), 'sealed record');
  },
);

void t.test(
  'keys rotate: everything stays readable, and the old key can go when what it encrypted was written again',
  async (t) => {
    const folder = await newDataFolder(t);
    const before = await openWith(t, folder, old);
    const upTo = await before.documents.append('form/x', [saying('one')]);
    await before.documents.compact('form/x', upTo, bytes('state of one'));
    const last = await before.documents.append('form/x', [saying('two')]);
    await before.records.put(['r', 'a'], bytes('record'));
    await before.close();

    const both = await openWith(t, folder, young, old);
    const loaded = await both.documents.load('form/x');
    t.strictSame([textOf(loaded.snapshot), textsOf(loaded.updates)], ['state of one', ['two']]);
    t.strictSame(textsOf(await both.documents.history('form/x', upTo, 10)), ['two']);
    t.equal(textOf((await both.records.get(['r', 'a']))?.value), 'record');
    t.equal(await both.documents.compact('form/x', last, bytes('state of one and two')), 'done');
    await both.records.put(['r', 'a'], bytes('record'));
    await both.close();

    const after = await openWith(t, folder, young);
    t.equal(textOf((await after.documents.load('form/x')).snapshot), 'state of one and two');
    t.equal(textOf((await after.records.get(['r', 'a']))?.value), 'record');
  },
);

void t.test('a key that is missing is named, never shown, and nothing is lost', async (t) => {
  const folder = await newDataFolder(t);
  const before = await openWith(t, folder, old);
  await before.documents.append('form/x', [saying('one')]);
  await before.records.put(['r', 'a'], bytes('record'));
  await before.events.append('s', ['event']);
  await before.close();

  // The young key is proven as well, so that the start does not refuse.
  await (await openWith(t, folder, young, old)).close();
  const without = await openWith(t, folder, young);
  const isMissing = { name: 'EncryptionKeyMissingError', keyId: 'old', message: /"old".*ENCRYPTION_KEYS/ };
  await t.rejects(without.documents.load('form/x'), isMissing);
  await t.rejects(without.documents.history('form/x', START, 10), EncryptionKeyMissingError);
  await t.rejects(
    without.documents
      .subscribe('form/x', START, () => undefined)
      .then(async (subscription) => {
        await subscription.close();
        return without.documents.load('form/x');
      }),
    EncryptionKeyMissingError,
  );
  await t.rejects(without.records.get(['r', 'a']), isMissing);
  await t.rejects(without.events.range('s'), isMissing);
  await t.rejects(without.documents.append('form/x', [saying('anew')], { ifAbsent: true }), DocumentExistsError);
  await without.close();

  const again = await openWith(t, folder, young, old);
  t.strictSame(textsOf((await again.documents.load('form/x')).updates), ['one']);
  t.equal(textOf((await again.records.get(['r', 'a']))?.value), 'record');
  t.strictSame(
    (await again.events.range('s')).map(({ data }) => data),
    ['event'],
  );
});

void t.test('a server does not start with keys that are not those of its store', async (t) => {
  const folder = await newDataFolder(t);
  const before = await openWith(t, folder, old);
  await before.documents.append('form/x', [saying('one')]);
  await before.close();
  const attempts: [string, EncryptionKey[], RegExp][] = [
    ['another key under the id', [{ id: 'old', key: randomBytes(32) }], /key "old" is not the one/],
    [
      'another key under the id, among others',
      [young, { id: 'old', key: randomBytes(32) }],
      /key "old" is not the one/,
    ],
    ['only a new key', [young], /encrypted with the key "old".*none of these/],
    ['no key at all', [], /encrypted with the key "old"/],
  ];
  for (const [title, keys, message] of attempts) {
    const error: unknown = await openWith(t, folder, ...keys).catch((reason: unknown) => reason);
    t.ok(error instanceof StorageUnavailableError, title);
    t.match(error, { message }, title);
    for (const { key } of [...keys, old]) t.notOk(String(error).includes(Buffer.from(key).toString('base64')));
  }
  const after = await openWith(t, folder, old);
  t.strictSame(textsOf((await after.documents.load('form/x')).updates), ['one']);
});

void t.test('a value that is moved or altered does not open', async (t) => {
  const folder = await newDataFolder(t);
  const inner = await openFolder(t, folder);
  const storage = encryptStorage(inner, new KeyRing([old]), logger);
  await storage.documents.append('form/a', [saying('of a')]);
  await storage.records.put(['user', 'ada'], bytes('of ada'));
  await storage.events.append('one', ['of one']);
  const moved = (await inner.documents.load('form/a')).updates;
  await inner.documents.append('form/b', moved);
  await t.rejects(storage.documents.load('form/b'), {
    name: 'DecryptionError',
    keyId: 'old',
    message: /"form\/b".*"old"/,
  });
  const record = (await inner.records.get(['user', 'ada']))?.value ?? bytes('');
  await inner.records.put(['user', 'bob'], record);
  await t.rejects(storage.records.get(['user', 'bob']), DecryptionError);
  await inner.events.append('two', [(await inner.events.range('one'))[0]?.data]);
  await t.rejects(storage.events.range('two'), DecryptionError);
  // An update is not a state, of the same document either.
  await inner.documents.compact('form/a', moved[0]?.position ?? '', moved[0]?.update ?? bytes(''));
  await t.rejects(storage.documents.load('form/a'), { name: 'DocumentCorruptedError' });
  const relabelled = Buffer.from(record);
  relabelled[9] = 2;
  await inner.records.put(['user', 'ada'], relabelled);
  await t.rejects(storage.records.get(['user', 'ada']), DecryptionError, 'the kind is covered by the tag');
  for (const at of [9, 11, 20, 40, record.length - 20, record.length - 1]) {
    const altered = Buffer.from(record);
    altered[at] = (altered[at] ?? 0) ^ 1;
    await inner.records.put(['user', 'ada'], altered);
    const error: unknown = await storage.records.get(['user', 'ada']).catch((reason: unknown) => reason);
    t.ok(error instanceof DecryptionError || error instanceof EncryptionKeyMissingError, `byte ${at}`);
  }
  for (const length of [8, 12, 30, record.length - 1]) {
    await inner.records.put(['user', 'ada'], record.subarray(0, length));
    const error: unknown = await storage.records.get(['user', 'ada']).catch((reason: unknown) => reason);
    t.ok(error instanceof DecryptionError || error instanceof EncryptionKeyMissingError, `${length} bytes`);
  }
});

void t.test('messages between nodes are encrypted; one that cannot be read is dropped', async (t) => {
  const server = await RedisTestServer.start();
  t.teardown(() => server.stop());
  const open = async (node: string, ...keys: EncryptionKey[]): Promise<[Storage, Storage]> => {
    const inner = await openFor(t, { url: server.url, node });
    return [inner, encryptStorage(inner, new KeyRing(keys), logger)];
  };
  const [inner, one] = await open('one', old);
  const [, two] = await open('two', young, old);
  const [, three] = await open('three', young);
  const heard: string[] = [];
  const seen: Buffer[] = [];
  await inner.bus.subscribe('c', (message) => void seen.push(Buffer.from(message)));
  await two.bus.subscribe('c', (message) => void heard.push(`two: ${textOf(message)}`));
  await three.bus.subscribe('c', (message) => void heard.push(`three: ${textOf(message)}`));
  await one.bus.publish('c', bytes('hello'));
  await three.bus.publish('c', bytes('bye'));
  await eventually('all has arrived', () => heard.length === 3);
  t.strictSame(heard.sort(), ['three: bye', 'two: bye', 'two: hello']);
  t.notOk(seen.some((message) => message.includes('hello')));
});

/** All that an old key has encrypted, and something from before there was any. */
async function fill(plain: Storage, storage: Storage): Promise<void> {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (const word of ['one ', 'two ', 'three ']) doc.getText('t').insert(doc.getText('t').length, word);
  const edits = updates.map((update) => ({ ...saying(''), update }));
  await plain.records.put(['r', 'plain'], bytes('from before'));
  await plain.events.append('s', ['from before']);
  for (const name of ['folded', 'both']) {
    const upTo = await storage.documents.append(name, edits.slice(0, 2));
    await storage.documents.compact(name, upTo, Y.mergeUpdates(updates.slice(0, 2)));
  }
  for (const name of ['logged', 'both']) await storage.documents.append(name, edits);
  await storage.records.put(['r', 'a'], bytes('record'), { expiresAt: Date.now() + 3_600_000 });
  await storage.events.append('s', ['event']);
  const file = { formId: 'f', submissionId: 's', fileId: 'file' };
  await storage.files.write(file, Readable.from([Buffer.alloc(300_000, 'f')]));
}

async function contentOf({ documents, records, events, files }: Storage): Promise<unknown> {
  const texts = ['folded', 'logged', 'both'].map(async (name) => {
    const { snapshot, updates } = await documents.load(name);
    const doc = new Y.Doc();
    for (const update of [...(snapshot ? [snapshot] : []), ...updates.map((logged) => logged.update)]) {
      Y.applyUpdate(doc, update);
    }
    return doc.getText('t').toString();
  });
  const file = await files.read({ formId: 'f', submissionId: 's', fileId: 'file' });
  const record = await records.get(['r', 'a']);
  return {
    texts: await Promise.all(texts),
    records: [textOf(record?.value), textOf((await records.get(['r', 'plain']))?.value), typeof record?.expiresAt],
    events: (await events.range('s')).map(({ data }) => data),
    file: Buffer.concat((await file?.toArray()) ?? []).toString(),
  };
}

async function rotates(t: Test, open: () => Promise<Storage>): Promise<void> {
  const first = await open();
  await fill(first, await openEncrypted(first, new KeyRing([old]), logger));
  await first.close();

  const stored = await open();
  const ring = new KeyRing([young, old]);
  const opened = await openEncrypted(stored, ring, logger);
  const before = await contentOf(opened);
  const told: string[] = [];
  const rotation = new KeyRotation({
    ...{ stored, opened, ring, logger },
    beforeFold: async (document) => void told.push(document),
    reclaim: () => stored.reclaim(),
  });
  t.match(await rotation.status(), [
    { id: 'young', isCurrent: true, isHeld: true, isUsed: true },
    { id: 'old', isCurrent: false, isHeld: true, isUsed: true },
  ]);
  const progress: number[] = [];
  t.match(await rotation.run((part) => progress.push(part)), {
    key: 'young',
    rewritten: { documents: 3, records: 2, events: 2, files: 1 },
    retired: ['old'],
    failed: [],
  });
  t.strictSame(told.sort(), ['both', 'folded', 'logged'], 'authors are told before they are folded away');
  t.ok(
    progress.every((part, i) => part >= (progress[i - 1] ?? 0) && part <= 1),
    'progress only grows',
  );
  t.match((await rotation.status())[1], { id: 'old', isUsed: false });
  const again = await rotation.run(() => undefined);
  t.match(again, { rewritten: { documents: 0, records: 0, events: 0, files: 0 }, retired: [] });
  await stored.close();

  const inner = await open();
  const after = await openEncrypted(inner, new KeyRing([young]), logger);
  t.strictSame(await contentOf(after), before, 'without the old key');
  await inner.close();
}

void t.test('a rotation leaves nothing that needs the old key, in the embedded store', async (t) => {
  const folder = await newDataFolder(t);
  await rotates(t, () => openFolder(t, folder));
  const medium = await bytesOf(folder);
  t.notOk(medium.includes('from before'), 'what was never encrypted is, and has left the medium');
});

void t.test('a rotation leaves nothing that needs the old key, in Redis', async (t) => {
  const server = await RedisTestServer.start();
  t.teardown(() => server.stop());
  await rotates(t, () => openFor(t, { url: server.url }));
});

void t.test('what cannot be read keeps its key, and is named', async (t) => {
  const folder = await newDataFolder(t);
  const stored = await openFolder(t, folder);
  const before = await openEncrypted(stored, new KeyRing([old]), logger);
  await before.records.put(['r', 'a'], bytes('record'));
  await before.records.put(['r', 'moved'], bytes('record'));
  await stored.records.put(['r', 'damaged'], (await stored.records.get(['r', 'moved']))!.value);
  const ring = new KeyRing([young, old]);
  const opened = await openEncrypted(stored, ring, logger);
  const rotation = new KeyRotation({
    ...{ stored, opened, ring, logger },
    beforeFold: () => Promise.resolve(),
    reclaim: () => stored.reclaim(),
  });
  const result = await rotation.run(() => undefined);
  t.match(result, { rewritten: { records: 2 }, retired: [], failed: [{ what: 'the record r/damaged' }] });
  t.match((await rotation.status())[1], { id: 'old', isUsed: true });
  const none = new KeyRotation({
    ...{ stored, opened: stored, ring: new KeyRing([]), logger },
    beforeFold: () => Promise.resolve(),
    reclaim: () => stored.reclaim(),
  });
  await t.rejects(
    none.run(() => undefined),
    NoCurrentKeyError,
  );
});
