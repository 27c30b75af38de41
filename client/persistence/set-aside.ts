/** What was kept of earlier lives of a document: one record for each life. */
import * as Y from 'yjs';
import { done, type Stores } from './indexed-db.js';

export interface CopySetAside {
  readonly document: string;
  readonly epoch: string | undefined;
  /** The whole state, as a Yjs update. */
  readonly update: Uint8Array;
  /** What the server had never confirmed, as an update on top of the rest; undefined when that is nothing. */
  readonly unsaved: Uint8Array | undefined;
  /** When it was set aside, in milliseconds since 1970. */
  readonly at: number;
}

export interface StoredAside {
  readonly document: string;
  readonly epoch: string | undefined;
  readonly update: Uint8Array;
  /** State vector of what was saved; undefined when all was. */
  readonly since: Uint8Array | undefined;
  readonly at: number;
}

/**
 * Joins what was set aside of the same life.
 *
 * @param mayBegin false: nothing happens when nothing of that life was set aside
 */
export async function addToAside(store: Stores, part: Omit<StoredAside, 'at'>, mayBegin = true): Promise<void> {
  const { document, epoch } = part;
  const [asides, keys] = await Promise.all([
    done(store('aside').index('document').getAll(document)) as Promise<StoredAside[]>,
    done(store('aside').index('document').getAllKeys(document)),
  ]);
  const index = asides.findIndex((aside) => aside.epoch === epoch);
  const before = asides[index];
  if (before === undefined) {
    if (mayBegin) await done(store('aside').put({ ...part, at: Date.now() } satisfies StoredAside));
    return;
  }
  const aside: StoredAside = {
    document,
    epoch,
    update: Y.mergeUpdates([before.update, part.update]),
    since: leastOf([part.since, before.since].filter((since) => since !== undefined)),
    at: Date.now(),
  };
  await done(store('aside').put(aside, keys[index]));
}

/** What all of them know; undefined when there are none. */
export function leastOf(vectors: readonly Uint8Array[]): Uint8Array | undefined {
  const [first, ...others] = vectors.map((vector) => Y.decodeStateVector(vector));
  if (first === undefined) return undefined;
  const least = new Map<number, number>();
  for (const [client, clock] of first) {
    const known = others.reduce((lowest, other) => Math.min(lowest, other.get(client) ?? 0), clock);
    if (known > 0) least.set(client, known);
  }
  return Y.encodeStateVector(least);
}
