import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { StorageError } from '../storage/errors.js';
import { open as unseal } from '../storage/encrypted/envelope.js';
import type { KeyRing } from '../storage/encrypted/index.js';
import {
  CHECKSUM_BYTES,
  FRAME_HEAD_BYTES,
  headerSchema,
  MAGIC,
  MAX_PAYLOAD_BYTES,
  placeOfFrame,
  type ArchiveDamage,
  type Header,
} from './archive-format.js';
import { checksumOf } from './archive-writer.js';

const gunzipped = promisify(gunzip);

export type Frame =
  | { readonly isWhole: true; readonly index: number; readonly offset: number; readonly header: Header; body: Buffer }
  | { readonly isWhole: false; readonly damage: ArchiveDamage };

/**
 * All frames of an archive in order, damaged ones as what is wrong with them. Goes on after a frame whose checksum is
 * wrong; ends where the next frame cannot be found.
 * @throws StorageError when a key of ENCRYPTION_KEYS is missing; what `open` throws when there is no such file.
 */
export async function* readArchive(file: string, ring: KeyRing): AsyncGenerator<Frame> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const digest = createHash('sha256');
    const magic = await readAt(handle, 0, Math.min(MAGIC.length, size));
    if (!magic.equals(MAGIC)) {
      yield broken(0, 0, 'this is no Formloom backup, or its beginning is damaged');
      return;
    }
    let offset = MAGIC.length;
    for (let index = 0; ; index++) {
      if (offset === size) {
        yield broken(index, offset, 'the file ends before the archive does: it was cut off');
        return;
      }
      if (offset + FRAME_HEAD_BYTES > size) {
        yield broken(index, offset, 'the file ends within a frame: it was cut off');
        return;
      }
      const head = await readAt(handle, offset, FRAME_HEAD_BYTES);
      const length = head.readUInt32BE(0);
      const end = offset + FRAME_HEAD_BYTES + length;
      if (length > MAX_PAYLOAD_BYTES || end > size) {
        yield broken(index, offset, 'the file ends within a frame: it was cut off, or the length is damaged');
        return;
      }
      const payload = await readAt(handle, offset + FRAME_HEAD_BYTES, length);
      const checksum = head.subarray(4, 4 + CHECKSUM_BYTES);
      const frame = await frameOf(index, offset, checksum, payload, ring);
      yield frame;
      if (frame.isWhole && frame.header.kind === 'end') {
        if (frame.header.digest !== digest.digest('hex')) {
          yield broken(index, offset, 'the frames are not those that were written');
        }
        if (end < size) yield broken(index, end, `${size - end} bytes stand behind the end`);
        return;
      }
      digest.update(checksum);
      offset = end;
    }
  } finally {
    await handle.close();
  }
}

async function frameOf(
  index: number,
  offset: number,
  checksum: Buffer,
  payload: Buffer,
  ring: KeyRing,
): Promise<Frame> {
  if (!checksumOf(index, payload).equals(checksum)) return broken(index, offset, 'the checksum is wrong');
  try {
    const plain = await gunzipped(unseal(ring, placeOfFrame(index), payload)?.plain ?? payload);
    const bodyAt = 4 + plain.readUInt32BE(0);
    const header = headerSchema.parse(JSON.parse(plain.toString('utf8', 4, bodyAt)));
    return { isWhole: true, index, offset, header, body: plain.subarray(bodyAt) };
  } catch (error) {
    // A key that is missing is no damage.
    if (error instanceof StorageError) throw error;
    return broken(index, offset, `it cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}

function broken(frame: number, offset: number, detail: string): Frame {
  return { isWhole: false, damage: { frame, offset, detail } };
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Cuts a body into parts of the given sizes. @throws RangeError when they are not its parts. */
export function partsOf(body: Buffer, sizes: readonly number[]): Buffer[] {
  let at = 0;
  const parts = sizes.map((size) => body.subarray(at, (at += size)));
  if (at !== body.length) throw new RangeError(`the parts have ${at} bytes, the body ${body.length}`);
  return parts;
}
