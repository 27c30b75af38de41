/** Files below one folder, which is made when the first comes: `<formId>/<submissionId>/<fileId>`. */
import { access, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileName, FileStore, WrittenFile } from '../file-store.js';
import { Digest } from './digest.js';

const PARTIAL = '.partial';

export class FolderFileStore implements FileStore {
  constructor(private readonly folder: string) {}

  async write(name: FileName, content: Readable): Promise<WrittenFile> {
    const digest = new Digest();
    const counted = digest.through(content);
    const target = this.#path(name);
    const partial = `${target}${PARTIAL}`;
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    const file = await open(partial, 'wx', 0o600);
    try {
      await pipeline(counted, file.createWriteStream({ flush: true }));
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    return digest.result();
  }

  async rewrite(name: FileName, content: Readable): Promise<boolean> {
    const target = this.#path(name);
    const partial = `${target}${PARTIAL}`;
    try {
      // What a process that was killed has left of it is written over.
      const file = await open(partial, 'w', 0o600);
      await pipeline(content, file.createWriteStream({ flush: true }));
      await access(target);
      await rename(partial, target);
      return true;
    } catch (error) {
      await rm(partial, { force: true });
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async read(name: FileName): Promise<Readable | undefined> {
    try {
      return (await open(this.#path(name), 'r')).createReadStream();
    } catch (error) {
      if (isMissing(error)) return undefined;
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

  async *list(): AsyncGenerator<FileName> {
    for (const formId of await namesIn(this.folder, 'folder')) {
      for (const submissionId of await namesIn(path.join(this.folder, formId), 'folder')) {
        for (const fileId of await namesIn(path.join(this.folder, formId, submissionId), 'file')) {
          if (!fileId.endsWith(PARTIAL)) yield { formId, submissionId, fileId };
        }
      }
    }
  }

  #path({ formId, submissionId, fileId }: FileName): string {
    return path.join(this.folder, formId, submissionId, fileId);
  }
}

/** None when the folder is not there (any more). */
async function namesIn(folder: string, kind: 'file' | 'folder'): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => (kind === 'file' ? entry.isFile() : entry.isDirectory()))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
