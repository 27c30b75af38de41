/**
 * Whether a condition has held for long enough.
 *
 *   quiet    --over-->            pending   --over for `forMs`-->            firing
 *   pending  --not over-->        quiet
 *   firing   --clear for `resolveAfterMs`--> quiet; between the thresholds it goes on
 *
 * After an operator has resolved it, it must have been clear once before it fires again.
 */
export interface Durations {
  readonly forMs: number;
  readonly resolveAfterMs: number;
}

export class Watch {
  #overSince: number | undefined;
  #clearSince: number | undefined;
  #mustClear = false;

  /** @param isFiring true to go on with an alert of before */
  constructor(public isFiring = false) {}

  /** @param now milliseconds of any clock that does not go back */
  observe(
    { isOver, isClear }: { readonly isOver: boolean; readonly isClear: boolean },
    { forMs, resolveAfterMs }: Durations,
    now: number,
  ): 'fire' | 'resolve' | undefined {
    if (isClear) this.#mustClear = false;
    if (this.isFiring) {
      this.#clearSince = isClear ? (this.#clearSince ?? now) : undefined;
      if (this.#clearSince === undefined || now - this.#clearSince < resolveAfterMs) return undefined;
      this.#rest();
      return 'resolve';
    }
    this.#overSince = isOver ? (this.#overSince ?? now) : undefined;
    if (this.#overSince === undefined || this.#mustClear || now - this.#overSince < forMs) return undefined;
    this.isFiring = true;
    return 'fire';
  }

  resolvedByHand(): void {
    this.#rest();
    this.#mustClear = true;
  }

  /** Nothing to remember. */
  get isQuiet(): boolean {
    return !this.isFiring && this.#overSince === undefined && !this.#mustClear;
  }

  #rest(): void {
    this.isFiring = false;
    this.#overSince = undefined;
    this.#clearSince = undefined;
  }
}
