/** Files below one folder: `<formId>/<submissionId>/<fileId>`. */
import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileName, FileStore, WrittenFile } from './file-store.js';

export class DiskFileStore implements FileStore {
  constructor(private readonly folder: string) {}

  async write(name: FileName, content: Readable): Promise<WrittenFile> {
    const target = this.#path(name);
    const partial = `${target}.partial`;
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    const file = await open(partial, 'wx', 0o600);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      await pipeline(
        content,
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            bytes += chunk.length;
            yield chunk;
          }
        },
        file.createWriteStream({ flush: true }),
      );
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    return { bytes, sha256: hash.digest('hex') };
  }

  async read(name: FileName): Promise<Readable | undefined> {
    try {
      return (await open(this.#path(name), 'r')).createReadStream();
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async delete(name: FileName): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  async erase({ formId, submissionId }: { readonly formId: string; readonly submissionId?: string }): Promise<void> {
    await rm(path.join(this.folder, ...[formId, submissionId].filter((part) => part !== undefined)), {
      recursive: true,
      force: true,
    });
  }

  #path({ formId, submissionId, fileId }: FileName): string {
    return path.join(this.folder, formId, submissionId, fileId);
  }
}
