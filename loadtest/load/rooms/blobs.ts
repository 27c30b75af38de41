/** A document that is large by its content, not by its history: a map of blobs. */
import * as Y from 'yjs';

const PART_BYTES = 2 * 1024 * 1024;

/** Updates that together hold `bytes`, each one part of the map `parts`; one at a time in memory. */
export function* blobUpdates(bytes: number, partBytes = PART_BYTES): Generator<Uint8Array> {
  const doc = new Y.Doc();
  for (let stored = 0; stored < bytes; stored += partBytes) {
    const before = Y.encodeStateVector(doc);
    doc.getMap('parts').set(String(stored), new Uint8Array(partBytes).fill((stored / partBytes) % 251));
    yield Y.encodeStateAsUpdate(doc, before);
  }
  doc.destroy();
}

/** Hands each of them to `store`, in turn. Answers how many there were. */
export async function storeBlobs(bytes: number, store: (update: Uint8Array) => Promise<void>): Promise<number> {
  let parts = 0;
  for (const update of blobUpdates(bytes)) {
    await store(update);
    parts += 1;
  }
  return parts;
}
