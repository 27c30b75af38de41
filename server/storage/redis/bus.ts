import type { Bus } from '../bus.js';
import type { Subscription } from '../document-log.js';
import { StorageClosedError } from '../errors.js';
import type { ChannelSubscriber } from './connection/channel-subscriber.js';
import type { CommandPipeline } from './connection/command-pipeline.js';
import { Retrier, type RetryContext } from './connection/retry.js';
import type { Keys } from './keys.js';

export interface BusParts {
  readonly reads: CommandPipeline;
  readonly keys: Keys;
  readonly channels: ChannelSubscriber;
  readonly retry: RetryContext;
  /** How long a subscription may take to stand, in milliseconds. */
  readonly deadlineMs: number;
}

/** A message that couldn't be sent by then is stale. */
const PUBLISH_DEADLINE_MS = 1_000;

/** Sharded Pub/Sub: on a Cluster each channel burdens one master instead of all. */
export class RedisBus implements Bus {
  readonly #parts: BusParts;
  readonly #retrier: Retrier;

  constructor(parts: BusParts) {
    this.#parts = parts;
    this.#retrier = new Retrier(parts.retry, undefined);
  }

  /** @throws StorageUnavailableError when Redis couldn't be reached for a second; StorageClosedError. */
  async publish(channel: string, message: Uint8Array): Promise<void> {
    const name = this.#parts.keys.busChannel(channel);
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
    await this.#retrier.run(() => this.#parts.reads.command(name, 'spublish', name, bytes), PUBLISH_DEADLINE_MS);
  }

  /** Resolves when messages arrive. @throws StorageUnavailableError, StorageClosedError */
  async subscribe(channel: string, onMessage: (message: Uint8Array) => void): Promise<Subscription> {
    if (this.#parts.retry.closing.aborted) throw new StorageClosedError();
    let subscribed: () => void = () => undefined;
    const standing = new Promise<void>((resolve) => (subscribed = resolve));
    const stop = this.#parts.channels.listen(this.#parts.keys.busChannel(channel), {
      onMessage: (message) => onMessage(new Uint8Array(message.buffer, message.byteOffset, message.length)),
      onSubscribed: () => subscribed(),
    });
    try {
      await this.#retrier.run(() => standing, this.#parts.deadlineMs);
    } catch (error) {
      stop();
      throw error;
    }
    return {
      close: () => {
        stop();
        return Promise.resolve();
      },
    };
  }
}
