/** What a node felt over the last round. Shares are of 1, and may exceed it. */
export interface Reading {
  /** Milliseconds by which the event loop came late to its work. */
  readonly loopDelayP99Ms: number;
  /** Of one core. */
  readonly cpuShare: number;
  /** Of the memory that the process may take. */
  readonly memoryShare: number;
  /** Of the time: writing to connections. */
  readonly fanOutShare: number;
  /** Of the fullest outbound queue. */
  readonly queueShare: number;
}

/** Up to where a node is well: what an operator wants instead of `COMFORT`. */
export type Targets = Readonly<Partial<Reading>>;

/** Below these a node is well: less would not be felt by anybody. */
export const COMFORT: Reading = {
  loopDelayP99Ms: 20,
  cpuShare: 0.6,
  memoryShare: 0.7,
  fanOutShare: 0.3,
  queueShare: 0.25,
};

/** From comfort to where it hurts: an excess of so much counts as 1. */
const SPAN: Reading = { loopDelayP99Ms: 80, cpuShare: 0.4, memoryShare: 0.25, fanOutShare: 0.4, queueShare: 0.5 };

/** 0 when the node is well; grows with every reading that is above its comfort. */
export function load(reading: Reading, targets: Targets = {}): number {
  return excess(reading, targets).reduce((sum, { excess: one }) => sum + one, 0);
}

/** What is above its comfort, worst first. */
export function excess(
  reading: Reading,
  targets: Targets = {},
): { readonly of: keyof Reading; readonly excess: number }[] {
  return READINGS.map((of) => ({ of, excess: Math.max(0, reading[of] - (targets[of] ?? COMFORT[of])) / SPAN[of] }))
    .filter((one) => one.excess > 0)
    .sort((a, b) => b.excess - a.excess);
}

export const READINGS = ['loopDelayP99Ms', 'cpuShare', 'memoryShare', 'fanOutShare', 'queueShare'] as const;
