/**
 * Walks a Yjs update (format v1) before Yjs sees it: every length is inside the message, every reference
 * points back, numbers are safe integers, JSON parses and is not too deep. What passes cannot make the
 * decoder allocate more than the message's own size, nor point an item at itself.
 *
 *   update  := varUint(clients) { varUint(structs) varUint(client) varUint(clock) struct* } deleteSet
 *   struct  := info
 *              info & 31 = 0 (GC) or 10 (skip):  varUint(length)
 *              else an item:  [info & 128: origin id] [info & 64: right origin id]
 *                             [neither: varUint(1) rootName | varUint(0) parent id; info & 32: parentSub] content
 *   content := by info & 31:  1 deleted, 2 JSON, 3 binary, 4 string, 5 embed, 6 format, 7 type, 8 any, 9 subdocument
 *   deleteSet := varUint(clients) { varUint(client) varUint(ranges) { varUint(clock) varUint(length) } }
 *
 * Source: the encoder of yjs 13 (`utils/encoding.js`, `structs/Item.js`).
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { Cursor, MalformedError } from './incoming.js';

const MAX_DEPTH = 64;
// As lib0 decodes: fatal, and a byte order mark is text.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface UpdateSummary {
  /** Struct ranges by client, in the order of the update. */
  readonly ranges: readonly { readonly client: number; readonly clock: number; readonly length: number }[];
  readonly hasDeletes: boolean;
  /** How many structs it holds. */
  readonly structs: number;
}

/**
 * HOT PATH.
 * @throws MalformedError
 */
export function inspectUpdate(update: Uint8Array): UpdateSummary {
  const cursor = new Cursor(update);
  const ranges: { client: number; clock: number; length: number }[] = [];
  const clients = cursor.varUint();
  let total = 0;
  for (let i = 0; i < clients; i++) {
    const structs = cursor.varUint();
    total += structs;
    const client = cursor.varUint();
    const start = cursor.varUint();
    let clock = start;
    for (let j = 0; j < structs; j++) {
      const length = inspectStruct(cursor, client, clock);
      // An item of no length would share its id with the next one.
      if (length === 0) throw new MalformedError('a struct of length 0');
      clock += length;
      if (clock > Number.MAX_SAFE_INTEGER) throw new MalformedError('a clock is out of range');
    }
    ranges.push({ client, clock: start, length: clock - start });
  }
  const deleters = cursor.varUint();
  for (let i = 0; i < deleters; i++) {
    cursor.varUint();
    const count = cursor.varUint();
    let end = 0;
    for (let j = 0; j < count; j++) {
      const clock = cursor.varUint();
      const length = cursor.varUint();
      // Yjs re-encodes pending ranges as ascending differences, and throws on an empty one.
      if (length === 0 || clock < end) throw new MalformedError('deleted ranges are empty or out of order');
      end = clock + length;
    }
  }
  if (!cursor.isAtEnd) throw new MalformedError('bytes behind the end of the update');
  return { ranges, hasDeletes: deleters > 0, structs: total };
}

/** A state vector: varUint(n) { varUint(client) varUint(clock) }. @throws MalformedError */
export function inspectStateVector(stateVector: Uint8Array): void {
  const cursor = new Cursor(stateVector);
  const count = cursor.varUint();
  for (let i = 0; i < count; i++) {
    cursor.varUint();
    cursor.varUint();
  }
  if (!cursor.isAtEnd) throw new MalformedError('bytes behind the end of the state vector');
}

function inspectStruct(cursor: Cursor, client: number, clock: number): number {
  const info = cursor.byte();
  const kind = info & 31;
  // Yjs has two readers: the one that applies takes any byte with this kind for a skip, the one that merges and inspects
  // takes it for an item unless the byte is 10. Nobody writes another one.
  if (kind === 10 && info !== 10) throw new MalformedError('a skip with flags');
  if (kind === 0 || kind === 10) return cursor.varUint();
  const hasOrigin = (info & 128) !== 0;
  const hasRightOrigin = (info & 64) !== 0;
  if (hasOrigin) inspectReference(cursor, client, clock);
  if (hasRightOrigin) inspectReference(cursor, client, clock);
  if (!hasOrigin && !hasRightOrigin) {
    if (cursor.varUint() === 1) inspectText(cursor);
    else inspectReference(cursor, client, clock);
    if ((info & 32) !== 0) inspectText(cursor);
  }
  return inspectContent(cursor, kind);
}

