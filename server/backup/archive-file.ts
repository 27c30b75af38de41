import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { KeyRing } from '../storage/encrypted/index.js';
import { ArchiveWriter } from './archive-writer.js';
import { backUp, type BackupOptions, type BackupResult } from './back-up.js';
import type { Installation } from './installation.js';

export interface ArchiveFile extends BackupResult {
  /** Size of the file. */
  readonly bytes: number;
}

/**
 * Writes a backup to `file`, which appears when it is whole and on the disk. Readable by its owner alone.
 * @throws what the file system or the store throws, and the reason of the signal; no file is left then
 */
export async function writeArchive(
  file: string,
  from: Installation,
  ring: KeyRing,
  { signal, ...options }: BackupOptions & { readonly signal?: AbortSignal },
): Promise<ArchiveFile> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true, mode: 0o700 });
  const partial = `${file}.partial`;
  const handle = await open(partial, 'w', 0o600);
  try {
    const writer = new ArchiveWriter(ring, async (bytes) => {
      signal?.throwIfAborted();
      await handle.writeFile(bytes);
    });
    const result = await backUp(from, writer, options);
    await handle.sync();
    await handle.close();
    await rename(partial, file);
    return { ...result, bytes: writer.bytes };
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}
