import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { SnapshotStore, type NewSnapshot, type SnapshotInfo } from './snapshots.js';
import { bytesOf, newDataFolder, openFolder } from './testing/embedded-folder.js';

async function newSnapshots(t: Test): Promise<{ snapshots: SnapshotStore; folder: string }> {
  const folder = await newDataFolder(t);
  return { snapshots: new SnapshotStore((await openFolder(t, folder)).records), folder };
}

function snapshotOf(state: Uint8Array, label = 'Draft'): NewSnapshot {
  return { state, label, kind: 'manual', principal: 'ada' };
}

void t.test('a snapshot gives back the state that it was taken of', async (t) => {
  const { snapshots } = await newSnapshots(t);
  const state = Uint8Array.from(randomBytes(10_000));
  const info = await snapshots.take('form', snapshotOf(state, 'Before the review 字'));
  t.match(info, {
    document: 'form',
    label: 'Before the review 字',
    kind: 'manual',
    createdBy: 'ada',
    bytes: 10_000,
    createdAt: Number,
  });
  const loaded = await snapshots.load('form', info.id);
  t.strictSame(loaded?.info, info);
  t.ok(Buffer.from(loaded?.state ?? []).equals(state));
  t.equal(await snapshots.load('form', 'none'), undefined);
  t.equal(await snapshots.load('other', info.id), undefined);
});

void t.test('snapshots are listed newest first, page by page, each document’s own', async (t) => {
  const { snapshots } = await newSnapshots(t);
  const taken: SnapshotInfo[] = [];
  for (let i = 0; i < 5; i++) taken.unshift(await snapshots.take('form', snapshotOf(Buffer.from([i]), String(i))));
  await snapshots.take('form/2', snapshotOf(Buffer.from('other')));
  for (const limit of [1, 2, 5, 10]) {
    const found: SnapshotInfo[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<SnapshotStore['list']>> = await snapshots.list('form', { limit, cursor });
      t.ok(page.data.length <= limit);
      found.push(...page.data);
      cursor = page.nextCursor;
    } while (cursor !== null);
    t.strictSame(found, taken);
  }
  t.strictSame(await snapshots.list('unwritten', { limit: 10, cursor: null }), { data: [], nextCursor: null });
});

void t.test('a deleted snapshot is gone, and the bytes with it', async (t) => {
  const { snapshots, folder } = await newSnapshots(t);
  // Random, so that no compression hides it.
  const [first, second, third] = [randomBytes(500), randomBytes(500), randomBytes(500)];
  const one = await snapshots.take('form', snapshotOf(first));
  const two = await snapshots.take('form', snapshotOf(second));
  await snapshots.take('form/2', snapshotOf(third));
  t.ok(includesPart(await bytesOf(folder), first), 'the medium is what is read here');
  t.equal(await snapshots.delete('form', one.id), true);
  t.equal(await snapshots.delete('form', one.id), false);
  t.equal(await snapshots.load('form', one.id), undefined);
  t.strictSame((await snapshots.list('form', { limit: 10, cursor: null })).data, [two]);
  t.notOk(includesPart(await bytesOf(folder), first));
  t.equal(await snapshots.eraseAll('form'), 1);
  const medium = await bytesOf(folder);
  t.notOk(includesPart(medium, second));
  t.ok(includesPart(medium, third), 'another document keeps its own');
});

/** Some bytes from the middle: what stands around them may be stored otherwise. */
function includesPart(medium: Buffer, state: Buffer): boolean {
  return medium.includes(state.subarray(200, 232));
}
