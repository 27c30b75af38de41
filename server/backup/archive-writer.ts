import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { KIND, seal } from '../storage/encrypted/envelope.js';
import type { KeyRing } from '../storage/encrypted/index.js';
import { MAGIC, placeOfFrame, type Header, type Totals, type Unreadable } from './archive-format.js';

const gzipped = promisify(gzip);

/** Writes the frames of one archive; waits for the sink after each. */
export class ArchiveWriter {
  readonly #digest = createHash('sha256');
  #frames = 0;
  #bytes = 0;

  /** @param write takes the next bytes of the file */
  constructor(
    private readonly ring: KeyRing,
    private readonly write: (bytes: Buffer) => Promise<void>,
  ) {}

  /** Of the file so far. */
  get bytes(): number {
    return this.#bytes;
  }

  async add(header: Header, body: Uint8Array = Buffer.of()): Promise<void> {
    const index = this.#frames++;
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(json.length);
    const plain = await gzipped(Buffer.concat([length, json, body]));
    const payload = seal(this.ring, KIND.value, placeOfFrame(index), plain) ?? plain;
    const checksum = checksumOf(index, payload);
    this.#digest.update(checksum);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(payload.length);
    await this.#send(...(index === 0 ? [MAGIC] : []), head, checksum, payload);
  }

  /** The last frame. */
  async end(totals: Totals, unreadable: Unreadable[]): Promise<void> {
    const digest = this.#digest.copy().digest('hex');
    await this.add({ kind: 'end', totals, unreadable, digest });
  }

  async #send(...parts: readonly Buffer[]): Promise<void> {
    const bytes = Buffer.concat(parts);
    this.#bytes += bytes.length;
    await this.write(bytes);
  }
}

export function checksumOf(index: number, payload: Uint8Array): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(index);
  return createHash('sha256').update(number).update(payload).digest();
}
