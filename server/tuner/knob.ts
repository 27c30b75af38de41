/** A value of the running server that may be turned while it runs. */
export interface Knob {
  /** Such as `hydrationBudgetBytes`: with its unit. */
  readonly name: string;
  readonly description: string;
  /** The smallest and the largest value that makes sense at all; operators may narrow it. */
  readonly min: number;
  readonly max: number;
  /** Which way takes load off the node. The other way is what users would rather have. */
  readonly relief: 'up' | 'down';
  readonly isInteger: boolean;
  /** Where it stands when nobody tunes; the value that it had at the start when absent. */
  home?(): number;
  get(): number;
  /** False while turning it could change nothing, such as the size of a pool that is nearly empty. True when absent. */
  isFelt?(): boolean;
  /** Takes effect at once. Called with values from `min` to `max` alone. */
  set(value: number): void;
}

/** All knobs of a node, in the order in which they are tried: what users feel least comes first. */
export type Knobs = readonly Knob[];

/** Narrower than the knob's own limits. */
export interface KnobBounds {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}
