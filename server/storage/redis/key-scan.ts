import type { RedisLink } from './connection/link.js';
import { nameInKey } from './keys.js';

/** Keys that Redis looks at per step: a step of some 0.1 ms, so that others are served in between. */
const STEP = 1_000;

/**
 * Names in all keys that match, on every master, each once, in no order. SCAN finds every key that is there from
 * beginning to end. It costs a look at every key of the server, which is what a backup costs anyway.
 */
export async function* namesInKeys(link: RedisLink, pattern: string): AsyncGenerator<string> {
  const seen = new Set<string>();
  for (const master of link.masters()) {
    let cursor = '0';
    do {
      const [next, keys] = await master.scan(cursor, 'MATCH', pattern, 'COUNT', STEP);
      cursor = next;
      for (const key of keys) {
        if (seen.has(key)) continue;
        seen.add(key);
        yield nameInKey(key);
      }
    } while (cursor !== '0');
  }
}
