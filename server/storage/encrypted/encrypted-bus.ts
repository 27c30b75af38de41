import type { Logger } from 'pino';
import type { Bus } from '../bus.js';
import type { Subscription } from '../document-log.js';
import { StorageError } from '../errors.js';
import { KIND, open, seal, type Place } from './envelope.js';
import type { KeyRing } from './key-ring.js';

/** Messages pass through the store's network: who is there and what they point at is nobody else's business. */
export class EncryptedBus implements Bus {
  constructor(
    private readonly inner: Bus,
    private readonly ring: KeyRing,
    private readonly logger: Logger,
  ) {}

  publish(channel: string, message: Uint8Array): Promise<void> {
    return this.inner.publish(channel, seal(this.ring, KIND.message, placeOf(channel), message) ?? message);
  }

  subscribe(channel: string, onMessage: (message: Uint8Array) => void): Promise<Subscription> {
    return this.inner.subscribe(channel, (message) => {
      const plain = this.#open(channel, message);
      if (plain !== undefined) onMessage(plain);
    });
  }

  /** A message is delivered at most once anyway: one that cannot be read is reported and dropped. */
  #open(channel: string, message: Uint8Array): Uint8Array | undefined {
    try {
      const opened = open(this.ring, placeOf(channel), message);
      return opened === undefined ? message : opened.plain;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.logger.error({ err: error, channel }, 'a message of another node cannot be decrypted');
      return undefined;
    }
  }
}

function placeOf(channel: string): Place {
  return ['channel', channel];
}
