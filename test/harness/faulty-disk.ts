/** A disk that hangs or is slow: fsync and fdatasync of a server process held back by a library that it loads. */
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Test } from 'tap';
import { temporaryFolder } from './server-process.js';

const SOURCE = path.join(import.meta.dirname, '../faults/stall-fsync.c');

export interface FaultyDisk {
  /** Environment for the server. */
  readonly env: Readonly<Record<string, string>>;
  stall(): Promise<void>;
  release(): Promise<void>;
}

/** @param delayMs what each flush takes besides */
export async function faultyDisk(t: Test, delayMs = 0): Promise<FaultyDisk> {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  const library = path.join(folder, 'stall-fsync.so');
  const stallFile = path.join(folder, 'stall');
  execFileSync('gcc', ['-shared', '-fPIC', '-o', library, SOURCE, '-ldl']);
  return {
    env: { LD_PRELOAD: library, STALL_FILE: stallFile, ...(delayMs === 0 ? {} : { FSYNC_DELAY_MS: String(delayMs) }) },
    stall: () => writeFile(stallFile, ''),
    release: () => rm(stallFile, { force: true }),
  };
}