/** Yjs takes for granted that a reference into the same client points back: one that does not would corrupt the store. */
function inspectReference(cursor: Cursor, client: number, clock: number): void {
  const referenced = cursor.varUint();
  const at = cursor.varUint();
  if (referenced === client && at >= clock) throw new MalformedError('an item refers to itself or to a later one');
}

function inspectContent(cursor: Cursor, kind: number): number {
  switch (kind) {
    case 1:
      return cursor.varUint();
    case 2: {
      const count = cursor.varUint();
      for (let i = 0; i < count; i++) inspectJson(cursor, true);
      return count;
    }
    case 3:
      cursor.skipVarBytes();
      return 1;
    case 4:
      return utf16Length(inspectText(cursor));
    case 5:
      inspectJson(cursor, false);
      return 1;
    case 6:
      inspectText(cursor);
      inspectJson(cursor, false);
      return 1;
    case 7:
      inspectType(cursor);
      return 1;
    case 8: {
      const count = cursor.varUint();
      for (let i = 0; i < count; i++) inspectAny(cursor, 0);
      return count;
    }
    case 9:
      inspectText(cursor);
      inspectAny(cursor, 0);
      return 1;
    default:
      throw new MalformedError(`an unknown kind of content ${kind}`);
  }
}

function inspectType(cursor: Cursor): void {
  const type = cursor.varUint();
  if (type > 6) throw new MalformedError(`an unknown shared type ${type}`);
  // Y.XmlElement (3) and Y.XmlHook (5) carry their name.
  if (type === 3 || type === 5) inspectText(cursor);
}

function inspectJson(cursor: Cursor, mayBeUndefined: boolean): void {
  const text = decoder.decode(inspectText(cursor));
  if (mayBeUndefined && text === 'undefined') return;
  if (jsonDepth(text) > MAX_DEPTH) throw new MalformedError('JSON is nested too deeply');
  try {
    JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new MalformedError('JSON does not parse');
    throw error;
  }
}

/** An upper bound: brackets inside strings count too. */
function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (c === 0x5d || c === 0x7d) depth -= 1;
  }
  return deepest;
}

/** lib0 `any`: 127 undefined, 126 null, 125 integer, 124 float32, 123 float64, 122 bigint, 121/120 boolean, 119 string, 118 object, 117 array, 116 bytes. */
function inspectAny(cursor: Cursor, depth: number): void {
  if (depth > MAX_DEPTH) throw new MalformedError('a value is nested too deeply');
  const tag = cursor.byte();
  switch (tag) {
    case 127:
    case 126:
    case 121:
    case 120:
      return;
    case 125:
      // Signed: the first byte holds 6 bits; continuation bits are where varUint has them.
      while (cursor.byte() >= 128);
      return;
    case 124:
      skip(cursor, 4);
      return;
    case 123:
    case 122:
      skip(cursor, 8);
      return;
    case 119:
      inspectText(cursor);
      return;
    case 116:
      cursor.skipVarBytes();
      return;
    case 118: {
      const count = cursor.varUint();
      for (let i = 0; i < count; i++) {
        inspectText(cursor);
        inspectAny(cursor, depth + 1);
      }
      return;
    }
    case 117: {
      const count = cursor.varUint();
      for (let i = 0; i < count; i++) inspectAny(cursor, depth + 1);
      return;
    }
    default:
      throw new MalformedError(`an unknown kind of value ${tag}`);
  }
}

function skip(cursor: Cursor, bytes: number): void {
  if (bytes > cursor.bytes.length - cursor.at) throw new MalformedError('unexpected end of the message');
  cursor.at += bytes;
}

/** Text that is not UTF-8 would make lib0's decoder throw in the middle of a transaction. */
function inspectText(cursor: Cursor): Uint8Array {
  const bytes = cursor.varBytes();
  if (!isUtf8(bytes)) throw new MalformedError('text that is not UTF-8');
  return bytes;
}

/** Yjs counts strings in UTF-16 units. */
function utf16Length(bytes: Uint8Array): number {
  return isAscii(bytes) ? bytes.length : decoder.decode(bytes).length;
}
