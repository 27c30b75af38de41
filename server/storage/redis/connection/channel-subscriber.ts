import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Health } from './health.js';
import { keepConnecting, type RedisLink } from './link.js';

export interface ChannelListener {
  onMessage(message: Buffer): void;
  /** From now on messages arrive; what was published before may have been missed. Called again after each gap. */
  onSubscribed(): void;
}

interface Channel {
  readonly name: string;
  readonly listeners: Set<ChannelListener>;
  /** The connection that carries it; undefined while its owner is unknown. */
  connection: Connection | undefined;
  isSubscribed: boolean;
}

interface Connection {
  readonly owner: string;
  readonly redis: Redis;
  readonly channels: Set<Channel>;
  /** Channels to subscribe to at the end of this turn. */
  readonly wanted: Set<Channel>;
  recheck: NodeJS.Timeout | undefined;
}

/** A lost connection that is back by then isn't worth an alarm: everything missed is caught up. */
const ALARM_AFTER_MS = 1_000;
/** Pause before a channel that was refused is tried elsewhere. */
const REASSIGN_AFTER_MS = 100;

/**
 * Sharded Pub/Sub over one connection per owner of channels: one for a single server, one per master of a Cluster.
 *
 * Not ioredis' own sharded subscribers: they don't tell when a subscription stands again after an interruption, and
 * that is the moment at which a subscriber must look for what it has missed.
 */
