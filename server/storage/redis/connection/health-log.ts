/** What is wrong with Redis, in the log: once when it begins, once for each further reason, and when it is over. */
import type { Logger } from 'pino';
import type { StorageHealth } from '../../storage.js';
import type { Health } from './health.js';

export function logHealth(health: Health, logger: Logger): void {
  let failingSince: number | undefined;
  const told = new Set<string>();
  health.onChange((current: StorageHealth) => {
    if (current.state === 'failing') {
      failingSince ??= current.since;
      const isFirst = told.size === 0;
      // One outage has several faces ("connection closed", "connection refused"): each kind of trouble is told once.
      const fresh = current.reason.split('; ').filter((reason) => !told.has(kindOf(reason)));
      for (const reason of fresh) told.add(kindOf(reason));
      if (isFirst) {
        logger.error(`the store fails (${current.reason}); edits wait in memory and are not confirmed. Do not restart`);
      } else if (fresh.length > 0) {
        logger.warn(`the store fails (${fresh.join('; ')}), too`);
      }
    } else if (failingSince !== undefined) {
      const failedForMs = Date.now() - failingSince;
      failingSince = undefined;
      told.clear();
      if (current.state === 'ok') logger.warn({ failedForMs }, 'the store answers again; what waited is written');
    }
  });
}

const kindOf = (reason: string): string => reason.split(':', 1)[0] ?? reason;
