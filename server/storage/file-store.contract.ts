import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import type { Test } from 'tap';
import type { FileName } from './file-store.js';
import { eventually, type OpenStore, type ReadMedium } from './testing/store-under-test.js';

/** What every `FileStore` promises. */
export async function fileStoreContract(t: Test, open: OpenStore<'files'>, readMedium: ReadMedium): Promise<void> {
  const nameOf = (fileId: string, submissionId = 's1', formId = 'f1'): FileName => ({ formId, submissionId, fileId });
  const bytesIn = async (content: Readable | undefined): Promise<Buffer | undefined> =>
    content === undefined ? undefined : Buffer.concat(await content.toArray());
  const named = async (files: { list(): AsyncIterable<FileName> }, formId: string): Promise<string[]> => {
    const names: string[] = [];
    for await (const name of files.list()) {
      if (name.formId === formId) names.push(`${name.submissionId}/${name.fileId}`);
    }
    return names.sort();
  };

  await t.test('a file is read as it was written, whatever its size, by every node', async (t) => {
    const [one, two] = [(await open(t, 'one')).files, (await open(t, 'two')).files];
    for (const size of [0, 1, 128 * 1024, 256 * 1024, 256 * 1024 + 1, 700_000]) {
      const content = randomBytes(size);
      const name = nameOf(`size-${size}`, 's1', 'sizes');
      // In pieces that are no part's size.
      const pieces = Readable.from([content.subarray(0, size / 3), content.subarray(size / 3)]);
      const sha256 = createHash('sha256').update(content).digest('hex');
      t.strictSame(await one.write(name, pieces), { bytes: size, sha256 });
      t.ok(content.equals((await bytesIn(await two.read(name))) ?? Buffer.of()), `${size} bytes`);
    }
    t.equal((await named(two, 'sizes')).length, 6);
    t.equal(await two.read(nameOf('nothing')), undefined);
  });

  await t.test('a file is rewritten in its place; one that is erased meanwhile stays so', async (t) => {
    const { files } = await open(t);
    const name = nameOf('a', 's1', 'rewritten');
    const text = (what: string): Buffer => Buffer.from(`${what} `.repeat(100_000));
    await files.write(name, Readable.from([text('first bytes')]));
    t.equal(await files.rewrite(name, Readable.from([text('second bytes')])), true);
    t.ok(text('second bytes').equals((await bytesIn(await files.read(name))) ?? Buffer.of()));
    t.strictSame(await named(files, 'rewritten'), ['s1/a']);
    t.equal(await files.rewrite(nameOf('b', 's1', 'rewritten'), Readable.from([text('none')])), false);
    const content = new PassThrough();
    const rewriting = files.rewrite(name, content);
    content.write(Buffer.from('half'));
    await eventually('it is being written', () => content.readableLength === 0);
    await files.erase({ formId: 'rewritten' });
    content.end();
    t.equal(await rewriting, false);
    t.equal(await files.read(name), undefined);
    for (const what of ['first bytes', 'second bytes']) {
      await eventually(`the ${what} are gone`, async () => !(await readMedium()).includes(what));
    }
  });

  await t.test('half a file is no file, and nothing is left of one whose content fails', async (t) => {
    const { files } = await open(t);
    const upload = new PassThrough();
    const writing = files.write(nameOf('half', 's1', 'halves'), upload);
    for (let i = 0; i < 8; i++) upload.write(Buffer.from(`half of a needle ${'x'.repeat(100_000)}`));
    t.equal(await files.read(nameOf('half', 's1', 'halves')), undefined);
    t.strictSame(await named(files, 'halves'), []);
    upload.destroy(new Error('the line was cut'));
    await t.rejects(writing, /the line was cut/);
    t.equal(await files.read(nameOf('half', 's1', 'halves')), undefined);
    await files.erase({ formId: 'halves' });
    await eventually('its bytes are gone', async () => !(await readMedium()).includes('half of a needle'));
  });

  await t.test('deleted and erased files leave the medium, their neighbours stay', async (t) => {
    const { files } = await open(t);
    const all = [
      nameOf('a', 's1', 'gone'),
      nameOf('b', 's1', 'gone'),
      nameOf('c', 's2', 'gone'),
      nameOf('d', 's1', 'go'),
    ];
    for (const name of all) {
      const text = `needle ${name.fileId}-${name.formId} `;
      await files.write(name, Readable.from([Buffer.from(text.repeat(1_000))]));
    }
    const isThere = async (what: string): Promise<boolean> => (await readMedium()).includes(`needle ${what} `);
    t.equal(await isThere('d-go'), readMedium.hidesContent !== true, 'in the clear, unless the store encrypts');
    await files.delete(all[0]!);
    t.strictSame(await named(files, 'gone'), ['s1/b', 's2/c']);
    await files.erase({ formId: 'gone', submissionId: 's1' });
    t.strictSame(await named(files, 'gone'), ['s2/c']);
    await files.erase({ formId: 'gone' });
    t.strictSame(await named(files, 'gone'), []);
    t.strictSame(await named(files, 'go'), ['s1/d'], 'a form whose id begins alike keeps its file');
    for (const what of ['a-gone', 'b-gone', 'c-gone']) {
      await eventually(`the bytes of ${what} are gone`, async () => !(await isThere(what)));
    }
  });

  await t.test('a file that is erased while it is written does not come back', async (t) => {
    const { files } = await open(t);
    const upload = new PassThrough();
    const writing = files.write(nameOf('late', 's1', 'erased'), upload);
    upload.write(Buffer.from('first half'));
    await eventually('it is being written', () => upload.readableLength === 0);
    await files.erase({ formId: 'erased' });
    upload.end(Buffer.from('second half'));
    await t.rejects(writing);
    t.strictSame(await named(files, 'erased'), []);
  });
}
