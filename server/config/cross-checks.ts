/** What no variable can tell alone. */
import { BlockList, isIP } from 'node:net';
import type { Config } from './config.js';

/** One line for each contradiction. */
export function checkTogether(config: Config, given: { readonly isAuthGiven: boolean }): string[] {
  return [
    ...checkAuthentication(config, given.isAuthGiven),
    ...(isPrivate(config) ? [] : weakSecrets(config)),
    ...checkRedis(config),
    ...checkRole(config),
  ];
}

/** RFC 7518, 3.2: a key for HS256 has at least the 256 bits of the hash. What is shorter can be guessed from one token. */
const JWT_SECRET_BYTES = 32;
const ADMIN_TOKEN_BYTES = 16;

/** One line for each secret that somebody who can try or compute for long would find. */
export function weakSecrets({ jwtSecret, adminToken }: Config): string[] {
  return [
    ...tooShort('JWT_SECRET', jwtSecret, JWT_SECRET_BYTES),
    ...tooShort('ADMIN_TOKEN', adminToken, ADMIN_TOKEN_BYTES),
  ];
}

function tooShort(name: string, secret: string | undefined, minBytes: number): string[] {
  const isLongEnough = secret === undefined || Buffer.byteLength(secret) >= minBytes;
  return isLongEnough ? [] : [`${name}: must have at least ${minBytes} bytes`];
}

/** Only this machine reaches it, and nothing says that a proxy brings others: somebody tries it out. */
function isPrivate({ host, trustedProxies }: Config): boolean {
  return isLoopback(host) && trustedProxies.length === 0;
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host.toLowerCase() === 'localhost';
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

function* checkAuthentication(config: Config, isAuthGiven: boolean): Iterable<string> {
  const sources = [
    config.jwtSecret !== undefined && 'JWT_SECRET',
    config.jwtPublicKey !== undefined && 'JWT_PUBLIC_KEY',
    config.jwksUrl !== undefined && 'JWKS_URL',
  ].filter((name) => name !== false);

  if (config.auth === 'off' && !isLoopback(config.host)) {
    yield `AUTH: off gives everybody who can reach "${config.host}" all rights; it works only with a HOST on loopback (127.0.0.1). Set AUTH=jwt`;
  }
  if (config.auth === 'jwt' && sources.length === 0) {
    const why = isAuthGiven ? 'AUTH=jwt' : `AUTH: HOST "${config.host}" is not loopback, so callers need tokens; that`;
    yield `${why} needs one of JWT_SECRET, JWT_PUBLIC_KEY and JWKS_URL`;
  }
  if (sources.length > 1) yield `${sources.join(', ')}: give only one of them`;
  if (config.adminToken !== undefined && config.adminToken === config.jwtSecret) {
    yield 'ADMIN_TOKEN: must differ from JWT_SECRET';
  }
}

function* checkRedis(config: Config): Iterable<string> {
  const { redisUrl, redisSentinels, redisSentinelName, redisCluster, redisWaitReplicas } = config;
  const hasSentinels = redisSentinels.length > 0;
  const hasCluster = redisCluster.length > 0;
  if (hasSentinels && hasCluster) yield 'REDIS_SENTINELS, REDIS_CLUSTER: give only one of them';
  if (hasSentinels && redisSentinelName === undefined) yield 'REDIS_SENTINELS: needs REDIS_SENTINEL_NAME';
  if (!hasSentinels && redisSentinelName !== undefined) yield 'REDIS_SENTINEL_NAME: needs REDIS_SENTINELS';
  if (redisWaitReplicas > 0 && redisUrl === undefined && !hasSentinels && !hasCluster) {
    yield 'REDIS_WAIT_REPLICAS: needs a Redis store (REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER)';
  }
}

function* checkRole({ role, redisUrl, redisSentinels, redisCluster }: Config): Iterable<string> {
  const isShared = redisUrl !== undefined || redisSentinels.length > 0 || redisCluster.length > 0;
  if (role !== 'all' && !isShared) {
    yield `ROLE: ${role} needs a store that nodes share (REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER)`;
  }
}
