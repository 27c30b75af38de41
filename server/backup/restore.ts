/**
 * Puts an archive into an empty store, of whichever kind. The whole archive is verified first: a damaged one changes
 * nothing.
 */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import * as Y from 'yjs';
import { movedEntry } from '../history/index.js';
import type { KeyRing } from '../storage/encrypted/index.js';
import { START, type AppendOptions, type NewUpdate, type Position } from '../storage/index.js';
import { ArchiveDamagedError, type Header, type HeaderOf } from './archive-format.js';
import { partsOf, readArchive } from './archive-reader.js';
import { fileNameOf, pathOf } from './file-path.js';
import { isOfStoreAlone, type Installation } from './installation.js';
import { beginRestore, endRestore, isRestoreUnfinished } from './unfinished-restore.js';
import { verifyArchive, type Verified } from './verify.js';

/** There is something in the store: nothing was written. */
export class StoreNotEmptyError extends Error {
  constructor(readonly found: string) {
    super(`The store is not empty: it holds ${found}. A backup is restored into an empty store alone.`);
    this.name = 'StoreNotEmptyError';
  }
}

export interface RestoreOptions {
  /** Verify the archive and look at the store; write nothing. */
  readonly isDryRun?: boolean;
  /**
   * The store takes the place of the one that was backed up, which nobody has edited since: documents keep their epoch,
   * and copies in browsers stay good. Absent: each document begins a new life, and what came after the backup is undone.
   */
  readonly isMove?: boolean;
}

/** @throws ArchiveDamagedError, StoreNotEmptyError: nothing was written then; what the store throws */
export async function restoreArchive(
  file: string,
  ring: KeyRing,
  into: Installation,
  { isDryRun = false, isMove = false }: RestoreOptions = {},
): Promise<Verified> {
  const verified = await verifyArchive(file, ring);
  if (verified.damage.length > 0) throw new ArchiveDamagedError(file, verified.damage);
  await requireEmpty(into);
  if (isDryRun) return verified;
  await beginRestore(into.records);
  // Documents first: the log of changes names positions, which are others here.
  const documents = new DocumentRestorer(into.documents, isMove);
  for await (const { header, body } of framesOf(file, ring)) await documents.take(header, body);
  const rest = new RestRestorer(into, documents.moves);
  for await (const { header, body } of framesOf(file, ring)) await rest.take(header, body);
  await rest.end();
  await endRestore(into.records);
  return verified;
}

/** @throws StoreNotEmptyError */
async function requireEmpty(storage: Installation): Promise<void> {
  if (await isRestoreUnfinished(storage.records)) throw new StoreNotEmptyError('what an interrupted restore has left');
  const { data } = await storage.documents.list('', null, 1);
  if (data[0] !== undefined) throw new StoreNotEmptyError(`the document "${data[0].document}"`);
  for await (const { key } of storage.records.scan([])) {
    if (!isOfStoreAlone(key)) throw new StoreNotEmptyError(`the record ${key.join('/')}`);
  }
  for await (const stream of storage.events.streams()) throw new StoreNotEmptyError(`the event stream "${stream}"`);
  for await (const name of storage.files.list()) throw new StoreNotEmptyError(`the uploaded file ${pathOf(name)}`);
}

async function* framesOf(file: string, ring: KeyRing): AsyncGenerator<{ header: Header; body: Buffer }> {
  for await (const frame of readArchive(file, ring)) {
    // Whole a moment ago.
    if (!frame.isWhole) throw new ArchiveDamagedError(file, [frame.damage]);
    yield frame;
  }
}

/** Where a document's log was, and where it is now. */
interface Move {
  readonly epoch: string;
  newEpoch: string;
  readonly positions: Map<Position, Position>;
}

class DocumentRestorer {
  readonly moves = new Map<string, Move>();

  constructor(
    private readonly log: Installation['documents'],
    private readonly isMove: boolean,
  ) {}

  async take(header: Header, body: Buffer): Promise<void> {
    if (header.kind === 'document') await this.#begin(header, body);
    if (header.kind === 'updates') await this.#append(header, body);
    if (header.kind === 'tombstones') for (const document of header.documents) await this.log.erase(document);
  }

