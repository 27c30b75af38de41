import { pino } from 'pino';
import type { Test } from 'tap';
import { openRedisStorage, type RedisStorage, type RedisStorageOptions } from '../redis-storage.js';
import { eventually } from '../../testing/store-under-test.js';

/** A storage that closes with the test. */
export async function openFor(t: Test, options: Partial<RedisStorageOptions>): Promise<RedisStorage> {
  const storage = await openRedisStorage({ node: 'node-1', logger: pino({ level: 'silent' }), ...options });
  t.teardown(() => storage.close());
  return storage;
}

export async function failing(storage: RedisStorage, reason: RegExp): Promise<void> {
  await eventually(`the health says ${reason.source}`, () => {
    const health = storage.health();
    return health.state === 'failing' && reason.test(health.reason);
  });
}

export async function healed(storage: RedisStorage): Promise<void> {
  await eventually('the health is ok', () => storage.health().state === 'ok');
}
