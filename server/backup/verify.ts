/** Reads a whole archive and opens every document in it. */
import * as Y from 'yjs';
import type { KeyRing } from '../storage/encrypted/index.js';
import { noTotals, type ArchiveDamage, type HeaderOf, type Totals, type Unreadable } from './archive-format.js';
import { partsOf, readArchive, type Frame } from './archive-reader.js';

export interface Verified {
  readonly id: string | undefined;
  /** Unix time in milliseconds. */
  readonly createdAt: number | undefined;
  /** Version of Formloom that wrote it, and the kind of its store. */
  readonly version: string | undefined;
  readonly store: string | undefined;
  /** What was found, as far as it is whole. */
  readonly totals: Totals;
  /** Empty when the archive is whole. */
  readonly damage: readonly ArchiveDamage[];
  /** What was damaged when the backup was made. */
  readonly unreadable: readonly Unreadable[];
}

type WholeFrame = Extract<Frame, { isWhole: true }>;

/** @throws StorageError when a key is missing; what opening the file throws */
export async function verifyArchive(file: string, ring: KeyRing): Promise<Verified> {
  const damage: ArchiveDamage[] = [];
  const totals = noTotals();
  let begin: HeaderOf<'begin'> | undefined;
  let end: HeaderOf<'end'> | undefined;
  let open: OpenDocument | undefined;
  const report = ({ index, offset }: WholeFrame, detail: string): void => {
    damage.push({ frame: index, offset, detail });
  };
  for await (const frame of readArchive(file, ring)) {
    if (!frame.isWhole) {
      damage.push(frame.damage);
      continue;
    }
    const { header, body } = frame;
    if (header.kind !== 'updates' && open !== undefined) {
      const wrong = open.close();
      if (wrong !== undefined) report(open.frame, wrong);
      open = undefined;
    }
    try {
      count(totals, header, body);
      if (header.kind === 'begin') begin = header;
      else if (header.kind === 'end') end = header;
      else if (header.kind === 'document') open = new OpenDocument(frame, header, body);
      else if (header.kind === 'updates') {
        if (open?.header.document !== header.document) report(frame, `updates of "${header.document}" stand alone`);
        else open.add(header, body);
      }
    } catch (error) {
      report(frame, error instanceof Error ? error.message : String(error));
    }
  }
  if (damage.length === 0 && JSON.stringify(end?.totals) !== JSON.stringify(totals)) {
    damage.push({ frame: 0, offset: 0, detail: 'what is in the archive is not what its end says' });
  }
  return {
    id: begin?.id,
    createdAt: begin?.createdAt,
    version: begin?.version,
    store: begin?.store,
    ...{ totals, damage },
    unreadable: end?.unreadable ?? [],
  };
}

/** @throws RangeError when the body does not have the parts that the header tells of */
function count(totals: Totals, header: WholeFrame['header'], body: Buffer): void {
  if (header.kind !== 'end') totals.bytes += body.length;
  if (header.kind === 'document') totals.documents += 1;
  if (header.kind === 'updates') totals.updates += header.updates.length;
  if (header.kind === 'tombstones') totals.tombstones += header.documents.length;
  if (header.kind === 'stream') totals.streams += 1;
  if (header.kind === 'file' && header.offset === 0) totals.files += 1;
  if (header.kind === 'events') totals.events += header.ids.length;
  if (header.kind !== 'records') return;
  totals.records += header.records.length;
  partsOf(
    body,
    header.records.map(({ bytes }) => bytes),
  );
}

/** A document as its frames come; opened as an editor would open it. */
class OpenDocument {
  readonly #doc = new Y.Doc();
  #updates = 0;

  constructor(
    readonly frame: WholeFrame,
    readonly header: HeaderOf<'document'>,
    state: Buffer,
  ) {
    if (header.hasState) Y.applyUpdate(this.#doc, state);
  }

  add(header: HeaderOf<'updates'>, body: Buffer): void {
    const sizes = header.updates.map(({ bytes }) => bytes);
    const parts = partsOf(body, sizes);
    this.#doc.transact(() => {
      for (const update of parts) Y.applyUpdate(this.#doc, update);
    });
    this.#updates += parts.length;
  }

  /** What is wrong with it. */
  close(): string | undefined {
    const { document, updates } = this.header;
    this.#doc.destroy();
    return this.#updates === updates
      ? undefined
      : `"${document}" has ${this.#updates} of ${updates} updates that it had`;
  }
}
