import type { Redis } from 'ioredis';
import { StorageUnavailableError } from '../../errors.js';
import type { CommandPipeline } from './command-pipeline.js';
import { loadScript } from './script.js';

/** The first version with sharded Pub/Sub. Valkey reports 7.2.4 here. */
const MIN_MAJOR = 7;
/** Of a command by itself, and within a script as Redis 7.0 and later ones put it. */
const DENIAL = /NOPERM|ACL failure|user executing the script/;

/**
 * Looks whether a server is fit to be the only place where documents are.
 *
 * @returns what an operator should change, one sentence each.
 * @throws StorageUnavailableError when it would lose documents by design.
 */
export async function inspect(master: Redis): Promise<string[]> {
  const info = parseInfo(await master.info());
  const version = info.get('redis_version') ?? '0';
  if (Number.parseInt(version, 10) < MIN_MAJOR) {
    throw new StorageUnavailableError(
      `Redis ${version} is too old: version ${MIN_MAJOR} or newer, or Valkey, is needed.`,
    );
  }
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy.startsWith('allkeys') && Number(info.get('maxmemory') ?? 0) > 0) {
    throw new StorageUnavailableError(
      `Redis would throw documents away when it is full (maxmemory-policy ${policy}): set it to noeviction.`,
    );
  }
  const advice: string[] = [];
  if (info.get('aof_enabled') === '0') {
    advice.push('Redis keeps no append-only file: a crash loses what was acknowledged. Set appendonly yes.');
  } else {
    const fsync = await appendFsync(master);
    if (fsync === undefined) {
      advice.push('This user may not read the settings of Redis: see to it that appendfsync is always.');
    }
    if (fsync !== undefined && fsync !== 'always') {
      // Not only power loss: while an fsync is running, Redis holds writes back for up to 2 s, and kill -9 loses those.
      advice.push(
        'Redis flushes its append-only file after it has acknowledged: a crash can lose up to two seconds. ' +
          'Set appendfsync always, or let writes wait for replicas.',
      );
    }
  }
  if (policy.startsWith('allkeys')) {
    advice.push(`Redis has maxmemory-policy ${policy}: with a memory limit it would throw documents away.`);
  }
  return advice;
}

/**
 * Has the server rewrite its append-only file, if it keeps one: it holds erased content until then.
 *
 * @returns false while a rewrite runs that began earlier, and so writes out what was erased since: ask again
 */
export async function rewriteAppendOnlyFile(master: Redis): Promise<boolean> {
  const info = parseInfo(await master.info('persistence'));
  if (info.get('aof_enabled') !== '1') return true;
  if (info.get('aof_rewrite_in_progress') === '1') return false;
  await master.bgrewriteaof();
  return true;
}

/** Undefined where CONFIG is not allowed, as with most hosted servers. */
async function appendFsync(master: Redis): Promise<string | undefined> {
  try {
    return (await master.config('GET', 'appendfsync'))[1];
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return undefined;
    throw error;
  }
}

export function parseInfo(text: string): Map<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
}

/**
 * Tries what the store will do. `key`: one that this master serves.
 *
 * @throws StorageUnavailableError when the user lacks a right. That Redis is full or read-only at the moment is no
 * reason to stay away: such things pass, and reading works.
 */
export async function probe(pipeline: CommandPipeline, key: string): Promise<void> {
  try {
    await pipeline.script(loadScript('probe-1'), [key]);
  } catch (error) {
    if (error instanceof Error && DENIAL.test(error.message)) {
      throw new StorageUnavailableError(`The user of Redis lacks a right: ${error.message}`, { cause: error });
    }
  }
}
