/**
 * Who had seen whose write. Yjs keeps the writes to one key as a list of items; each says which item stood there for its
 * author (`origin`), and the last one of the list is what stands. What an author had seen is therefore the chain of
 * origins, and that of the marks on it.
 */
import type * as Y from 'yjs';
import { keyOf, type Entry, type ItemId } from './entry.js';
import type { Entries } from './entry-index.js';

interface Named {
  readonly key: string;
  readonly entry: Entry;
}

/** Entries by the item that they are about. Deleted neighbours become one item, so an item may hold several. */
function entriesIn(item: Y.Item, entries: Entries): Named[] {
  if (item.length === 1) {
    const key = keyOf(item.id);
    const entry = entries.get(key);
    return entry === undefined ? [] : [{ key, entry }];
  }
  return [...entries]
    .flatMap(([key, entry]) => (holds(item, idOf(key)) ? [{ key, entry }] : []))
    .sort((a, b) => idOf(a.key).clock - idOf(b.key).clock);
}

function idOf(key: string): ItemId {
  const [client, clock] = key.split('-');
  return { client: Number(client), clock: Number(clock) };
}

const holds = ({ id, length }: Y.Item, { client, clock }: ItemId): boolean =>
  id.client === client && id.clock <= clock && clock < id.clock + length;

/**
 * Keys of the entries that whoever wrote `start` had seen, its own among them. Items that one deleted item holds stand in
 * the order in which one client wrote them, each over the one before.
 */
export function seenBy(start: Y.Item, clock: number, entries: Entries): Set<string> {
  const seen = new Set<string>();
  let wanted: ItemId[] = [{ client: start.id.client, clock }];
  for (let item: Y.Item | null = start; item !== null && wanted.length > 0 && seen.size < entries.size;) {
    const current: Y.Item = item;
    item = current.left;
    const here = wanted.filter((id) => holds(current, id));
    if (here.length === 0) continue;
    wanted = wanted.filter((id) => !holds(current, id));
    const last = Math.max(...here.map((id) => id.clock));
    for (const { key, entry } of entriesIn(current, entries)) {
      if (idOf(key).clock > last) continue;
      seen.add(key);
      for (const over of entry.over ?? []) wanted.push(idOf(over));
    }
    if (current.origin !== null) wanted.push(current.origin);
  }
  return seen;
}

export interface Standing {
  /** The item that stands, or stood until it was removed. */
  readonly head: Y.Item | undefined;
  /** What the author of `head` had seen. */
  readonly seenByHead: ReadonlySet<string>;
  /** Keys of writes that nobody who wrote later had seen, in the order of the list: the same on every replica. */
  readonly open: readonly string[];
}

/** @param head the last item under the key of the property */
export function standingOf(head: Y.Item | undefined, entries: Entries): Standing {
  if (head === undefined || entries.size === 0) return { head, seenByHead: new Set(), open: [] };
  const lastClock = head.id.clock + head.length - 1;
  const headEntry = entries.get(keyOf({ client: head.id.client, clock: lastClock }));
  const seenByHead = seenBy(head, lastClock, entries);
  const met: string[] = [];
  const settled = new Set<string>();
  // A head without an entry is a write that the server made for somebody: it has decided. A mark decides nothing.
  if (headEntry === undefined) for (const key of seenByHead) settled.add(key);
  let left = entries.size;
  for (let item: Y.Item | null = head; item !== null && left > 0; item = item.left) {
    for (const { key, entry } of entriesIn(item, entries).reverse()) {
      left -= 1;
      if (entry.kind === 'mark') continue;
      met.push(key);
      if (entries.size === 1) continue;
      for (const other of seenBy(item, idOf(key).clock, entries)) if (other !== key) settled.add(other);
    }
  }
  return { head, seenByHead, open: met.filter((key) => !settled.has(key)).reverse() };
}
