/**
 * A document's state as several Yjs updates of bounded size, for first syncs that take a while on a slow line:
 * bytes keep flowing as whole messages, so no client-side timeout strikes, and each message can be dropped
 * from memory once it is written.
 *
 * The chunks are cut in causal order: applied one after the other, none has to wait for a later one
 * (Yjs would hold it pending and merge it again and again).
 */
import * as encoding from 'lib0/encoding';
import {
  ContentString,
  Doc,
  Item,
  UpdateEncoderV1,
  createDeleteSetFromStructStore,
  findIndexSS,
  getState,
  ID,
} from 'yjs';
import type { AbstractStruct } from 'yjs';

/** A struct, or its tail from `offset` on (in clock units). */
interface Slice {
  readonly struct: AbstractStruct;
  readonly offset: number;
}

/**
 * What a client with the state `known` (client to clock; empty: nothing) lacks, in updates of about `maxBytes`; the last
 * one holds the delete set. A single struct that is larger than `maxBytes` is cut if it is text, and otherwise stands alone.
 */
export function encodeStateInChunks(
  doc: Doc,
  maxBytes: number,
  known: ReadonlyMap<number, number> = new Map(),
): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let structs: Slice[] = [];
  let bytes = 0;
  const flush = (isLast: boolean): void => {
    if (structs.length === 0 && !isLast) return;
    chunks.push(encodeChunk(structs, isLast ? doc : undefined));
    structs = [];
    bytes = 0;
  };
  for (const slice of inCausalOrder(doc, known)) {
    const { struct, offset } = slice;
    const size = sizeOf(struct);
    if (bytes > 0 && bytes + size > maxBytes) flush(false);
    if (size > maxBytes && struct instanceof Item && struct.content instanceof ContentString) {
      for (const piece of cutText(struct, struct.content.str, offset, maxBytes)) {
        structs.push({ struct: piece, offset: 0 });
        flush(false);
      }
      continue;
    }
    structs.push(slice);
    bytes += size;
  }
  flush(true);
  return chunks;
}

/** Structs so that everything a struct refers to comes before it. */
function* inCausalOrder(doc: Doc, known: ReadonlyMap<number, number>): Generator<Slice> {
  const { clients } = doc.store;
  const next = new Map<number, number>();
  /** Clock up to which a client's structs have been yielded, or are known already. */
  const reached = new Map(known);
  for (const [client, clock] of known) {
    const structs = clients.get(client);
    if (structs === undefined) continue;
    next.set(client, clock < getState(doc.store, client) ? findIndexSS(structs, clock) : structs.length);
  }
  for (const root of clients.keys()) {
    const stack = [root];
    while (stack.length > 0) {
      const client = stack[stack.length - 1] ?? root;
      const structs = clients.get(client) ?? [];
      const struct = structs[next.get(client) ?? 0];
      if (struct === undefined) {
        stack.pop();
        continue;
      }
      const missing = struct instanceof Item ? missingClient(struct, reached) : undefined;
      if (missing !== undefined && !stack.includes(missing)) {
        stack.push(missing);
        continue;
      }
      yield { struct, offset: Math.max(0, (reached.get(client) ?? 0) - struct.id.clock) };
      next.set(client, (next.get(client) ?? 0) + 1);
      reached.set(client, struct.id.clock + struct.length);
      // What waited for this client may go on as soon as its own reference is there.
      if (stack.length > 1) {
        const waiting = stack[stack.length - 2] ?? root;
        const waiter = clients.get(waiting)?.[next.get(waiting) ?? 0];
        if (waiter instanceof Item && missingClient(waiter, reached) !== client) stack.pop();
      }
    }
  }
}

function missingClient(item: Item, reached: ReadonlyMap<number, number>): number | undefined {
  const isMissing = (id: ID | null): id is ID =>
    id !== null && id.client !== item.id.client && id.clock >= (reached.get(id.client) ?? 0);
  if (isMissing(item.origin)) return item.origin.client;
  if (isMissing(item.rightOrigin)) return item.rightOrigin.client;
  const parent = parentId(item);
  return isMissing(parent) ? parent.client : undefined;
}

function parentId(item: Item): ID | null {
  const parent = item.parent;
  if (parent === null || parent instanceof ID) return parent;
  return parent._item?.id ?? null;
}

/** Close enough to cut by: the exact size is known only after encoding. */
function sizeOf(struct: AbstractStruct): number {
  const overhead = 24;
  if (!(struct instanceof Item)) return overhead;
  if (struct.content instanceof ContentString) return overhead + Buffer.byteLength(struct.content.str);
  const encoder = new UpdateEncoderV1();
  struct.content.write(encoder, 0);
  return overhead + encoding.length(encoder.restEncoder);
}

/** Text as consecutive items, cut between code points: in Yjs, an item is the origin of the one that continues it. */
function* cutText(item: Item, text: string, offset: number, maxBytes: number): Generator<Item> {
  const maxUnits = Math.max(1, Math.floor(maxBytes / 3));
  for (let from = offset; from < text.length;) {
    let to = Math.min(text.length, from + maxUnits);
    const last = text.charCodeAt(to - 1);
    if (to < text.length && last >= 0xd800 && last <= 0xdbff) to -= 1;
    if (to === from) to = Math.min(text.length, from + 2);
    const id = new ID(item.id.client, item.id.clock + from);
    const origin = from === 0 ? item.origin : new ID(item.id.client, id.clock - 1);
    yield new Item(
      id,
      null,
      origin,
      null,
      item.rightOrigin,
      item.parent,
      item.parentSub,
      new ContentString(text.slice(from, to)),
    );
    from = to;
  }
}

/** `varUint(clients) { varUint(structs) client clock struct* } deleteSet`; clients in descending order, as Yjs writes them. */
function encodeChunk(slices: readonly Slice[], withDeletesOf: Doc | undefined): Uint8Array {
  const byClient = new Map<number, Slice[]>();
  for (const slice of slices) {
    const list = byClient.get(slice.struct.id.client);
    if (list === undefined) byClient.set(slice.struct.id.client, [slice]);
    else list.push(slice);
  }
  const encoder = new UpdateEncoderV1();
  encoding.writeVarUint(encoder.restEncoder, byClient.size);
  for (const [client, list] of [...byClient].sort(([a], [b]) => b - a)) {
    encoding.writeVarUint(encoder.restEncoder, list.length);
    encoder.writeClient(client);
    const first = list[0];
    encoding.writeVarUint(encoder.restEncoder, first === undefined ? 0 : first.struct.id.clock + first.offset);
    for (const { struct, offset } of list) struct.write(encoder, offset, 0);
  }
  writeDeleteSet(encoder, withDeletesOf);
  return encoder.toUint8Array();
}

function writeDeleteSet(encoder: UpdateEncoderV1, doc: Doc | undefined): void {
  if (doc === undefined) {
    encoding.writeVarUint(encoder.restEncoder, 0);
    return;
  }
  const { clients } = createDeleteSetFromStructStore(doc.store);
  encoding.writeVarUint(encoder.restEncoder, clients.size);
  for (const [client, deletes] of [...clients].sort(([a], [b]) => b - a)) {
    encoding.writeVarUint(encoder.restEncoder, client);
    encoding.writeVarUint(encoder.restEncoder, deletes.length);
    for (const { clock, len } of deletes) {
      encoding.writeVarUint(encoder.restEncoder, clock);
      encoding.writeVarUint(encoder.restEncoder, len);
    }
  }
}
