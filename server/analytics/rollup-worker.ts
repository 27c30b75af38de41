/**
 * Counts facts: what was appended is folded into the roll-ups of its form, at most once a second for each form. To be
 * run by one node at a time; that two do it for a moment harms nothing but a rebuild.
 */
import type { Logger } from 'pino';
import { rest } from '../duties/index.js';
import type { FactLog } from './fact-log.js';
import type { RollupStore } from './rollup-store.js';

const PAGE_FACTS = 1_000;
const FOLD_EVERY_MS = 1_000;
/** Forms that are counted side by side: their writes share a commit of the store. */
const AT_ONCE = 16;
/**
 * Where very many forms change at once the worker rests longer: counting more facts of a form in one go costs hardly more.
 * Measured with 1,000 edits/s, gathering and counting on one core: 1 form 0.5 %, 20 and 100 forms 2 %; without the
 * rest 100 forms took 11 %.
 */
const REST_PER_FORM_MS = 50;
const MAX_REST_MS = 10_000;
const RESCAN_MS = 60_000;

export interface RollupWorkerOptions {
  readonly facts: FactLog;
  readonly rollups: RollupStore;
  readonly logger: Logger;
  /** New figures are there. At most once a second for each form. */
  onCounted(formId: string): void;
}

export class RollupWorker {
  readonly #waiting = new Set<string>();
  /** One at a time for each form. */
  readonly #working = new Map<string, Promise<unknown>>();
  #wake: (() => void) | undefined;

  constructor(private readonly options: RollupWorkerOptions) {}

  /** Until `signal` is aborted. Begins with what was not counted when the last one ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { facts } = this.options;
    const isOver = (): boolean => signal.aborted;
    const subscription = await facts.onAppended((formId) => {
      this.#waiting.add(formId);
      this.#wake?.();
    });
    const stop = (): void => this.#wake?.();
    signal.addEventListener('abort', stop);
    try {
      let scannedAt = -Infinity;
      while (!isOver()) {
        if (performance.now() - scannedAt >= RESCAN_MS) {
          for await (const formId of facts.forms()) this.#waiting.add(formId);
          scannedAt = performance.now();
        }
        const forms = [...this.#waiting];
        this.#waiting.clear();
        for (let i = 0; i < forms.length && !isOver(); i += AT_ONCE) {
          await Promise.all(forms.slice(i, i + AT_ONCE).map((formId) => this.#countOne(formId)));
        }
        const restMs = Math.min(MAX_REST_MS, Math.max(FOLD_EVERY_MS, REST_PER_FORM_MS * forms.length));
        await rest(restMs, signal);
        await this.#news(signal, scannedAt);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      await subscription.close();
    }
  }

  /** Never rejects: what fails waits for its next turn. */
  async #countOne(formId: string): Promise<void> {
    try {
      if ((await this.count(formId)) > 0) this.options.onCounted(formId);
    } catch (error) {
      this.options.logger.warn({ err: error, form: formId }, 'a form could not be counted; it is tried again');
      this.#waiting.add(formId);
    }
  }

  /** Folds what is not counted yet. Answers how many facts that were. */
  count(formId: string): Promise<number> {
    return this.#inTurn(formId, () => this.#count(formId));
  }

  /** Drops all roll-ups of a form and counts its facts again. To be run where `run` is, and nowhere else meanwhile. */
  rebuild(formId: string): Promise<number> {
    return this.#inTurn(formId, async () => {
      // First: after a crash in between, what is still there is skipped and what is not is counted again.
      await this.options.facts.setUncounted(formId);
      await this.options.rollups.erase(formId);
      return this.#count(formId);
    });
  }

  /** The facts and the roll-ups of a form. */
  erase(formId: string): Promise<void> {
    return this.#inTurn(formId, async () => {
      await this.options.facts.erase(formId);
      await this.options.rollups.erase(formId);
    });
  }

  async #count(formId: string): Promise<number> {
    const { facts, rollups } = this.options;
    let position = await facts.counted(formId);
    for (let counted = 0; ;) {
      const page = await facts.after(formId, position, PAGE_FACTS);
      const last = page.at(-1);
      if (last === undefined) return counted;
      await rollups.fold(formId, page);
      await facts.setCounted(formId, last.id);
      position = last.id;
      counted += page.length;
    }
  }

  async #inTurn<T>(formId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#working.get(formId) ?? Promise.resolve();
    const run = before.catch(() => undefined).then(work);
    this.#working.set(formId, run);
    try {
      return await run;
    } finally {
      if (this.#working.get(formId) === run) this.#working.delete(formId);
    }
  }

  async #news(signal: AbortSignal, scannedAt: number): Promise<void> {
    if (signal.aborted || this.#waiting.size > 0) return;
    const rest = RESCAN_MS - (performance.now() - scannedAt);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, rest));
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
