/** Many may write at once: what their edits and carets change on the page is shown a few times a second, not with each letter. */

/** Ten times a second: others' writing looks alive, and one's own letters have the page to themselves in between. */
export const GATHER_MS = 100;

export class Gathered {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #toldAt = 0;
  readonly #listeners = new Set<() => void>();

  /** @param refresh before the listeners are called */
  constructor(private readonly refresh: () => void = () => undefined) {}

  /** To be called with each change. One that comes alone is told at once, after what is running now. */
  readonly note = (): void => {
    this.#timer ??= setTimeout(this.#tell, Math.max(0, this.#toldAt + GATHER_MS - performance.now()));
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  destroy(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#listeners.clear();
  }

  readonly #tell = (): void => {
    this.#timer = undefined;
    this.#toldAt = performance.now();
    this.refresh();
    for (const listener of [...this.#listeners]) listener();
  };
}
