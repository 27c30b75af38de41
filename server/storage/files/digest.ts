import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { WrittenFile } from '../file-store.js';

/** Counts and hashes what passes through. */
export class Digest {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  /** To be called at once: a stream that fails before it is read would end the process. */
  through(content: Readable): AsyncGenerator<Buffer> {
    // Who reads it is told.
    content.on('error', () => undefined);
    return this.#through(content);
  }

  async *#through(chunks: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('A file is a stream of bytes');
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
      yield chunk;
    }
  }

  /** At the end. */
  result(): WrittenFile {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

/** The same bytes in parts of `size`, the last one shorter; one empty part when there is nothing. */
export async function* inParts(
  chunks: AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<{ part: Buffer; isLast: boolean }> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    gathered.push(chunk);
    bytes += chunk.length;
    if (bytes <= size) continue;
    let rest = Buffer.concat(gathered);
    // More than a part is there, so this is not the last one.
    for (; rest.length > size; rest = rest.subarray(size)) yield { part: rest.subarray(0, size), isLast: false };
    gathered = [rest];
    bytes = rest.length;
  }
  yield { part: Buffer.concat(gathered), isLast: true };
}