export class ChannelSubscriber {
  readonly #link: RedisLink;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #channels = new Map<string, Channel>();
  readonly #connections = new Map<string, Connection>();
  readonly #alarms = new Map<Connection, NodeJS.Timeout>();
  readonly #stopListening: () => void;
  #reassignment: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(link: RedisLink, health: Health, logger: Logger) {
    this.#link = link;
    this.#health = health;
    this.#logger = logger;
    this.#stopListening = link.onChange((change) => {
      if (change !== 'down') this.#reassign();
    });
  }

  /** Answers how to stop listening. */
  listen(name: string, listener: ChannelListener): () => void {
    const channel = this.#channels.get(name) ?? this.#open(name);
    channel.listeners.add(listener);
    if (channel.isSubscribed) listener.onSubscribed();
    return () => {
      channel.listeners.delete(listener);
      if (channel.listeners.size === 0 && this.#channels.get(name) === channel) this.#drop(channel);
    };
  }

  /** Connects anew where this channel is carried: it seems to deliver nothing, although nothing says it is dead. */
  suspect(name: string): void {
    this.#channels.get(name)?.connection?.redis.disconnect(true);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    clearTimeout(this.#reassignment);
    for (const connection of this.#connections.values()) this.#closeConnection(connection);
    this.#channels.clear();
  }

  #open(name: string): Channel {
    const channel: Channel = { name, listeners: new Set(), connection: undefined, isSubscribed: false };
    this.#channels.set(name, channel);
    this.#assign(channel);
    return channel;
  }

  #drop(channel: Channel): void {
    this.#channels.delete(channel.name);
    this.#leave(channel);
  }

  /** Moves every channel whose owner has changed. */
  #reassign(): void {
    if (this.#isClosed) return;
    for (const channel of this.#channels.values()) this.#assign(channel);
    for (const connection of this.#connections.values()) {
      if (connection.channels.size === 0) this.#closeConnection(connection);
    }
  }

  #assign(channel: Channel): void {
    const owner = this.#link.ownerOf(channel.name);
    if (channel.connection?.owner === owner) return;
    this.#leave(channel);
    const connection = this.#connections.get(owner) ?? this.#connect(owner);
    if (connection === undefined) return;
    channel.connection = connection;
    connection.channels.add(channel);
    if (connection.redis.status === 'ready') this.#want(connection, channel);
  }

  #leave(channel: Channel): void {
    const { connection } = channel;
    if (connection === undefined) return;
    channel.connection = undefined;
    connection.channels.delete(channel);
    connection.wanted.delete(channel);
    if (channel.isSubscribed && connection.redis.status === 'ready') {
      connection.redis.sunsubscribe(channel.name).catch((error: unknown) => {
        this.#logger.debug({ err: error, channel: channel.name }, 'A channel could not be left');
      });
    }
    channel.isSubscribed = false;
  }

  #connect(owner: string): Connection | undefined {
    const redis = this.#link.subscriberTo(owner);
    if (redis === undefined) return undefined;
    const connection: Connection = { owner, redis, channels: new Set(), wanted: new Set(), recheck: undefined };
    this.#connections.set(owner, connection);
    redis.on('ready', () => this.#onReady(connection));
    redis.on('close', () => this.#onDown(connection));
    redis.on('error', (error: Error) => this.#logger.debug({ err: error, owner }, 'A subscriber connection failed'));
    // ioredis' name for an unsubscription that nobody asked for: the slot of a channel has moved away.
    redis.on('moved', () => this.#onMoved(connection));
    redis.on('smessageBuffer', (name: Buffer, message: Buffer) => {
      const channel = this.#channels.get(name.toString('latin1'));
      if (channel !== undefined) for (const listener of channel.listeners) listener.onMessage(message);
    });
    keepConnecting(redis, () => this.#connections.get(owner) === connection);
    redis.connect().catch((error: unknown) => {
      this.#logger.debug({ err: error, owner }, 'A subscriber connection failed; it is tried again');
    });
    return connection;
  }

  #closeConnection(connection: Connection): void {
    this.#connections.delete(connection.owner);
    clearTimeout(connection.recheck);
    connection.redis.removeAllListeners('close');
    connection.redis.disconnect();
    this.#calm(connection);
  }

  #onReady(connection: Connection): void {
    for (const channel of connection.channels) this.#want(connection, channel);
    if (connection.channels.size === 0) this.#calm(connection);
  }

  #onDown(connection: Connection): void {
    for (const channel of connection.channels) channel.isSubscribed = false;
    if (this.#alarms.has(connection)) return;
    const alarm = setTimeout(
      () => this.#health.raise('subscriptions', 'The Pub/Sub connection to Redis is down'),
      ALARM_AFTER_MS,
    );
    this.#alarms.set(connection, alarm);
  }

  /** It doesn't say which: who is no longer served here is refused now. The others are told nothing new. */
  #onMoved(connection: Connection): void {
    this.#link.refresh();
    connection.recheck ??= setTimeout(() => {
      connection.recheck = undefined;
      for (const channel of connection.channels) this.#want(connection, channel);
    }, REASSIGN_AFTER_MS);
  }

  #calm(connection: Connection): void {
    clearTimeout(this.#alarms.get(connection));
    this.#alarms.delete(connection);
    if (this.#alarms.size === 0) this.#health.clear('subscriptions');
  }

  #want(connection: Connection, channel: Channel): void {
    connection.wanted.add(channel);
    if (connection.wanted.size === 1) setImmediate(() => this.#subscribe(connection));
  }

  /** One command per channel, because the channels of one command must share a slot; all in one write. */
  #subscribe(connection: Connection): void {
    const wanted = [...connection.wanted];
    connection.wanted.clear();
    if (wanted.length === 0 || connection.redis.status !== 'ready') return;
    const pipeline = connection.redis.pipeline();
    for (const { name } of wanted) pipeline.ssubscribe(name);
    pipeline.exec().then(
      (results) => {
        for (const [i, channel] of wanted.entries()) {
          const error = results?.[i]?.[0] ?? null;
          if (channel.connection !== connection) continue;
          if (error === null) this.#subscribed(channel);
          else this.#refused(channel, error);
        }
        if (connection.redis.status === 'ready') this.#calm(connection);
      },
      (error: unknown) => this.#logger.debug({ err: error }, 'Channels could not be subscribed to'),
    );
  }

  #subscribed(channel: Channel): void {
    if (channel.isSubscribed) return;
    channel.isSubscribed = true;
    for (const listener of channel.listeners) listener.onSubscribed();
  }

  /** A lost connection subscribes again when it is back; a slot that has moved needs another owner. */
  #refused(channel: Channel, error: Error): void {
    this.#logger.debug({ err: error, channel: channel.name }, 'A channel was refused');
    if (channel.connection?.redis.status !== 'ready') return;
    this.#leave(channel);
    this.#link.refresh();
    this.#reassignment ??= setTimeout(() => {
      this.#reassignment = undefined;
      this.#reassign();
    }, REASSIGN_AFTER_MS);
  }
}
