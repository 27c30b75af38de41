import type { Logger } from 'pino';
import type { Bus } from '../../storage/bus.js';
import type { Subscription } from '../../storage/document-log.js';

/** On the bus: the name of a document that some node has erased. */
const CHANNEL = 'documents/erased';

/**
 * Erasures told between nodes. News may be lost: the node that erased a document has left its tombstone, and the log
 * refuses a late append in any case.
 */
export class ErasureNews {
  #subscription: Promise<Subscription> | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly logger: Logger,
  ) {}

  async listen(onErased: (document: string) => void): Promise<void> {
    this.#subscription = this.bus.subscribe(CHANNEL, (message) => {
      onErased(Buffer.from(message).toString());
    });
    await this.#subscription;
  }

  async tell(document: string): Promise<void> {
    await this.bus.publish(CHANNEL, Buffer.from(document)).catch((error: unknown) => {
      this.logger.warn({ err: error, document }, 'other nodes could not be told of an erasure');
    });
  }

  async close(): Promise<void> {
    // A store that cannot be reached ends its subscriptions by itself.
    await this.#subscription?.then((subscription) => subscription.close()).catch(() => undefined);
  }
}
