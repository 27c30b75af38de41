/**
 * Binary keys of the embedded store. The first byte is the kind; text is escaped so that no text reaches another key
 * and the order of keys is the order of the UTF-8 bytes, segment by segment.
 *
 *   00                                   store metadata
 *   02 name                              head of a document
 *   03 u64(document id) u64(sequence)    one logged batch of updates
 *   04 u64(document id)                  compacted state
 *   10 segment*                          record
 *   20 segment(stream) u64(sequence)     event
 *   21 segment(stream) segment(consumer) position of a consumer
 *
 *   segment := UTF-8 bytes with 00 written as 00 FF, then 00 01
 */
const KIND = { store: 0x00, head: 0x02, entry: 0x03, state: 0x04, record: 0x10, event: 0x20, consumer: 0x21 } as const;

export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

export const STORE_KEY = Buffer.from([KIND.store]);

export const headKey = (document: string): Buffer => Buffer.concat([Buffer.from([KIND.head]), Buffer.from(document)]);
export const documentOfHeadKey = (key: Uint8Array): string => Buffer.from(key.subarray(1)).toString('utf8');

export function headRange(prefix: string): KeyRange {
  const gte = headKey(prefix);
  return { gte, lt: after(gte) };
}

/** HOT PATH. */
export function entryKey(documentId: number, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = KIND.entry;
  writeU64(key, 1, documentId);
  writeU64(key, 9, sequence);
  return key;
}

export const sequenceOfEntryKey = (key: Uint8Array): number => readU64(Buffer.from(key), 9);

/** Entries with a sequence of at least `from` and less than `before`. */
export const entryRange = (documentId: number, from: number, before: number): KeyRange => ({
  gte: entryKey(documentId, from),
  lt: entryKey(documentId, before),
});

export function stateKey(documentId: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = KIND.state;
  writeU64(key, 1, documentId);
  return key;
}

export const recordKey = (segments: readonly string[]): Buffer => withSegments(KIND.record, segments);

export function recordRange(prefix: readonly string[]): KeyRange {
  const gte = recordKey(prefix);
  return { gte, lt: after(gte) };
}

export function eventKey(stream: string, sequence: number): Buffer {
  const prefix = withSegments(KIND.event, [stream]);
  const key = Buffer.allocUnsafe(prefix.length + 8);
  prefix.copy(key);
  writeU64(key, prefix.length, sequence);
  return key;
}

export const sequenceOfEventKey = (key: Uint8Array): number => readU64(Buffer.from(key), key.length - 8);
/** Of what precedes the sequence, whose bytes are no text. */
export const streamOfEventKey = (key: Uint8Array): string | undefined => segmentsOf(key.subarray(0, -8))[0];

export const consumerKey = (stream: string, consumer: string): Buffer =>
  withSegments(KIND.consumer, [stream, consumer]);

export function eventRange(stream: string): KeyRange {
  const gte = withSegments(KIND.event, [stream]);
  return { gte, lt: after(gte) };
}

export function consumerRange(stream: string): KeyRange {
  const gte = withSegments(KIND.consumer, [stream]);
  return { gte, lt: after(gte) };
}

/**
 * Keys on both sides of everything in a range of text keys that nothing is ever stored under: the last segment ends
 * in 00 00 and 00 02 instead of 00 01.
 */
export function markersOf({ gte, lt }: KeyRange): Buffer[] {
  const below = Buffer.from(gte);
  below[below.length - 1] = 0;
  return [below, lt];
}

function withSegments(kind: number, segments: readonly string[]): Buffer {
  const parts: Buffer[] = [Buffer.from([kind])];
  for (const segment of segments) parts.push(escapeSegment(segment));
  return Buffer.concat(parts);
}

/** Text that is not well-formed Unicode is kept apart by its UTF-16 units, which plain UTF-8 would fold together. */
function escapeSegment(segment: string): Buffer {
  const bytes = segment.isWellFormed()
    ? Buffer.from(segment)
    : Buffer.concat([Buffer.from([0xff]), Buffer.from(segment, 'utf16le')]);
  const zeros = bytes.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  const escaped = Buffer.allocUnsafe(bytes.length + zeros + 2);
  let at = 0;
  for (const byte of bytes) {
    escaped[at++] = byte;
    if (byte === 0) escaped[at++] = 0xff;
  }
  escaped[at++] = 0x00;
  escaped[at] = 0x01;
  return escaped;
}

/** Segments of the key of a record or of a consumer's position. */
export function segmentsOf(key: Uint8Array): string[] {
  const segments: string[] = [];
  let bytes: number[] = [];
  for (let at = 1; at < key.length; at++) {
    const byte = key[at] ?? 0;
    if (byte !== 0) {
      bytes.push(byte);
      continue;
    }
    at += 1;
    if (key[at] === 0xff) {
      bytes.push(0);
      continue;
    }
    const raw = Buffer.from(bytes);
    segments.push(raw[0] === 0xff ? raw.subarray(1).toString('utf16le') : raw.toString('utf8'));
    bytes = [];
  }
  return segments;
}

/** The smallest key that is greater than every key that begins with `prefix`. */
function after(prefix: Buffer): Buffer {
  const key = Buffer.from(prefix);
  for (let at = key.length - 1; at >= 0; at--) {
    const byte = key[at] ?? 0;
    if (byte < 0xff) {
      key[at] = byte + 1;
      return key.subarray(0, at + 1);
    }
  }
  return Buffer.alloc(key.length + 1, 0xff);
}

export function writeU64(target: Buffer, offset: number, value: number): void {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  target.writeUInt32BE(value >>> 0, offset + 4);
}

export function readU64(source: Buffer, offset: number): number {
  return source.readUInt32BE(offset) * 2 ** 32 + source.readUInt32BE(offset + 4);
}
