/**
 * HOT PATH of the load client. Reads which clocks a Yjs update (V1) covers without building any Yjs object: that is
 * how a delivery is checked while the load runs.
 *
 * Layout: varuint clients, then per client: varuint structs, varuint client, varuint clock, then the structs. A struct
 * starts with an info byte: 0 is GC (varuint length), 10 is Skip (varuint length), else an Item: bit 7 has an origin
 * (client, clock), bit 6 a right origin; without both the parent follows (varuint 1 and a name, or an id) and, with
 * bit 5, a key; then the content, by the low five bits. The delete set behind it is not read.
 */
import * as Y from 'yjs';

export interface RangeSink {
  /** Clocks `from` (inclusive) to `to` (exclusive) of one client. */
  range(client: number, from: number, to: number): void;
}

const GC = 0;
const SKIP = 10;
const CONTENT_DELETED = 1;
const CONTENT_STRING = 4;

/** Reports the clocks in `bytes[start, end)`. Adjacent structs are reported as one range. */
export function readRanges(bytes: Uint8Array, start: number, end: number, sink: RangeSink): void {
  const reader = new UpdateReader(bytes, start, end);
  if (!reader.read(sink)) readRangesWithYjs(bytes.subarray(start, end), sink);
}

/** For contents that the fast reader does not know. */
function readRangesWithYjs(update: Uint8Array, sink: RangeSink): void {
  for (const struct of Y.decodeUpdate(update).structs) {
    if (struct instanceof Y.Skip) continue;
    sink.range(struct.id.client, struct.id.clock, struct.id.clock + struct.length);
  }
}

class UpdateReader {
  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly end: number,
  ) {}

  /**
   * False when a content is unknown to it; nothing has been reported then.
   * @throws RangeError when the update ends too early.
   */
  read(sink: RangeSink): boolean {
    const found: number[] = [];
    const clients = this.uint();
    for (let c = 0; c < clients; c++) {
      const structs = this.uint();
      const client = this.uint();
      let clock = this.uint();
      let from = clock;
      for (let s = 0; s < structs; s++) {
        const info = this.byte();
        if (info === SKIP) {
          if (clock > from) found.push(client, from, clock);
          clock += this.uint();
          from = clock;
          continue;
        }
        const length = (info & 31) === GC ? this.uint() : this.item(info);
        if (length < 0) return false;
        clock += length;
      }
      if (clock > from) found.push(client, from, clock);
    }
    for (let i = 0; i < found.length; i += 3) sink.range(found[i] ?? 0, found[i + 1] ?? 0, found[i + 2] ?? 0);
    return true;
  }

  /** Length of an item in clocks; -1 for a content that is not read here. */
  private item(info: number): number {
    if ((info & 0x80) !== 0) this.id();
    if ((info & 0x40) !== 0) this.id();
    if ((info & 0xc0) === 0) {
      if (this.uint() === 1) this.skipString();
      else this.id();
      if ((info & 0x20) !== 0) this.skipString();
    }
    const content = info & 31;
    if (content === CONTENT_STRING) return this.stringLength();
    if (content === CONTENT_DELETED) return this.uint();
    return -1;
  }

  private id(): void {
    this.uint();
    this.uint();
  }

  private skipString(): void {
    const length = this.uint();
    this.at += length;
  }

  /** Length in UTF-16 units, as Yjs counts: a sequence of four bytes is a surrogate pair. */
  private stringLength(): number {
    const byteLength = this.uint();
    const stop = this.at + byteLength;
    if (stop > this.end) throw new RangeError('the update ends within a string');
    let length = byteLength;
    for (let i = this.at; i < stop; i++) {
      const byte = this.bytes[i] ?? 0;
      if (byte >= 0x80 && byte < 0xc0) length -= 1;
      else if (byte >= 0xf0) length += 1;
    }
    this.at = stop;
    return length;
  }

  private byte(): number {
    if (this.at >= this.end) throw new RangeError('the update ends too early');
    return this.bytes[this.at++] ?? 0;
  }

  private uint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
}
