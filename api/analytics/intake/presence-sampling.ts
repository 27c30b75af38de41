/** Turns who is here into facts: when it changes, and once a minute while somebody is. By the node that counts. */
import type { Logger } from 'pino';
import type { FactLog, LiveBoard } from '../../../server/analytics/index.js';
import { rest } from '../../../server/duties/index.js';

const SAMPLE_MS = 2_000;
const REPEAT_MS = 60_000;

interface Told {
  readonly at: number;
  readonly editors: number;
  readonly respondents: number;
}

export class PresenceSampling {
  readonly #told = new Map<string, Told>();

  constructor(
    private readonly live: LiveBoard,
    private readonly facts: FactLog,
    private readonly logger: Logger,
    /** Unix time in milliseconds. */
    private readonly clock: () => number,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.sample();
      } catch (error) {
        this.logger.warn({ err: error }, 'who is here could not be counted; it is tried again');
      }
      await rest(SAMPLE_MS, signal);
    }
  }

  async sample(): Promise<void> {
    const at = this.clock();
    const now = this.live.now();
    for (const [formId, { editors, respondents }] of now) {
      const told = this.#told.get(formId);
      const isSame = told?.editors === editors && told.respondents === respondents;
      if (isSame && at - told.at < REPEAT_MS) continue;
      if (editors + respondents === 0) {
        this.#told.delete(formId);
        continue;
      }
      await this.facts.append(formId, [{ type: 'present', at, editors, respondents }]);
      this.#told.set(formId, { at, editors, respondents });
    }
    for (const formId of this.#told.keys()) if (!now.has(formId)) this.#told.delete(formId);
  }
}
