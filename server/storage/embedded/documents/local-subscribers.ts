/** Who follows a document of this process' own store. */
import type { Logger } from 'pino';
import type { LoggedUpdate, Subscription } from '../../document-log.js';

type OnUpdates = (updates: LoggedUpdate[]) => void | Promise<void>;

export class LocalSubscribers {
  // Not an EventEmitter: a document may be called "error" or "newListener", which mean something to that.
  readonly #listeners = new Map<string, Set<(updates: readonly LoggedUpdate[]) => void>>();

  constructor(private readonly logger: Logger) {}

  has(document: string): boolean {
    return this.#listeners.has(document);
  }

  announce(document: string, updates: readonly LoggedUpdate[]): void {
    for (const listener of this.#listeners.get(document) ?? []) listener(updates);
  }

  /**
   * Delivers what `readPast` finds, then what is announced from now on: each update once, in order.
   * @throws what `readPast` throws, and `onUpdates` on what that found.
   */
  async subscribe(
    document: string,
    readPast: () => Promise<LoggedUpdate[]>,
    onUpdates: OnUpdates,
    onBroken: (error: unknown) => void = () => undefined,
  ): Promise<Subscription> {
    let isOpen = true;
    let isStanding = false;
    let delivered = 0;
    const deliver = async (updates: readonly LoggedUpdate[]): Promise<void> => {
      // What was read may be announced as well.
      const due = updates.filter(({ position }) => Number(position) > delivered);
      delivered = Math.max(delivered, Number(due.at(-1)?.position ?? 0));
      if (!isOpen || due.length === 0) return;
      try {
        await onUpdates(due);
      } catch (error) {
        this.logger.error({ err: error, document }, 'a subscriber failed on updates of the log');
        stop();
        if (isStanding) onBroken(error);
        else throw error;
      }
    };
    const past = readPast();
    let delivering = past.then(deliver);
    const listener = (updates: readonly LoggedUpdate[]): void => {
      delivering = delivering.then(() => deliver(updates));
    };
    const listeners = this.#listeners.get(document) ?? new Set();
    this.#listeners.set(document, listeners.add(listener));
    const stop = (): void => {
      isOpen = false;
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(document) === listeners) this.#listeners.delete(document);
    };
    try {
      await past;
      await delivering;
      isStanding = true;
    } catch (error) {
      stop();
      delivering.catch(() => undefined);
      throw error;
    }
    return {
      close: async () => {
        stop();
        await delivering;
      },
    };
  }
}
