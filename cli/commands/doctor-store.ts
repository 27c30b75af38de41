/** The part of `formloom doctor` that looks at the store. */
import type { Config } from '../../server/config/index.js';

export interface StoreFinding {
  readonly check: string;
  readonly level: 'ok' | 'warning' | 'problem';
  readonly detail: string;
}

/** Nothing of the embedded store, which may be in use: its folder and disk are looked at anyway. */
export async function checkStore(config: Config): Promise<StoreFinding[]> {
  const { redisUrl, redisSentinels, redisSentinelName, redisCluster, redisWaitReplicas } = config;
  if (redisUrl === undefined && redisSentinels.length === 0 && redisCluster.length === 0) {
    return [{ check: 'store', level: 'ok', detail: 'embedded, one process; set REDIS_URL for several' }];
  }
  // Here, so that other checks do not wait for a client of Redis to load.
  const { diagnoseRedis } = await import('../../server/storage/redis/index.js');
  const findings = await diagnoseRedis({
    waitReplicas: redisWaitReplicas,
    submissionFilesBytes: config.submissionFilesBytes,
    ...(redisUrl === undefined ? {} : { url: redisUrl }),
    ...(redisSentinels.length === 0 ? {} : { sentinels: redisSentinels }),
    ...(redisSentinelName === undefined ? {} : { sentinelName: redisSentinelName }),
    ...(redisCluster.length === 0 ? {} : { cluster: redisCluster }),
  });
  return findings.map(({ about, level, detail }) => ({ check: `redis ${about}`, level, detail }));
}
