/** One file for each document, holding one Yjs update: what an export of any other server can be brought to. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { SourceError, type DocumentSource, type SourceDocument } from './source.js';

/** Taken off the name of the file, when it is there. */
const ENDINGS = /\.(?:bin|yjs|ydoc|update)$/;

export async function openFiles(folder: string): Promise<DocumentSource> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new SourceError(`${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  const documents = async function* (): AsyncGenerator<SourceDocument> {
    for (const file of names.sort()) {
      yield { name: decoded(file.replace(ENDINGS, '')), updates: [await readFile(path.join(folder, file))] };
    }
  };
  return { documents, close: () => Promise.resolve() };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new SourceError(`the name of the file "${name}" is not percent-encoded`);
  }
}
