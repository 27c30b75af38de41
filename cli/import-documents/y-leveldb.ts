/**
 * y-leveldb's format, versions 0.1 and 0.2. A key is a list of parts, each with a byte for its type:
 *
 *   0  text: its length as a varint, then UTF-8
 *   1  a number: four bytes, the highest first
 *
 *   'v1', <document>, 'update', <clock>   an update; those of a document, by clock, are the document
 *   'v1', <document>, 'meta', …           what applications kept beside it: not carried over
 *   'v1_sv', <document>                   the state vector: follows from the updates
 */
import { ClassicLevel } from 'classic-level';
import * as decoding from 'lib0/decoding';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SourceError, type DocumentSource, type SourceDocument } from './source.js';

const [TEXT, NUMBER] = [0, 1];
const VERSION = 'v1';
const UPDATE = 'update';

export async function openYLeveldb(folder: string): Promise<DocumentSource> {
  if (!existsSync(path.join(folder, 'CURRENT'))) throw new SourceError(`${folder} is no folder of LevelDB`);
  // LevelDB writes into a folder by opening it; what is imported from stays as it is.
  const copy = await mkdtemp(path.join(tmpdir(), 'formloom-import-'));
  const discard = (): Promise<void> => rm(copy, { recursive: true, force: true });
  let db: ClassicLevel<Buffer, Buffer>;
  try {
    await cp(folder, copy, { recursive: true });
    db = new ClassicLevel(copy, { keyEncoding: 'buffer', valueEncoding: 'buffer', createIfMissing: false });
    await db.open();
  } catch (error) {
    await discard();
    throw new SourceError(`${folder} cannot be opened: ${reasonOf(error)}`, { cause: error });
  }
  return {
    documents: () => documentsIn(db),
    close: async () => {
      await db.close();
      await discard();
    },
  };
}

/** Keys are in order: all updates of a document follow each other, by clock. */
async function* documentsIn(db: ClassicLevel<Buffer, Buffer>): AsyncGenerator<SourceDocument> {
  let name: string | undefined;
  let updates: Uint8Array[] = [];
  for await (const [key, value] of db.iterator()) {
    const [version, document, kind] = partsOf(key);
    if (version !== VERSION || typeof document !== 'string' || kind !== UPDATE) continue;
    if (document !== name) {
      if (name !== undefined) yield { name, updates };
      name = document;
      updates = [];
    }
    updates.push(value);
  }
  if (name !== undefined) yield { name, updates };
}

/** Nothing for a key of another format. */
function partsOf(key: Buffer): (string | number)[] {
  const decoder = decoding.createDecoder(key);
  const parts: (string | number)[] = [];
  try {
    while (decoding.hasContent(decoder)) {
      const type = decoding.readUint8(decoder);
      if (type === TEXT) parts.push(decoding.readVarString(decoder));
      else if (type === NUMBER) parts.push(decoding.readUint32BigEndian(decoder));
      else return [];
    }
  } catch {
    // A key that ends too early is none of y-leveldb's.
    return [];
  }
  return parts;
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}
