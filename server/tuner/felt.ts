/** What was felt in a round, and the middle of several. */
import type { Reading } from './reading.js';

export type Felt = Reading & { readonly objective: number };

/** The median of each reading: one round among neighbours that woke up counts no more than any other. */
export function middle(all: readonly Felt[]): Felt {
  const of = (key: keyof Felt): number => median(all.map((one) => one[key]));
  return {
    loopDelayP99Ms: of('loopDelayP99Ms'),
    cpuShare: of('cpuShare'),
    memoryShare: of('memoryShare'),
    fanOutShare: of('fanOutShare'),
    queueShare: of('queueShare'),
    objective: of('objective'),
  };
}

/** 0 of none. */
export function median(all: readonly number[]): number {
  const sorted = [...all].sort((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return (low + high) / 2;
}
