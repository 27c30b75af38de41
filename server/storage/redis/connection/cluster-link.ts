import { Cluster, Command, type ChainableCommander, type Redis } from 'ioredis';
import { parseCluster, type RedisAddress } from './address.js';
import { CONNECTION_OPTIONS, reconnectDelayMs, type LinkChange, type RedisLink } from './link.js';

/** A Redis Cluster. Owners are its masters, named `host:port`. */
export class ClusterLink implements RedisLink {
  readonly #cluster: Cluster;
  readonly #listeners = new Set<(change: LinkChange) => void>();
  #lastError: string | undefined;

  constructor(address: RedisAddress, name: string) {
    const { endpoints, credentials } = parseCluster(address);
    this.#cluster = new Cluster([...endpoints], {
      clusterRetryStrategy: reconnectDelayMs,
      redisOptions: { ...CONNECTION_OPTIONS, ...credentials, connectionName: name },
      // Few: what is redirected more often is tried again by the callers, after a pause.
      maxRedirections: 4,
      // For a node that only listens: no command of its own is answered by MOVED.
      slotsRefreshInterval: 5_000,
    });
    this.#cluster.on('error', (error: Error) => (this.#lastError = error.message));
    this.#cluster.on('node error', (error: Error) => (this.#lastError = error.message));
    this.#cluster.on('ready', () => this.#tell('ready'));
    this.#cluster.on('close', () => this.#tell('down'));
    for (const event of ['refresh', '+node', '-node']) this.#cluster.on(event, () => this.#tell('owners'));
  }

  get isReady(): boolean {
    return this.#cluster.status === 'ready';
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  ownerOf(key: string): string {
    return this.#cluster.slots[new Command('get', [key]).getSlot()]?.[0] ?? '';
  }

  pipeline(): ChainableCommander {
    return this.#cluster.pipeline();
  }

  subscriberTo(owner: string): Redis | undefined {
    return this.masters()
      .find(({ options }) => `${options.host ?? ''}:${options.port ?? 0}` === owner)
      ?.duplicate({
        lazyConnect: true,
        autoResubscribe: false,
        enableOfflineQueue: false,
        retryStrategy: reconnectDelayMs,
      });
  }

  refresh(): void {
    this.#cluster.refreshSlotsCache();
  }

  masters(): Redis[] {
    return this.#cluster.nodes('master');
  }

  onChange(listener: (change: LinkChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#cluster.disconnect();
  }

  #tell(change: LinkChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
