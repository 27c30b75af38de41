import type { Logger } from 'pino';

/**
 * Logs of live documents that cannot be read, told once for an outage and once when it is over: each of them is tried
 * again many times meanwhile.
 */
export class ReadFailures {
  readonly #failing = new Set<object>();
  #documents = 0;
  #attempts = 0;

  constructor(private readonly logger: Logger) {}

  /** An attempt to read for `follower` has failed. */
  failed(follower: object, document: string, reason: string): void {
    if (!this.#failing.has(follower)) this.#documents += 1;
    this.#failing.add(follower);
    this.#attempts += 1;
    if (this.#attempts === 1) this.logger.warn({ document, reason }, 'A log could not be read; it is tried again');
    else this.logger.debug({ document, reason }, 'A log could not be read; it is tried again');
  }

  /** It has read, or reads no more. */
  over(follower: object): void {
    if (!this.#failing.delete(follower) || this.#failing.size > 0) return;
    const facts = { documents: this.#documents, attempts: this.#attempts };
    this.#documents = 0;
    this.#attempts = 0;
    this.logger.info(facts, 'Logs are read again');
  }
}
