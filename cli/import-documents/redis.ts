/** Documents in a Redis: under each key a string (a whole state) or a list of updates. Keys are scanned, never listed at once. */
import { Redis } from 'ioredis';
import { SourceError, type DocumentSource, type SourceDocument } from './source.js';

const NAME = '{name}';
const SCAN_COUNT = 1_000;

export async function openRedis(url: string, keyPattern: string): Promise<DocumentSource> {
  const [before, after, ...more] = keyPattern.split(NAME);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new SourceError(`--key has to hold ${NAME} once, such as "${NAME}:updates"`);
  }
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1, retryStrategy: () => null });
  // Told by the commands that fail.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw new SourceError(`no Redis answers there: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {
    documents: () => documentsIn(redis, before, after),
    close: async () => {
      redis.disconnect();
    },
  };
}

async function* documentsIn(redis: Redis, before: string, after: string): AsyncGenerator<SourceDocument> {
  // SCAN may tell of a key twice.
  const seen = new Set<string>();
  const match = `${escaped(before)}*${escaped(after)}`;
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT);
    cursor = next;
    for (const key of keys) {
      if (seen.has(key) || key.length <= before.length + after.length) continue;
      seen.add(key);
      const name = key.slice(before.length, key.length - after.length);
      yield { name, updates: await updatesAt(redis, key) };
    }
  } while (cursor !== '0');
}

async function updatesAt(redis: Redis, key: string): Promise<Uint8Array[]> {
  const type = await redis.type(key);
  if (type === 'list') return redis.lrangeBuffer(key, 0, -1);
  if (type === 'string') {
    const state = await redis.getBuffer(key);
    return state === null ? [] : [state];
  }
  throw new SourceError(`the key "${key}" holds a ${type}; documents are strings or lists`);
}

/** Glob characters of the pattern stand for themselves. */
const escaped = (text: string): string => text.replace(/[*?[\]\\^]/g, '\\$&');
