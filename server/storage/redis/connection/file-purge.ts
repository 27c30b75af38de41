import type { Logger } from 'pino';
import { rewriteAppendOnlyFile } from './inspection.js';
import type { RedisLink } from './link.js';

/** Erasures gather for so long, because a rewrite costs as much as the whole data set. */
const DEFAULT_GATHER_MS = 30_000;

/**
 * Gets erased content off the disks of Redis: its append-only file repeats every write until it is rewritten.
 * Files of RDB are replaced as a whole by the next save.
 */
export class FilePurge {
  readonly #link: RedisLink;
  readonly #logger: Logger;
  readonly #gatherMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(link: RedisLink, logger: Logger, gatherMs = DEFAULT_GATHER_MS) {
    this.#link = link;
    this.#logger = logger;
    this.#gatherMs = gatherMs;
  }

  /** Content was erased. */
  request(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#purge();
    }, this.#gatherMs).unref();
  }

  /** A rewrite that is due is started now. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#link.isReady) await this.#purge();
  }

  async #purge(): Promise<void> {
    let isBusy = false;
    for (const outcome of await Promise.allSettled(this.#link.masters().map(rewriteAppendOnlyFile))) {
      if (outcome.status === 'rejected') {
        const err: unknown = outcome.reason;
        this.#logger.warn({ err }, 'Erased content stays in the append-only file of Redis until it is rewritten');
      } else if (!outcome.value) {
        isBusy = true;
      }
    }
    if (isBusy && !this.#isClosed) this.request();
  }
}
