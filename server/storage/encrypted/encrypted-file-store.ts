/**
 * Files, encrypted part by part:
 *
 *   file := magic 16 bytes | (u32 length of the envelope | envelope)*
 *
 * Each envelope says which part it is and whether it is the last one, so that parts that are exchanged, left out or cut
 * off at the end do not pass for the whole. A file without the magic is from before encryption was switched on.
 */
import { Readable } from 'node:stream';
import type { FileName, FileStore, WrittenFile } from '../file-store.js';
import { Digest, inParts } from '../files/digest.js';
import { KIND, keyIdOf, open, seal, type Place } from './envelope.js';
import { DecryptionError } from './errors.js';
import type { KeyRing } from './key-ring.js';

const MAGIC = Buffer.from('\xff\xfeformloom file\n', 'latin1');
const PART_BYTES = 128 * 1024;
const LENGTH_BYTES = 4;
/** Of an envelope, up to the id of its key. */
const LONGEST_HEADER_BYTES = 11 + 64;

export class EncryptedFileStore implements FileStore {
  constructor(
    private readonly inner: FileStore,
    private readonly ring: KeyRing,
  ) {}

  async write(name: FileName, content: Readable): Promise<WrittenFile> {
    if (this.ring.currentId === undefined) return this.inner.write(name, content);
    const digest = new Digest();
    const sealed = Readable.from(this.#sealed(name, digest.through(content)), { objectMode: false });
    await this.inner.write(name, sealed);
    return digest.result();
  }

  async *#sealed(name: FileName, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    yield MAGIC;
    let index = 0;
    for await (const { part, isLast } of inParts(content, PART_BYTES)) {
      const envelope = seal(this.ring, KIND.file, placeOf(name, index++, isLast), part);
      if (envelope === undefined) throw new TypeError('The ring has lost its keys');
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(envelope.length);
      yield Buffer.concat([length, envelope]);
    }
  }

  async rewrite(name: FileName, content: Readable): Promise<boolean> {
    if (this.ring.currentId === undefined) return this.inner.rewrite(name, content);
    const plain = content as AsyncIterable<Buffer>;
    return this.inner.rewrite(name, Readable.from(this.#sealed(name, plain), { objectMode: false }));
  }

  async read(name: FileName): Promise<Readable | undefined> {
    const stored = await this.inner.read(name);
    return stored === undefined ? undefined : Readable.from(this.#opened(name, stored), { objectMode: false });
  }

  async *#opened(name: FileName, stored: Readable): AsyncGenerator<Buffer> {
    const reader = new ByteReader(stored);
    const first = await reader.take(MAGIC.length);
    if (!first.equals(MAGIC)) {
      yield first;
      yield* reader.rest();
      return;
    }
    for (let index = 0, isLast = false; !isLast; index++) {
      const length = await reader.take(LENGTH_BYTES);
      const envelope = length.length < LENGTH_BYTES ? undefined : await reader.take(length.readUInt32BE());
      isLast = await reader.isAtEnd();
      const opened = envelope === undefined ? undefined : open(this.ring, placeOf(name, index, isLast), envelope);
      if (opened?.kind !== KIND.file) throw new DecryptionError('', `The file "${name.fileId}"`);
      yield opened.plain;
    }
  }

  delete(name: FileName): Promise<void> {
    return this.inner.delete(name);
  }

  erase(owner: { readonly formId: string; readonly submissionId?: string }): Promise<void> {
    return this.inner.erase(owner);
  }

  list(): AsyncIterable<FileName> {
    return this.inner.list();
  }
}

/** Id of the key that a stored file was encrypted with, by its first part; undefined when it never was. */
export async function keyIdOfFile(stored: Readable): Promise<string | undefined> {
  const reader = new ByteReader(stored);
  try {
    if (!(await reader.take(MAGIC.length)).equals(MAGIC)) return undefined;
    await reader.take(LENGTH_BYTES);
    return keyIdOf(await reader.take(LONGEST_HEADER_BYTES));
  } finally {
    stored.destroy();
  }
}

function placeOf({ formId, submissionId, fileId }: FileName, index: number, isLast: boolean): Place {
  return ['file', formId, submissionId, fileId, String(index), isLast ? 'last' : ''];
}

/** Takes a stream in pieces of the reader's own size. */
class ByteReader {
  readonly #chunks: AsyncIterator<unknown>;
  #held = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Fewer at the end. */
  async take(count: number): Promise<Buffer> {
    while (this.#held.length < count && (await this.#more()));
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  async isAtEnd(): Promise<boolean> {
    return this.#held.length === 0 && !(await this.#more());
  }

  async *rest(): AsyncGenerator<Buffer> {
    do {
      const held = this.#held;
      this.#held = Buffer.alloc(0);
      yield held;
    } while (await this.#more());
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    if (!(next.value instanceof Uint8Array)) throw new TypeError('A file is a stream of bytes');
    this.#held = Buffer.concat([this.#held, next.value]);
    return true;
  }
}
