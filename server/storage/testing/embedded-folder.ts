import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { Test } from 'tap';
import { openEmbeddedStorage } from '../embedded/embedded-storage.js';
import type { Storage } from '../storage.js';

/** A data folder that goes with the test. */
export async function newDataFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'formloom-store-'));
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** Opens the store of `folder`; closes with the test. */
export async function openFolder(t: Test, folder: string, node = 'one'): Promise<Storage> {
  const storage = await openEmbeddedStorage({ folder, node, logger: pino({ level: 'silent' }) });
  t.teardown(() => storage.close());
  return storage;
}

/** One process owns the folder: the open store answers to every node until it is closed. */
export function onlyStoreOf(folder: string): (t: Test, node?: string) => Promise<Storage> {
  let open: Storage | undefined;
  return async (t) => {
    if (open === undefined || open.health().state === 'closed') open = await openFolder(t, folder);
    return open;
  };
}

/** Every byte of every file under `folder`. */
export async function bytesOf(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  // A file may go while its neighbours are read.
  const contents = await Promise.all(files.map((file) => readFile(file).catch(() => Buffer.of())));
  return Buffer.concat(contents);
}
