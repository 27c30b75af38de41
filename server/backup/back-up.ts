/**
 * Reads a whole installation into an archive while it is being edited.
 *
 * Every document is read at one position of its log. Events come before records, records before documents: a record that
 * is in the archive finds the documents it speaks of, and the log of changes is never ahead of the documents.
 */
import { Digest, inParts } from '../storage/files/digest.js';
import {
  DocumentCorruptedError,
  DocumentErasedError,
  StorageError,
  type FileName,
  type LoggedUpdate,
  type OnDamaged,
} from '../storage/index.js';
import { GATHER_BYTES, noTotals, type HeaderOf, type Totals, type Unreadable } from './archive-format.js';
import type { ArchiveWriter } from './archive-writer.js';
import { pathOf } from './file-path.js';
import { isOfStoreAlone, type Installation } from './installation.js';

export interface BackupOptions {
  readonly id: string;
  /** Of Formloom. */
  readonly version: string;
  /** 0 to 1. */
  readonly onProgress?: (progress: number) => void;
}

export interface BackupResult {
  readonly totals: Totals;
  /** Damaged documents, records and events: all others are in the archive. */
  readonly unreadable: readonly Unreadable[];
}

const EVENTS_PER_READ = 500;
const DOCUMENTS_PER_LIST = 500;

/** @throws what the store throws, except for single damaged values */
export async function backUp(
  storage: Installation,
  archive: ArchiveWriter,
  { id, version, onProgress = () => undefined }: BackupOptions,
): Promise<BackupResult> {
  const totals = noTotals();
  const unreadable: Unreadable[] = [];
  await archive.add({ kind: 'begin', id, createdAt: Date.now(), version, store: storage.kind });
  const onDamaged: OnDamaged = (value, reason) => void unreadable.push({ value, reason });
  await addEvents(storage, archive, totals, onDamaged);
  onProgress(0.1);
  await addRecords(storage, archive, totals, onDamaged);
  onProgress(0.2);
  const names = await documentNames(storage);
  for (const [i, document] of names.entries()) {
    const reason = await addDocument(storage, archive, document, totals);
    if (reason !== undefined) unreadable.push({ document, reason });
    onProgress(0.2 + (0.6 * (i + 1)) / names.length);
  }
  await addTombstones(storage, archive, totals);
  await addFiles(storage, archive, totals);
  await archive.end(totals, unreadable);
  onProgress(1);
  return { totals, unreadable };
}

type Source = Installation;

async function addEvents(
  { events }: Source,
  archive: ArchiveWriter,
  totals: Totals,
  onDamaged: OnDamaged,
): Promise<void> {
  for await (const stream of events.streams()) {
    // Before the events: a consumer never stands behind what is in the archive of them.
    const consumers = [...(await events.consumers(stream))];
    let after: string | undefined;
    for (;;) {
      const page = await events.range(stream, {
        limit: EVENTS_PER_READ,
        onDamaged,
        ...(after === undefined ? {} : { after }),
      });
      if (page.length === 0) break;
      const body = Buffer.from(JSON.stringify(page.map(({ data }) => data)));
      await archive.add({ kind: 'events', stream, ids: page.map((event) => event.id) }, body);
      totals.events += page.length;
      totals.bytes += body.length;
      after = page.at(-1)?.id;
    }
    await archive.add({ kind: 'stream', stream, consumers });
    totals.streams += 1;
  }
}

async function addRecords(
  { records }: Source,
  archive: ArchiveWriter,
  totals: Totals,
  onDamaged: OnDamaged,
): Promise<void> {
  let gathered: HeaderOf<'records'>['records'] = [];
  let values: Uint8Array[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (gathered.length === 0) return;
    await archive.add({ kind: 'records', records: gathered }, Buffer.concat(values));
    totals.records += gathered.length;
    totals.bytes += bytes;
    [gathered, values, bytes] = [[], [], 0];
  };
  for await (const { key, value, expiresAt } of records.scan([], { onDamaged })) {
    if (isOfStoreAlone(key)) continue;
    const [first, ...rest] = key;
    gathered.push({ key: [first, ...rest], bytes: value.length, ...(expiresAt === undefined ? {} : { expiresAt }) });
    values.push(value);
    bytes += value.length;
    if (bytes > GATHER_BYTES || gathered.length >= 5_000) await flush();
  }
  await flush();
}

async function documentNames({ documents }: Source): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await documents.list('', cursor, DOCUMENTS_PER_LIST);
    names.push(...page.data.map(({ document }) => document));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return names;
}

/** Answers why it could not be read. */
async function addDocument(
  { documents }: Source,
  archive: ArchiveWriter,
  document: string,
  totals: Totals,
): Promise<string | undefined> {
  try {
    const { snapshot, updates, position, epoch = '' } = await documents.load(document);
    const header = { document, epoch, position, hasState: snapshot !== undefined, updates: updates.length };
    await archive.add({ kind: 'document', ...header }, snapshot);
    for (const group of groupsOf(updates)) {
      const facts = group.map(({ update, attribution, position: at }) => ({
        ...attribution,
        position: at,
        bytes: update.length,
      }));
      const body = Buffer.concat(group.map(({ update }) => update));
      await archive.add({ kind: 'updates', document, updates: facts }, body);
      totals.bytes += body.length;
    }
    totals.documents += 1;
    totals.updates += updates.length;
    totals.bytes += snapshot?.length ?? 0;
    return undefined;
  } catch (error) {
    // Erased since it was listed: it comes with the tombstones.
    if (error instanceof DocumentErasedError) return undefined;
    if (error instanceof DocumentCorruptedError) return error.detail;
    throw error;
  }
}

function* groupsOf(updates: readonly LoggedUpdate[]): Generator<LoggedUpdate[]> {
  let group: LoggedUpdate[] = [];
  let bytes = 0;
  for (const logged of updates) {
    group.push(logged);
    bytes += logged.update.length;
    if (bytes < GATHER_BYTES && group.length < 5_000) continue;
    yield group;
    [group, bytes] = [[], 0];
  }
  if (group.length > 0) yield group;
}

async function addTombstones({ documents }: Source, archive: ArchiveWriter, totals: Totals): Promise<void> {
  const erased: string[] = [];
  for await (const document of documents.tombstones()) erased.push(document);
  if (erased.length > 0) await archive.add({ kind: 'tombstones', documents: erased });
  totals.tombstones += erased.length;
}

async function addFiles({ files }: Source, archive: ArchiveWriter, totals: Totals): Promise<void> {
  for await (const name of files.list()) {
    const parts = await partsOf(files, name);
    if (parts === undefined) continue;
    let offset = 0;
    for (const part of parts) {
      await archive.add({ kind: 'file', path: pathOf(name), offset }, part);
      offset += part.length;
    }
    totals.files += 1;
    totals.bytes += offset;
  }
}

/** All of it before the first goes into the archive; undefined when it was erased meanwhile. */
async function partsOf(files: Source['files'], name: FileName): Promise<Buffer[] | undefined> {
  const parts: Buffer[] = [];
  try {
    const content = await files.read(name);
    if (content === undefined) return undefined;
    for await (const { part } of inParts(new Digest().through(content), GATHER_BYTES)) parts.push(part);
    return parts;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'file_erased') return undefined;
    throw error;
  }
}
