/** What an operator should look at, from the state of the mechanisms. Worst first. */
import type { BreakerInfo, PoolInfo, QueueInfo } from '../../server/limits/index.js';
import { excess, type Advice, type Reading, type TunerMode } from '../../server/tuner/index.js';
import type { OptimizationAdvice } from './schemas.js';

export interface Observed {
  readonly pools: readonly PoolInfo[];
  readonly queues: readonly QueueInfo[];
  readonly deadLetters: { readonly count: number; readonly lost: number };
  readonly breakers: readonly BreakerInfo[];
  readonly reading: Reading;
  readonly tuner: { readonly mode: TunerMode; readonly advice: Advice | undefined };
  readonly store: string;
}

const NEARLY_FULL = 0.8;
const SEVERITIES = ['critical', 'warning', 'info'] as const;

export function adviceOn(observed: Observed): OptimizationAdvice[] {
  const all = [
    ...onStore(observed.store),
    ...observed.pools.flatMap(onPool),
    ...observed.queues.flatMap(onQueue),
    ...onLetters(observed.deadLetters),
    ...observed.breakers.flatMap(onBreaker),
    ...onReading(observed.reading),
    ...onTuner(observed.tuner),
  ];
  return all.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

function onStore(state: string): OptimizationAdvice[] {
  if (state === 'ok') return [];
  return [
    { severity: 'critical', about: 'store', text: `The store is ${state}: edits wait in memory until it is back.` },
  ];
}

function onPool({ name, size, connections, refused }: PoolInfo): OptimizationAdvice[] {
  const about = `pool:${name}`;
  if (connections >= size && refused > 0) {
    const text = `It is full (${connections} of ${size}) and has refused ${refused}: make it larger, or add a node.`;
    return [{ severity: 'critical', about, text }];
  }
  if (connections < size * NEARLY_FULL) return [];
  return [{ severity: 'warning', about, text: `It is nearly full: ${connections} of ${size}.` }];
}

function onQueue({ name, capacity, depth, dropped, failed, ratePerSecond }: QueueInfo): OptimizationAdvice[] {
  const about = `queue:${name}`;
  const advice: OptimizationAdvice[] = [];
  if (ratePerSecond === 0 && depth > 0) {
    advice.push({ severity: 'warning', about, text: `It is held back (rate 0) and ${depth} messages wait.` });
  } else if (depth > capacity / 2) {
    const text = `${depth} of ${capacity} wait: raise the rate, now ${ratePerSecond} a second.`;
    advice.push({ severity: 'warning', about, text });
  }
  if (dropped + failed > 0) {
    const text = `${dropped} found it full and ${failed} failed: look at the dead letters.`;
    advice.push({ severity: 'warning', about, text });
  }
  return advice;
}

function onLetters({ count, lost }: Observed['deadLetters']): OptimizationAdvice[] {
  const about = 'dead-letters';
  const advice: OptimizationAdvice[] = [];
  if (lost > 0) advice.push({ severity: 'critical', about, text: `${lost} messages were not even kept.` });
  if (count > 0) advice.push({ severity: 'warning', about, text: `${count} wait to be replayed or purged.` });
  return advice;
}

function onBreaker({ name, state, lastError, nextTryAt }: BreakerInfo): OptimizationAdvice[] {
  if (state === 'closed') return [];
  const text = `It is ${state} after: ${lastError ?? 'failures'}. Next try: ${nextTryAt ?? 'now'}.`;
  return [{ severity: name === 'store' ? 'critical' : 'warning', about: `breaker:${name}`, text }];
}

const READING_TEXTS: Readonly<Record<keyof Reading, (value: number) => string>> = {
  loopDelayP99Ms: (value) => `The event loop comes ${Math.round(value)} ms late (99th percentile).`,
  cpuShare: (value) => `The process uses ${Math.round(value * 100)} % of a core.`,
  memoryShare: (value) => `The process takes ${Math.round(value * 100)} % of its memory.`,
  fanOutShare: (value) => `Writing to connections takes ${Math.round(value * 100)} % of the time.`,
  queueShare: (value) => `The fullest outbound queue is ${Math.round(value * 100)} % full.`,
};

function onReading(reading: Reading): OptimizationAdvice[] {
  return excess(reading).map(({ of, excess: by }) => ({
    severity: by >= 1 ? 'critical' : 'warning',
    about: `node:${of}`,
    text: READING_TEXTS[of](reading[of]),
  }));
}

function onTuner({ mode, advice }: Observed['tuner']): OptimizationAdvice[] {
  if (advice === undefined || mode !== 'advise') return [];
  const text = `${advice.knob} should go from ${advice.from} to ${advice.to}; the mode "auto" would do it.`;
  return [{ severity: 'info', about: 'tuner', text }];
}
