import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Test } from 'tap';
import { START, type DocumentLog, type LoggedUpdate } from './document-log.js';
import { DocumentErasedError, DocumentExistsError } from './errors.js';
import { hostileText } from './testing/hostile-text.js';
import {
  byBytes,
  bytes,
  eventually,
  saying,
  textOf,
  textsOf,
  type OpenStore,
  type ReadMedium,
} from './testing/store-under-test.js';

/** What every `DocumentLog` promises. */
export async function documentLogContract(
  t: Test,
  open: OpenStore<'documents'>,
  readMedium: ReadMedium,
): Promise<void> {
  await t.test('what was erased is listed as such, and nothing else', async (t) => {
    const { documents } = await open(t);
    await documents.append('grave/kept', [saying('stays')]);
    await documents.append('grave/{erased}:é', [saying('goes')]);
    await documents.erase('grave/{erased}:é');
    const found: string[] = [];
    for await (const document of documents.tombstones()) if (document.startsWith('grave/')) found.push(document);
    t.strictSame(found, ['grave/{erased}:é']);
  });

  await t.test('a log gives back what was appended, from all nodes, in order', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    t.strictSame(await one.documents.load('log'), { updates: [], position: START });
    const update = saying('a');
    const named = { ...saying('b'), attribution: { principal: 'bob', name: 'Bob 字', at: 5, source: 'undo' } as const };
    const first = await one.documents.append('log', [update, named]);
    const second = await two.documents.append('log', [saying('c')]);
    const { updates, position, epoch, snapshot } = await one.documents.load('log');
    t.strictSame(textsOf(updates), ['a', 'b', 'c']);
    t.match(updates[0], { node: 'one', attribution: update.attribution });
    t.strictSame(updates[1]?.attribution, named.attribution);
    t.equal(updates[2]?.node, one.documents.isShared ? 'two' : 'one');
    t.strictSame([updates[1]?.position, updates[2]?.position, position, snapshot], [first, second, second, undefined]);
    t.type(epoch, 'string');
    t.strictSame(textsOf(await one.documents.history('log', first, 10)), ['c']);
    t.strictSame(textsOf(await one.documents.history('log', START, 2)), ['a', 'b']);
    t.strictSame(await one.documents.history('log', START, 0), []);
    t.strictSame(await one.documents.history('unwritten', START, 10), []);
  });

  await t.test('an append of nothing changes nothing and answers the last position', async (t) => {
    const { documents } = await open(t);
    t.equal(await documents.append('nothing', []), START);
    t.equal(await documents.info('nothing'), undefined);
    t.strictSame((await documents.list('nothing', null, 10)).data, []);
    const position = await documents.append('nothing', [saying('a')], { ifAbsent: true });
    t.equal(await documents.append('nothing', []), position);
  });

  await t.test('appends made at once keep their order, and each has its own position', async (t) => {
    const { documents } = await open(t);
    const texts = Array.from({ length: 600 }, (_, i) => String(i));
    const positions = await Promise.all(texts.map((text) => documents.append('busy', [saying(text)])));
    const { updates } = await documents.load('busy');
    t.strictSame(textsOf(updates), texts);
    t.strictSame(
      updates.map(({ position }) => position),
      positions,
    );
    t.equal(new Set(positions).size, texts.length);
  });

  await t.test('a load is not held up by appends to other documents', async (t) => {
    const { documents } = await open(t);
    let isLoaded = false;
    const others = Array.from({ length: 4 }, async (_, i) => {
      for (let n = 0; !isLoaded; n++) await documents.append(`noise ${i}`, [saying(String(n))]);
    });
    for (let n = 0; n < 20; n++) {
      const appended = documents.append('calm', [saying(String(n))]);
      t.equal((await documents.load('calm')).updates.length >= n, true);
      await appended;
    }
    isLoaded = true;
    await Promise.all(others);
  });

  await t.test('what an append has answered, a store opened anew gives back', async (t) => {
    const first = await open(t);
    const upTo = await first.documents.append('kept', [saying('a'), saying('b')]);
    await first.documents.append('kept', [saying('c')]);
    await first.documents.compact('kept', upTo, bytes('ab'));
    const last = await first.documents.append('kept', [saying('d')]);
    const [before, info] = [await first.documents.load('kept'), await first.documents.info('kept')];
    await first.close();
    const { documents } = await open(t);
    t.strictSame(await documents.load('kept'), before);
    t.strictSame(await documents.info('kept'), info);
    t.strictSame((await documents.list('kept', null, 10)).data, [info]);
    t.equal(before.position, last);
    const next = await documents.append('kept', [saying('e')]);
    const after = await documents.load('kept');
    t.strictSame([textOf(after.snapshot), textsOf(after.updates), after.position], ['ab', ['c', 'd', 'e'], next]);
  });

  await t.test('a document is seeded once, whoever tries', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const tries = [one, two, one, two].map(({ documents }, i) =>
      documents.append('seed', [saying(String(i))], { ifAbsent: true }).then(
        () => 'seeded',
        (error: unknown) => (error instanceof DocumentExistsError ? 'exists' : error),
      ),
    );
    t.strictSame((await Promise.all(tries)).sort(), ['exists', 'exists', 'exists', 'seeded']);
    t.equal((await one.documents.load('seed')).updates.length, 1);
  });

  await t.test('a document that is created with an epoch goes on with that life', async (t) => {
    const { documents } = await open(t);
    const epoch = randomUUID();
    await documents.append('moved', [saying('a')], { epoch });
    await documents.append('moved', [saying('b')], { epoch: randomUUID() });
    t.equal((await documents.load('moved')).epoch, epoch, 'no later append changes it');
    t.equal((await documents.info('moved'))?.epoch, epoch);
  });

  await t.test('a state is replaced where it ends, when that is asked for', async (t) => {
    const { documents } = await open(t);
    const upTo = await documents.append('again', [saying('a')]);
    t.equal(await documents.compact('again', upTo, bytes('a')), 'done');
    t.equal(await documents.compact('again', upTo, bytes('another a')), 'lost the race');
    t.equal(await documents.compact('again', upTo, bytes('the same a'), { again: true }), 'done');
    const later = await documents.append('again', [saying('b')]);
    t.equal(await documents.compact('again', upTo, bytes('a once more'), { again: true }), 'done');
    t.equal(textOf((await documents.load('again')).snapshot), 'a once more');
    t.strictSame(textsOf((await documents.load('again')).updates), ['b']);
    t.equal(await documents.compact('again', later, bytes('a and b'), { again: true }), 'done');
    t.equal(await documents.compact('again', upTo, bytes('late'), { again: true }), 'lost the race');
  });

  await t.test('a compaction replaces what it includes, and only the first one does', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const early = await one.documents.append('folded', [saying('a')]);
    const middle = await one.documents.append('folded', [saying('b')]);
    const last = await two.documents.append('folded', [saying('c')]);
    t.equal(await one.documents.compact('folded', START, bytes('nothing')), 'lost the race');
    t.equal(await one.documents.compact('unwritten', last, bytes('nothing')), 'lost the race');
    t.equal(await one.documents.compact('folded', middle, bytes('ab')), 'done');
    for (const position of [early, middle]) {
      t.equal(await two.documents.compact('folded', position, bytes('old')), 'lost the race');
    }
    const { snapshot, updates, position } = await two.documents.load('folded');
    t.strictSame([textOf(snapshot), textsOf(updates), position], ['ab', ['c'], last]);
    t.match(await one.documents.info('folded'), { updates: 3, uncompactedUpdates: 1 });
    t.equal(await two.documents.compact('folded', last, bytes('abc')), 'done');
    t.strictSame(await one.documents.history('folded', START, 10), []);
    t.match(await one.documents.info('folded'), { updates: 3, uncompactedUpdates: 0, uncompactedBytes: 0 });
    const next = await one.documents.append('folded', [saying('d')]);
    t.equal((await one.documents.load('folded')).position, next);
  });

  await t.test('compactions that race leave one complete form', async (t) => {
    const stores = [await open(t, 'one'), await open(t, 'two')].map(({ documents }) => documents);
    const positions: string[] = [];
    for (let i = 0; i < 10; i++) positions.push(await pick(stores, 0).append('raced', [saying(String(i))]));
    const texts = (count: number): string => Array.from({ length: count }, (_, i) => String(i)).join('');
    await Promise.all(positions.map((position, i) => pick(stores, i).compact('raced', position, bytes(texts(i + 1)))));
    const { snapshot, updates } = await pick(stores, 0).load('raced');
    t.equal(textOf(snapshot) + textsOf(updates).join(''), texts(10));
  });

  await t.test(
    'compactions that race appends lose nothing, repeat nothing, and no load sees them half done',
    async (t) => {
      const stores = [await open(t, 'one'), await open(t, 'two')].map(({ documents }) => documents);
      let isOver = false;
      const expected = Array.from({ length: 150 }, (_, i) => `${i},`);
      const appending = (async () => {
        for (const [i, text] of expected.entries()) await pick(stores, i).append('contested', [saying(text)]);
        isOver = true;
      })();
      let done = 0;
      const compacting = stores.map(async (documents) => {
        while (!isOver) {
          const { snapshot, updates, position } = await documents.load('contested');
          const text = textOf(snapshot) + textsOf(updates).join('');
          if (!expected.join('').startsWith(text)) t.equal(text, '', 'a load that is no prefix of what was appended');
          if ((await documents.compact('contested', position, bytes(text))) === 'done') done++;
        }
      });
      await Promise.all([appending, ...compacting]);
      const { snapshot, updates } = await pick(stores, 0).load('contested');
      t.equal(textOf(snapshot) + textsOf(updates).join(''), expected.join(''));
      t.ok(done > 1, `${done} compactions`);
      t.match(await pick(stores, 1).info('contested'), { updates: expected.length });
    },
  );

  await t.test(
    'a subscriber gets everything after its position, from all nodes, never two calls at once',
    async (t) => {
      const stores = [await open(t, 'one'), await open(t, 'two')].map(({ documents }) => documents);
      const from = await pick(stores, 0).append('followed', [saying('before')]);
      await pick(stores, 1).append('followed', [saying('missed')]);
      const seen: string[] = [];
      let calls = 0;
      const subscription = await pick(stores, 1).subscribe('followed', from, async (updates: LoggedUpdate[]) => {
        t.equal(++calls, 1);
        await Promise.resolve();
        seen.push(...textsOf(updates));
        calls--;
      });
      t.strictSame(seen, ['missed'], 'what was there is delivered first');
      const texts = Array.from({ length: 50 }, (_, i) => String(i));
      for (const text of texts) await pick(stores, Number(text)).append('followed', [saying(text)]);
      await pick(stores, 0).append('followed', [saying('x'.repeat(300_000))]);
      await eventually('all has arrived', () => seen.length === 52);
      t.strictSame(seen.slice(1, -1), texts);
      await subscription.close();
      await pick(stores, 0).append('followed', [saying('after')]);
      t.equal(seen.length, 52);
    },
  );

  await t.test('a subscription that begins among appends has no gap', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const texts = Array.from({ length: 120 }, (_, i) => String(i));
    const appending = Promise.all(texts.map((text) => one.documents.append('joined', [saying(text)])));
    const seen: string[][] = [[], [], []];
    for (const each of seen) {
      await two.documents.subscribe('joined', START, (updates) => void each.push(...textsOf(updates)));
    }
    await appending;
    await eventually('all has arrived', () => seen.every((each) => each.length >= texts.length));
    for (const each of seen) t.strictSame(each, texts);
  });

  await t.test('a subscriber that a compaction has overtaken gets the state', async (t) => {
    const { documents } = await open(t);
    const from = await documents.append('overtaken', [saying('a')]);
    const upTo = await documents.append('overtaken', [saying('b')]);
    await documents.append('overtaken', [saying('c')]);
    await documents.compact('overtaken', upTo, bytes('state of a and b'));
    const seen: string[] = [];
    await documents.subscribe('overtaken', from, (updates) => void seen.push(...textsOf(updates)));
    t.strictSame(seen, ['state of a and b', 'c']);
  });

  await t.test('a subscriber that fails is told, and gets nothing more', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const from = await one.documents.append('failing', [saying('before')]);
    const failing = (updates: LoggedUpdate[]): void => {
      seen.push(...textsOf(updates));
      throw new Error('It cannot take that');
    };
    const seen: string[] = [];
    const broken: unknown[] = [];
    await t.rejects(one.documents.subscribe('failing', START, failing, (error) => broken.push(error)));
    await one.documents.subscribe('failing', from, failing, (error) => broken.push(error));
    await two.documents.append('failing', [saying('a')]);
    await eventually('it is told', () => broken.length > 0);
    await two.documents.append('failing', [saying('b')]);
    const after: string[] = [];
    await one.documents.subscribe('failing', from, (updates) => void after.push(...textsOf(updates)));
    t.strictSame([seen, after, broken.length], [['before', 'a'], ['a', 'b'], 1]);
  });

  await t.test('documents are listed by prefix, in order and in pages', async (t) => {
    const { documents } = await open(t);
    const names = ['list/a', 'list/a/b', 'list/é', 'list/z', 'list{}', 'lisu'];
    for (const name of names.toReversed()) await documents.append(name, [saying(name)]);
    for (const size of [1, 2, 3, 5, 1000]) {
      const pages = await allPages(documents, 'list', size);
      t.ok(pages.every((page) => page.length <= size));
      t.strictSame(pages.flat(), ['list/a', 'list/a/b', 'list/z', 'list/é', 'list{}']);
    }
    t.strictSame((await documents.list('list/a/', null, 1000)).data[0], await documents.info('list/a/b'));
    const fromThere = (await documents.list('list', 'list/b', 2)).data.map(({ document }) => document);
    t.strictSame(fromThere, ['list/z', 'list/é'], 'a cursor is a name, there or not');
    const before = await documents.list('', null, 1);
    const { data } = await documents.list('list/a', before.nextCursor, 10);
    t.ok(
      data.every(({ document }) => document.startsWith('list/a')),
      'a cursor of another prefix opens no other',
    );
  });

  await t.test('an erased document stays erased', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const position = await one.documents.append('erased', [saying('a'), saying('b')]);
    await one.documents.compact('erased', position, bytes('ab'));
    const receipt = await two.documents.erase('erased');
    t.match(receipt, { document: 'erased', updates: 2, bytes: Number, erasedAt: Number });
    t.equal((await one.documents.erase('erased')).erasedAt, receipt.erasedAt);
    const isErased = async (documents: DocumentLog): Promise<void> => {
      await t.rejects(documents.append('erased', [saying('c')]), DocumentErasedError);
      await t.rejects(documents.append('erased', [saying('c')], { ifAbsent: true }), DocumentErasedError);
      await t.rejects(documents.load('erased'), DocumentErasedError);
      await t.rejects(documents.history('erased', START, 10), DocumentErasedError);
      await t.rejects(documents.compact('erased', position, bytes('x')), DocumentErasedError);
      t.equal(await documents.info('erased'), undefined);
      t.strictSame((await documents.list('erased', null, 10)).data, []);
    };
    for (const { documents } of [one, two]) await isErased(documents);
    await one.close();
    await isErased((await open(t, 'one')).documents);
  });

  await t.test('a document that was never written can be erased, and then not be written', async (t) => {
    const { documents } = await open(t);
    t.match(await documents.erase('unborn'), { document: 'unborn', updates: 0, bytes: 0 });
    await t.rejects(documents.append('unborn', [saying('a')], { ifAbsent: true }), DocumentErasedError);
  });

  await t.test('an erasure leaves no byte of the content, whatever was appended meanwhile', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    // Random, so that no compression of the medium hides it.
    const secrets = Array.from({ length: 6 }, () => randomBytes(24));
    const containing = (secret: Buffer | undefined): Buffer => Buffer.concat([randomBytes(90), secret ?? Buffer.of()]);
    const append = async (documents: DocumentLog, secret: Buffer | undefined): Promise<string> =>
      documents.append('secret', [{ ...saying(''), update: containing(secret) }]);
    await append(one.documents, secrets[0]);
    const upTo = await append(two.documents, secrets[1]);
    await one.documents.compact('secret', upTo, containing(secrets[2]));
    await append(one.documents, secrets[3]);
    await append(two.documents, secrets[3]);
    const neighbour = randomBytes(24);
    await one.documents.append('secret neighbour', [{ ...saying(''), update: neighbour }]);
    const isHidden = readMedium.hidesContent === true;
    t.equal((await readMedium()).includes(pick(secrets, 3)), !isHidden, 'the medium is what is read here');
    let isErased = false;
    const late = [one, two].map(async ({ documents }, i) => {
      for (;;) {
        try {
          await append(documents, secrets[4 + i]);
        } catch (error) {
          if (error instanceof DocumentErasedError) return;
          throw error;
        }
        if (isErased) t.fail('appended after the erasure');
      }
    });
    await one.documents.erase('secret');
    isErased = true;
    await Promise.all(late);
    await eventually('nothing of it is left', async () => {
      const medium = await readMedium();
      return secrets.every((secret) => !medium.includes(secret));
    });
    // Compression may take its first and last bytes together with what lies beside it.
    t.equal((await readMedium()).includes(neighbour.subarray(4, -4)), !isHidden);
    t.strictSame((await one.documents.load('secret neighbour')).updates[0]?.update.length, neighbour.length);
  });

  await t.test('no name, however hostile, reaches another document or prefix', async (t) => {
    const { documents } = await open(t);
    let run = 0;
    const names = fc.uniqueArray(hostileText, { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(names, fc.string(), async (texts, cursor) => {
        const root = `hostile ${++run}:`;
        const all = texts.map((text) => root + text);
        await Promise.all(all.map((name) => documents.append(name, [saying(name)], { ifAbsent: true })));
        for (const name of all) {
          t.strictSame(textsOf((await documents.load(name)).updates), [name]);
          const under = all.filter((other) => other.startsWith(name)).sort(byBytes);
          t.strictSame((await allPages(documents, name, 3)).flat(), under);
          const page = await documents.list(name, cursor, 1000).catch(() => undefined);
          t.ok(page === undefined || page.data.every(({ document }) => document.startsWith(name)), 'any cursor');
        }
        const [first = '', ...others] = all;
        await documents.erase(first);
        await t.rejects(documents.load(first), DocumentErasedError);
        t.strictSame((await allPages(documents, root, 100)).flat(), others.sort(byBytes));
        for (const name of others) t.strictSame(textsOf((await documents.load(name)).updates), [name]);
      }),
      { numRuns: 15 },
    );
  });

  await t.test('subscriptions to documents with hostile names hear their own only', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    const texts = fc.sample(hostileText, { numRuns: 20, seed: 37 });
    const names = [...new Set(['error', 'newListener', 'removeListener', '__proto__', ...texts])];
    const seen = new Map(names.map((name) => [name, [] as string[]]));
    const subscriptions = await Promise.all(
      names.map((name) =>
        two.documents.subscribe(name, START, (updates) => void seen.get(name)?.push(...textsOf(updates))),
      ),
    );
    await Promise.all(names.map((name) => one.documents.append(name, [saying(name)])));
    await eventually('each has heard', () => [...seen.values()].every((heard) => heard.length > 0));
    for (const [name, heard] of seen) t.strictSame(heard, [name]);
    await Promise.all(subscriptions.map((subscription) => subscription.close()));
  });
}

