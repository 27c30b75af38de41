import * as Y from 'yjs';
import type { KeyRing } from '../storage/encrypted/index.js';
import { partsOf, readArchive } from './archive-reader.js';
import type { Installation } from './installation.js';

/**
 * Opens every document of an archive and of a store, and names those that differ. Whatever is damaged differs.
 * @throws what the store throws
 */
export async function compareWithArchive(
  file: string,
  ring: KeyRing,
  { documents }: Pick<Installation, 'documents'>,
): Promise<string[]> {
  const differing: string[] = [];
  let name: string | undefined;
  let parts: Uint8Array[] = [];
  const compare = async (): Promise<void> => {
    if (name === undefined) return;
    const { snapshot, updates } = await documents.load(name);
    const stored = [...(snapshot === undefined ? [] : [snapshot]), ...updates.map(({ update }) => update)];
    if (!stateOf(parts).equals(stateOf(stored))) differing.push(name);
    name = undefined;
  };
  for await (const frame of readArchive(file, ring)) {
    if (!frame.isWhole) continue;
    const { header, body } = frame;
    if (header.kind === 'updates') {
      const sizes = header.updates.map(({ bytes }) => bytes);
      parts.push(...partsOf(body, sizes));
      continue;
    }
    await compare();
    if (header.kind !== 'document') continue;
    name = header.document;
    parts = header.hasState ? [body] : [];
  }
  return differing;
}

function stateOf(updates: readonly Uint8Array[]): Buffer {
  const doc = new Y.Doc();
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update);
  });
  const state = Buffer.from(Y.encodeStateAsUpdate(doc));
  doc.destroy();
  return state;
}
