/** Has work finished that a killed process left halfway: on one node at a time. */
import type { Logger } from 'pino';
import type { Leases } from '../storage/leases.js';
import { rest } from './rest.js';
import { Terms } from './terms.js';

const LOOK_MS = 10_000;

export interface UnfinishedWorkOptions {
  /** Id of this node. */
  readonly node: string;
  readonly leases: Leases;
  readonly logger: Logger;
  /** Each does the rest of what had no sign of life for so long, in milliseconds. */
  readonly finishers: readonly ((ageMs: number) => Promise<void>)[];
  /** Between two looks. */
  readonly everyMs?: number | undefined;
}

export class UnfinishedWork {
  readonly #terms: Terms;

  constructor(private readonly options: UnfinishedWorkOptions) {
    const { node, leases, logger } = options;
    this.#terms = new Terms({ duty: 'unfinished-work', node, leases, logger, run: (signal) => this.#run(signal) });
  }

  start(): void {
    this.#terms.start();
  }

  close(): Promise<void> {
    return this.#terms.close();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { finishers, logger, everyMs = LOOK_MS } = this.options;
    while (!signal.aborted) {
      for (const finish of finishers) {
        try {
          await finish(everyMs);
        } catch (error) {
          logger.warn({ err: error }, 'work that was left could not be looked for; it is tried again');
        }
      }
      await rest(everyMs, signal);
    }
  }
}