/** What a log adds to the contract when several nodes write it. */
export async function sharedDocumentLogContract(t: Test, open: OpenStore<'documents'>): Promise<void> {
  await t.test('no compaction folds what its live document has not received from another node', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    let release = (): void => undefined;
    const isHeldUp = new Promise<void>((resolve) => (release = resolve));
    await one.documents.append('ahead', [saying('a')]);
    await one.documents.subscribe('ahead', START, (updates) => {
      if (textsOf(updates).includes('foreign')) return isHeldUp;
    });
    await two.documents.append('ahead', [saying('foreign')]);
    const own = await one.documents.append('ahead', [saying('b')]);
    await one.documents.compact('ahead', own, bytes('state of a and b'));
    release();
    t.strictSame(textsOf((await one.documents.load('ahead')).updates), ['foreign', 'b']);
  });

  await t.test('nor what another node has folded that it has not received', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    let release = (): void => undefined;
    const isHeldUp = new Promise<void>((resolve) => (release = resolve));
    await one.documents.append('folded', [saying('a')]);
    await one.documents.subscribe('folded', START, (updates) => {
      if (textsOf(updates).includes('foreign')) return isHeldUp;
    });
    const foreign = await two.documents.append('folded', [saying('foreign')]);
    await two.documents.compact('folded', foreign, bytes('state of a and foreign'));
    const own = await one.documents.append('folded', [saying('b')]);
    t.equal(await one.documents.compact('folded', own, bytes('state of a and b')), 'lost the race');
    release();
    const { snapshot, updates } = await one.documents.load('folded');
    t.strictSame([textOf(snapshot), textsOf(updates)], ['state of a and foreign', ['b']]);
  });

  await t.test('nor what its live document could not take', async (t) => {
    const [one, two] = [await open(t, 'one'), await open(t, 'two')];
    await one.documents.append('refused', [saying('a')]);
    let isBroken = false;
    const take = (updates: LoggedUpdate[]): void => {
      if (textsOf(updates).includes('foreign')) throw new Error('It cannot take that');
    };
    await one.documents.subscribe('refused', START, take, () => (isBroken = true));
    await two.documents.append('refused', [saying('foreign')]);
    await eventually('it is told', () => isBroken);
    await two.documents.append('refused', [saying('more')]);
    const own = await one.documents.append('refused', [saying('b')]);
    await one.documents.compact('refused', own, bytes('state of a and b'));
    t.strictSame(textsOf((await one.documents.load('refused')).updates), ['foreign', 'more', 'b']);
  });
}

/** Names, page by page. */
async function allPages(documents: DocumentLog, prefix: string, size: number): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const { data, nextCursor }: Awaited<ReturnType<DocumentLog['list']>> = await documents.list(prefix, cursor, size);
    pages.push(data.map(({ document }) => document));
    cursor = nextCursor;
  } while (cursor !== null);
  return pages;
}

/** One of them, round and round. */
function pick<T>(all: readonly T[], index: number): T {
  const found = all[index % all.length];
  if (found === undefined) throw new Error('There is none');
  return found;
}
