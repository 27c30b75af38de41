import { Redis, type ChainableCommander, type RedisOptions } from 'ioredis';
import { DEFAULT_SENTINEL_PORT, parseEndpoint, parseUrl, type RedisAddress } from './address.js';
import {
  CONNECTION_OPTIONS,
  keepConnecting,
  reconnectDelayMs,
  reconnectWhenReadOnly,
  type LinkChange,
  type RedisLink,
} from './link.js';

const OWNER = 'master';
/** A Sentinel that hangs is passed over: the next one is asked. */
const SENTINEL_ANSWERS_MS = 3_000;

/** One Redis server, or the master that Sentinels name. */
export class SingleLink implements RedisLink {
  readonly #redis: Redis;
  readonly #listeners = new Set<(change: LinkChange) => void>();
  #lastError: string | undefined;
  #isClosed = false;

  constructor(address: RedisAddress, name: string) {
    this.#redis = new Redis({ ...optionsOf(address), connectionName: name, enableOfflineQueue: false });
    this.#redis.on('error', (error: Error) => (this.#lastError = error.message));
    this.#redis.on('ready', () => {
      this.#lastError = undefined;
      this.#tell('ready');
    });
    this.#redis.on('close', () => this.#tell('down'));
    keepConnecting(this.#redis, () => !this.#isClosed);
  }

  get isReady(): boolean {
    return this.#redis.status === 'ready';
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  ownerOf(): string {
    return OWNER;
  }

  pipeline(): ChainableCommander {
    return this.#redis.pipeline();
  }

  subscriberTo(): Redis {
    return this.#redis.duplicate({ lazyConnect: true, autoResubscribe: false, enableOfflineQueue: false });
  }

  refresh(): void {
    // There is one owner, and ioredis asks the Sentinels on each connection.
  }

  masters(): Redis[] {
    return [this.#redis];
  }

  onChange(listener: (change: LinkChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  #tell(change: LinkChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function optionsOf(address: RedisAddress): Omit<RedisOptions, 'replyMapping'> {
  const { endpoint, credentials } = parseUrl(address.url ?? 'redis://127.0.0.1:6379');
  const common: Omit<RedisOptions, 'replyMapping'> = {
    ...CONNECTION_OPTIONS,
    ...credentials,
    retryStrategy: reconnectDelayMs,
    reconnectOnError: reconnectWhenReadOnly(),
  };
  if (address.sentinels === undefined || address.sentinels.length === 0) return { ...common, ...endpoint };
  if (address.sentinelName === undefined) throw new TypeError('Sentinels need the name of the master that they watch');
  return {
    ...common,
    sentinels: address.sentinels.map((text) => parseEndpoint(text, DEFAULT_SENTINEL_PORT)),
    name: address.sentinelName,
    sentinelRetryStrategy: reconnectDelayMs,
    sentinelCommandTimeout: SENTINEL_ANSWERS_MS,
    // Leaves a master that was replaced without closing its connections (it hangs, or the network is cut).
    failoverDetector: true,
    ...(credentials.tls && { enableTLSForSentinelMode: true, sentinelTLS: credentials.tls }),
  };
}
