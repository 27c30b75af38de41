/** A value derived from something that changes: computed when it is read, told of when it may have changed. */
export class Derived<T> {
  #value: { readonly current: T } | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly compute: () => T) {}

  /** The same object until it changes: what React's `useSyncExternalStore` asks for. */
  get(): T {
    this.#value ??= { current: this.compute() };
    return this.#value.current;
  }

  /** @returns ends it */
  readonly subscribe = (listener: () => void): (() => void) => {
    // A wrapper, so that one function may listen twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  };

  /** To be called when what it is computed from has changed. */
  invalidate(): void {
    this.#value = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}
