import { pino } from 'pino';
import type { Test } from 'tap';
import type { LoggedUpdate, NewUpdate } from '../../document-log.js';
import { openRedisStorage, type RedisStorage, type RedisStorageOptions } from '../redis-storage.js';
import { eventually } from './redis-test-server.js';

/** A storage that closes with the test. */
export async function openFor(t: Test, options: Partial<RedisStorageOptions>): Promise<RedisStorage> {
  const storage = await openRedisStorage({ node: 'node-1', logger: pino({ level: 'silent' }), ...options });
  t.teardown(() => storage.close());
  return storage;
}

/** An update that says `text`; the log doesn't look into updates. */
export function saying(text: string): NewUpdate {
  return { update: Buffer.from(text), attribution: { principal: 'ada', at: Date.now(), source: 'sync' } };
}

export function textsOf(updates: readonly LoggedUpdate[]): string[] {
  return updates.map(({ update }) => Buffer.from(update).toString());
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
