import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** From package.json, which lies one folder up from the sources and two from the build. */
function readVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    const file = new URL(up, import.meta.url);
    try {
      return z
        .object({ name: z.literal('formloom'), version: z.string() })
        .parse(JSON.parse(readFileSync(file, 'utf8'))).version;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }
  return 'unknown';
}

export const VERSION = readVersion();
