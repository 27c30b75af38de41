import * as Y from 'yjs';

interface Reference {
  readonly client: number;
  readonly clock: number;
}

/**
 * True when the document has everything that an update builds on, so that Yjs leaves no part of it pending. What is left
 * pending is applied with a later update, and so with the rights of whoever sends that one.
 */
export function hasDependencies(doc: Y.Doc, update: Uint8Array): boolean {
  const { structs, ds } = Y.decodeUpdate(update);
  const states = new Map<number, number>();
  const stateOf = (client: number): number => states.get(client) ?? Y.getState(doc.store, client);
  for (const struct of structs) {
    const { client, clock } = struct.id;
    if (struct instanceof Y.Skip || clock > stateOf(client)) return false;
    states.set(client, Math.max(stateOf(client), clock + struct.length));
  }
  const isKnown = ({ client, clock }: Reference): boolean => clock < stateOf(client);
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue;
    for (const reference of [struct.origin, struct.rightOrigin, struct.parent]) {
      if (reference instanceof Y.ID && !isKnown(reference)) return false;
    }
  }
  for (const [client, ranges] of ds.clients) {
    if (ranges.some(({ clock, len }) => clock + len > stateOf(client))) return false;
  }
  return true;
}