  async #begin({ document, epoch, hasState, updates }: HeaderOf<'document'>, state: Buffer): Promise<void> {
    this.moves.set(document, { epoch, newEpoch: '', positions: new Map() });
    if (!hasState && updates > 0) return;
    // As it was: one folded state, and after it what was not folded, with its authors.
    const folded = hasState ? state : Buffer.from(Y.encodeStateAsUpdate(new Y.Doc()));
    const at = Date.now();
    const attribution = { principal: 'system', at, source: 'system' } as const;
    const position = await this.log.append(document, [{ update: folded, attribution }], {
      ifAbsent: true,
      ...this.#lifeOf(epoch),
    });
    await this.log.compact(document, position, folded);
    await this.#learnEpoch(document);
  }

  async #append({ document, updates }: HeaderOf<'updates'>, body: Buffer): Promise<void> {
    const parts = partsOf(
      body,
      updates.map(({ bytes }) => bytes),
    );
    const fresh = updates.map(({ principal, name, at, source }, i): NewUpdate => {
      const attribution = name === undefined ? { principal, at, source } : { principal, name, at, source };
      return { update: parts[i] ?? Buffer.of(), attribution };
    });
    const before = (await this.log.load(document)).position;
    const move = this.moves.get(document);
    await this.log.append(document, fresh, this.#lifeOf(move?.epoch ?? ''));
    if (move === undefined) return;
    const logged = await this.log.history(document, before === START ? START : before, updates.length);
    logged.forEach(({ position }, i) => move.positions.set(updates[i]?.position ?? '', position));
    await this.#learnEpoch(document);
  }

  #lifeOf(epoch: string): AppendOptions {
    return this.isMove && epoch !== '' ? { epoch } : {};
  }

  async #learnEpoch(document: string): Promise<void> {
    const move = this.moves.get(document);
    if (move !== undefined) move.newEpoch = (await this.log.info(document))?.epoch ?? '';
  }
}

/** Events, records and files. */
class RestRestorer {
  /** Old and new ids of the events of the stream that is being restored, oldest first. */
  #ids: { readonly old: string; readonly now: string }[] = [];
  #file: { readonly content: PassThrough; readonly written: Promise<unknown> } | undefined;

  constructor(
    private readonly into: Installation,
    private readonly moves: ReadonlyMap<string, Move>,
  ) {}

  async take(header: Header, body: Buffer): Promise<void> {
    if (header.kind === 'events') await this.#events(header, body);
    if (header.kind === 'stream') await this.#consumers(header);
    if (header.kind === 'records') await this.#records(header, body);
    if (header.kind === 'file') await this.#takeFile(header, body);
  }

  async #events({ stream, ids }: HeaderOf<'events'>, body: Buffer): Promise<void> {
    const data = JSON.parse(body.toString()) as unknown[];
    const moved = data.map((entry) => movedEntry(stream, entry, (document) => this.moves.get(document)));
    const now = await this.into.events.append(stream, moved);
    ids.forEach((old, i) => this.#ids.push({ old, now: now[i] ?? '' }));
  }

  async #consumers({ stream, consumers }: HeaderOf<'stream'>): Promise<void> {
    for (const [consumer, place] of consumers) {
      // The last event that it has seen; when none of those is kept, it begins with the first that is.
      const seen = this.#ids.findLast(({ old }) => old <= place);
      if (seen !== undefined) await this.into.events.commit(stream, consumer, seen.now);
    }
    this.#ids = [];
  }

  async #records({ records }: HeaderOf<'records'>, body: Buffer): Promise<void> {
    const values = partsOf(
      body,
      records.map(({ bytes }) => bytes),
    );
    await Promise.all(
      records.map(({ key, expiresAt }, i) =>
        this.into.records.put(key, values[i] ?? Buffer.of(), expiresAt === undefined ? {} : { expiresAt }),
      ),
    );
  }

  async #takeFile({ path, offset }: HeaderOf<'file'>, body: Buffer): Promise<void> {
    if (offset === 0) {
      await this.end();
      const content = new PassThrough();
      this.#file = { content, written: this.into.files.write(fileNameOf(path), content) };
      // Who waits for it in `end` is told.
      this.#file.written.catch((error: unknown) => content.destroy(error instanceof Error ? error : undefined));
    }
    if (this.#file?.content.write(body) === false) await once(this.#file.content, 'drain');
  }

  /** The file that is being written is whole. */
  async end(): Promise<void> {
    this.#file?.content.end();
    await this.#file?.written;
    this.#file = undefined;
  }
}
