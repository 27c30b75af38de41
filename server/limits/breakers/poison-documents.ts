/**
 * Documents that harm the others of their node. Shown and reset as the breaker `document:<name>`.
 *
 *   an update cannot be applied   its room starts afresh from the log, which costs everybody in it: after five within a
 *                                 minute the document takes no newcomers
 *   more work than its budget     everybody is sent away, and the document takes no newcomers
 *
 * That lasts for 30 s, then it is open on trial, where one more doubles the pause, up to 10 minutes. After 10 minutes of
 * trial without another it is as any document.
 */
import type { Admission } from '../admission/admission-pools.js';
import type { Breakers } from './breaker.js';

export interface PoisonSettings {
  /** Updates within a minute that close the door. */
  readonly limit: number;
  readonly pauseMs: number;
  readonly maxPauseMs: number;
}

const SETTINGS: PoisonSettings = { limit: 5, pauseMs: 30_000, maxPauseMs: 10 * 60_000 };
const WINDOW_MS = 60_000;
/** Clients choose the names of documents. */
const MAX_DOCUMENTS = 2_000;

export class PoisonDocuments {
  /** When poison came within the last minute; the document that was quiet longest first. */
  readonly #times = new Map<string, number[]>();

  constructor(
    private readonly breakers: Breakers,
    private readonly settings: PoisonSettings = SETTINGS,
    /** Unix time in milliseconds. */
    private readonly clock: () => number = Date.now,
  ) {}

  /** A room starts afresh because of an update that cannot be applied. */
  async onPoison(document: string): Promise<void> {
    const { limit, maxPauseMs } = this.settings;
    const name = breakerOf(document);
    const now = this.clock();
    const times = [...(this.#times.get(document) ?? []).filter((at) => now - at < WINDOW_MS), now];
    this.#times.delete(document);
    this.#times.set(document, times.slice(-limit));
    this.#forgetQuiet(now);
    const { state, nextTryAt } = this.breakers.find(name)?.describe() ?? { state: 'closed', nextTryAt: undefined };
    // On trial for longer than any pause: what comes now is a new series.
    const isStale = nextTryAt !== undefined && now - Date.parse(nextTryAt) > maxPauseMs;
    if (isStale) this.breakers.delete(name);
    if (times.length < limit && (isStale || state === 'closed')) return;
    await this.#shut(document, 'updates came that cannot be applied');
  }

  /** It took more of the processor than its budget. */
  async onOverworked(document: string): Promise<void> {
    await this.#shut(document, 'it takes more of the processor than its budget');
  }

  async #shut(document: string, why: string): Promise<void> {
    const { pauseMs, maxPauseMs } = this.settings;
    const settings = { threshold: 1, pauseMs, maxPauseMs, forgottenAfterMs: maxPauseMs };
    await this.breakers.get(breakerOf(document), settings).fail(new Error(why));
  }

  /** How long newcomers to this document must stay away; undefined when they may come. */
  refusal(document: string): Extract<Admission, { admitted: false }> | undefined {
    const breaker = this.breakers.find(breakerOf(document));
    const until = breaker?.openUntil();
    if (until === undefined) return undefined;
    const retryAfterSeconds = Math.max(1, Math.ceil((until - this.clock()) / 1_000));
    return {
      admitted: false,
      retryAfterSeconds,
      reason: `the document is shut for a while: ${breaker?.describe().lastError ?? 'it failed'}`,
    };
  }

  #forgetQuiet(now: number): void {
    for (const [document, times] of this.#times) {
      if (now - (times.at(-1) ?? 0) < WINDOW_MS && this.#times.size <= MAX_DOCUMENTS) return;
      this.#times.delete(document);
    }
  }
}

const breakerOf = (document: string): string => `document:${document}`;
