/**
 * The soak: people come, type, and go again for hours, in documents of their own each time. What a server keeps of those
 * that left shows as memory that rises; it must stay flat once it is warm.
 */
import { runScenario } from './run-scenario.js';
import type { LoadScenario } from './scenarios.js';
import { ownServer, remoteServer, type Target } from './target.js';
import { trendOf, type MemoryTrend, type Sample } from './memory-trend.js';

export interface SoakOptions {
  /** A running server; undefined: one of our own. */
  readonly url: string | undefined;
  readonly token: string | undefined;
  /** The built `main.js`, for a server of our own. */
  readonly main: string;
  readonly connections: number;
  /** How long each round types, in milliseconds. */
  readonly durationMs: number;
  readonly soakMs: number;
}

export interface SoakResult {
  readonly hasPassed: boolean;
  readonly failures: readonly string[];
  readonly minutes: number;
  readonly rounds: number;
  readonly connections: number;
  readonly edits: number;
  readonly messages: number;
  /** Means of the rounds' means; the highest of their p99. */
  readonly meanMs: number;
  readonly worstP99Ms: number;
  readonly resident: MemoryTrend;
  readonly heap: MemoryTrend;
  readonly samples: readonly Sample[];
  readonly problems: readonly string[];
}

export interface SoakEvents {
  /** After each round. */
  round(facts: { round: number; share: number; meanMs: number; p99Ms: number; rssBytes: number }): void;
}

/**
 * Before it, caches, the allocator and what holds the last minutes still fill: a quarter of the time, at least a quarter
 * of an hour, and never more than half.
 */
const [WARM_UP_SHARE, LEAST_WARM_UP_MS, MOST_WARM_UP_SHARE] = [0.25, 15 * 60_000, 0.5];
/** Over the whole judged time, of the memory at its beginning: more is a leak, less is the breathing of a heap. */
const MAX_GROWTH_SHARE = 0.1;
const SAMPLE_EVERY_MS = 5_000;
const MAX_PROBLEMS = 20;

/** @throws TargetError */
export async function runSoak(options: SoakOptions, events: SoakEvents): Promise<SoakResult> {
  const { url, token, main, connections } = options;
  const target = url === undefined ? await ownServer(main, connections) : remoteServer(url, token);
  try {
    return await soak(target, options, events);
  } finally {
    await target.close();
  }
}

async function soak(target: Target, options: SoakOptions, events: SoakEvents): Promise<SoakResult> {
  const { connections, durationMs, soakMs } = options;
  const samples: Sample[] = [];
  const problems: string[] = [];
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  const look = async (): Promise<void> => {
    const { rssBytes, heapBytes } = await target.usage();
    samples.push({ atMs: Math.round(elapsed()), rssBytes, heapBytes });
  };
  await look();
  const timer = setInterval(() => {
    look().catch((error: unknown) => problems.push(`memory could not be read: ${String(error)}`));
  }, SAMPLE_EVERY_MS);
  let [rounds, edits, messages, sumOfMeans, worstP99Ms, incomplete] = [0, 0, 0, 0, 0, 0];
  try {
    while (elapsed() < soakMs) {
      const figures = await runScenario(target, scenarioOf(connections, durationMs, rounds), () => undefined);
      rounds += 1;
      edits += figures.edits;
      messages += Math.round((figures.messagesPerMinute * figures.seconds) / 60);
      sumOfMeans += figures.meanMs;
      worstP99Ms = Math.max(worstP99Ms, figures.p99Ms);
      if (figures.success < 1) incomplete += 1;
      problems.push(...figures.problems.map((problem) => `round ${rounds}: ${problem}`));
      const { rssBytes } = samples.at(-1) ?? { rssBytes: 0 };
      const share = Math.min(1, elapsed() / soakMs);
      events.round({ round: rounds, share, meanMs: figures.meanMs, p99Ms: figures.p99Ms, rssBytes });
    }
  } finally {
    clearInterval(timer);
  }
  const warmAtMs = Math.min(elapsed() * MOST_WARM_UP_SHARE, Math.max(elapsed() * WARM_UP_SHARE, LEAST_WARM_UP_MS));
  const warm = samples.filter(({ atMs }) => atMs >= warmAtMs);
  const resident = trendOf(warm, ({ rssBytes }) => rssBytes);
  const heap = trendOf(warm, ({ heapBytes }) => heapBytes);
  const failures = [
    ...growthOf('resident memory', resident),
    ...growthOf('the heap', heap),
    ...(incomplete === 0 ? [] : [`in ${incomplete} of ${rounds} rounds not everyone got every edit`]),
  ];
  return {
    ...{
      hasPassed: failures.length === 0,
      failures,
      minutes: elapsed() / 60_000,
      rounds,
      connections,
      edits,
      messages,
    },
    ...{ meanMs: sumOfMeans / rounds, worstP99Ms, resident, heap, samples },
    problems: problems.slice(0, MAX_PROBLEMS),
  };
}

function scenarioOf(connections: number, durationMs: number, round: number): LoadScenario {
  const edits = Math.max(1, Math.round(durationMs / 1_000));
  return {
    ...{ name: `soak-${round}`, title: 'Soak', connections, perRoom: 10, edits, durationMs },
    ...{ threshold: 1, isCompared: false },
  };
}

function growthOf(what: string, { growthShare, bytesPerHour }: MemoryTrend): string[] {
  if (growthShare <= MAX_GROWTH_SHARE) return [];
  const mib = (bytesPerHour / 1024 ** 2).toFixed(1);
  return [
    `${what} grew by ${(growthShare * 100).toFixed(1)} % after the warm-up (${mib} MiB an hour), at most ${MAX_GROWTH_SHARE * 100} % is flat`,
  ];
}
