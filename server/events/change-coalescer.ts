/**
 * Edits come by the thousand, events about them once a second and form.
 *
 *   first edit       tell after 0.1 s, so that `form.created` of the same request goes first
 *   edits since      tell 1 s after the event before is durable
 *   failing store    one event waits for it, everything since is one more: the memory is bounded, and no edit waits
 */
const FIRST_DELAY_MS = 100;
const SPACING_MS = 1_000;
const MAX_USERS = 100;

export interface FormChange {
  readonly formId: string;
  /** Who changed it, in the order in which they began; the first 100. */
  readonly users: readonly string[];
  /** Unix time in milliseconds of the first and the last edit that this tells of. */
  readonly from: number;
  readonly to: number;
}

interface Waiting {
  readonly users: Set<string>;
  from: number;
  to: number;
  timer: NodeJS.Timeout | undefined;
}

export class ChangeCoalescer {
  readonly #forms = new Map<string, Waiting>();
  readonly #telling = new Set<Promise<void>>();
  #isClosed = false;

  constructor(
    /** Never rejects. */
    private readonly tell: (change: FormChange) => Promise<void>,
    private readonly clock: () => number,
    private readonly spacingMs = SPACING_MS,
  ) {}

  changed(formId: string, userId: string): void {
    if (this.#isClosed) return;
    const now = this.clock();
    let waiting = this.#forms.get(formId);
    if (waiting === undefined) {
      waiting = { users: new Set(), from: now, to: now, timer: undefined };
      this.#forms.set(formId, waiting);
      this.#schedule(formId, waiting, Math.min(FIRST_DELAY_MS, this.spacingMs));
    }
    if (waiting.users.size === 0) waiting.from = now;
    waiting.to = now;
    if (waiting.users.size < MAX_USERS) waiting.users.add(userId);
  }

  /** The form is gone: nothing more is told of it. */
  forget(formId: string): void {
    clearTimeout(this.#forms.get(formId)?.timer);
    this.#forms.delete(formId);
  }

  /** Tells what waits and takes nothing more. Resolves when all of it is durable. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [formId, waiting] of this.#forms) {
      clearTimeout(waiting.timer);
      void this.#tellOf(formId, waiting);
    }
    await Promise.all(this.#telling);
  }

  #schedule(formId: string, waiting: Waiting, delayMs: number): void {
    waiting.timer = setTimeout(() => void this.#tellOf(formId, waiting), delayMs);
    waiting.timer.unref();
  }

  async #tellOf(formId: string, waiting: Waiting): Promise<void> {
    waiting.timer = undefined;
    if (waiting.users.size === 0) {
      this.#forms.delete(formId);
      return;
    }
    const change = { formId, users: [...waiting.users], from: waiting.from, to: waiting.to };
    waiting.users.clear();
    const telling = this.tell(change);
    this.#telling.add(telling);
    await telling;
    this.#telling.delete(telling);
    if (!this.#isClosed && this.#forms.get(formId) === waiting) this.#schedule(formId, waiting, this.spacingMs);
  }
}
