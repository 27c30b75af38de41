/**
 * The processor time that documents take: reading them, applying updates, keeping their rules. Sending to many readers is
 * not counted: that is load, not poison. A document that takes more than its share for long is over its budget.
 *
 * Generic cell rate algorithm over milliseconds of work. Only documents in debt are remembered, and only so many.
 */
import { LRUCache } from 'lru-cache';
import type { MonotonicClock } from '../clock.js';

/** At once: twenty seconds' worth of its share. */
const BURST_MS = 20_000;
const MAX_DOCUMENTS = 2_000;

export class DocumentWork {
  readonly #wholeAt = new LRUCache<string, number>({ max: MAX_DOCUMENTS });

  constructor(
    /** Of one core, 0 to 1. */
    private readonly share: number,
    private readonly now: MonotonicClock,
    /** What part of the time on the clock was work: others may have had the processor meanwhile. */
    private readonly workShare: () => number = () => 1,
  ) {}

  /** Notes time that was spent on it; true when the document is over its budget now. */
  spend(document: string, elapsedMs: number): boolean {
    const now = this.now();
    const wholeAt = Math.max(now, this.#wholeAt.get(document) ?? 0) + (elapsedMs * this.workShare()) / this.share;
    this.#wholeAt.set(document, wholeAt);
    return wholeAt - now > BURST_MS;
  }

  /** For a document that was shut because of it: it begins anew when it is opened on trial. */
  forget(document: string): void {
    this.#wholeAt.delete(document);
  }
}
