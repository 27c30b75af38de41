import type { RedisOptions } from 'ioredis';

/** Where Redis is: one server by `url`, or Sentinels, or a Cluster. With the latter two, `url` gives credentials only. */
export interface RedisAddress {
  /** `redis://` or, for TLS, `rediss://`, with ACL user, password and database: `rediss://user:secret@host:6379/0`. */
  readonly url?: string;
  /** `host:port` of each Sentinel. */
  readonly sentinels?: readonly string[];
  /** Name of the master that the Sentinels watch. */
  readonly sentinelName?: string;
  /** `host:port` or URL of some nodes of a Cluster; the others are found through them. */
  readonly cluster?: readonly string[];
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The same for servers, Sentinels and nodes of a Cluster. */
export type Credentials = Pick<RedisOptions, 'username' | 'password' | 'db' | 'tls'>;

const DEFAULT_PORT = 6379;
export const DEFAULT_SENTINEL_PORT = 26379;

/** @throws TypeError that names the wrong part, never the password. */
export function parseUrl(url: string): { endpoint: Endpoint; credentials: Credentials } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || (parsed.protocol !== 'redis:' && parsed.protocol !== 'rediss:')) {
    throw new TypeError('The Redis URL must look like redis://user:password@host:6379/0, or rediss:// for TLS');
  }
  const database = parsed.pathname.slice(1);
  if (!/^\d*$/.test(database)) throw new TypeError('The path of the Redis URL is the number of a database');
  return {
    endpoint: parseEndpoint(parsed.host, DEFAULT_PORT),
    credentials: {
      ...(parsed.username !== '' && { username: decodeURIComponent(parsed.username) }),
      ...(parsed.password !== '' && { password: decodeURIComponent(parsed.password) }),
      ...(database !== '' && { db: Number(database) }),
      ...(parsed.protocol === 'rediss:' && { tls: { servername: unbracketed(parsed.hostname) } }),
    },
  };
}

/** @throws TypeError */
export function parseEndpoint(text: string, defaultPort: number): Endpoint {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]/@]+)(?::(\d+))?$/.exec(text.trim());
  const [, host, port] = match ?? [];
  if (host === undefined) throw new TypeError(`"${text}" is no address of the form host:port`);
  return { host: unbracketed(host), port: port === undefined ? defaultPort : Number(port) };
}

/** Endpoints and credentials of a Cluster's entry points; credentials come from `url` or the first entry that has any. */
export function parseCluster({ url, cluster = [] }: RedisAddress): { endpoints: Endpoint[]; credentials: Credentials } {
  const entries = cluster.map((entry) =>
    entry.includes('://')
      ? parseUrl(entry)
      : { endpoint: parseEndpoint(entry, DEFAULT_PORT), credentials: {} satisfies Credentials },
  );
  const given = url === undefined ? entries.map((entry) => entry.credentials) : [parseUrl(url).credentials];
  const credentials = given.find((candidate) => Object.keys(candidate).length > 0) ?? {};
  if (credentials.db !== undefined && credentials.db !== 0) {
    throw new TypeError('A Redis Cluster has database 0 only');
  }
  return { endpoints: entries.map((entry) => entry.endpoint), credentials };
}

function unbracketed(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
