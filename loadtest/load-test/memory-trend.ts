/** Whether memory rises: a slope that single peaks (a collection that was due, a large join) do not bend. */

export interface Sample {
  /** Since the start, in milliseconds. */
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

export interface MemoryTrend {
  readonly lowestBytes: number;
  readonly highestBytes: number;
  readonly bytesPerHour: number;
  /** What the slope adds over the whole time, as a share of the typical value. */
  readonly growthShare: number;
}

/** Samples are gathered into so many windows; each counts with its median. */
const WINDOWS = 60;

/**
 * The Theil–Sen slope (Sen 1968): the median of the slopes between all pairs of windows. Up to 29 % of them may be
 * off without moving it.
 * @param samples in the order of time
 */
export function trendOf(samples: readonly Sample[], read: (sample: Sample) => number): MemoryTrend {
  const values = samples.map(read);
  const points = windowsOf(samples, read);
  const slopes = points.flatMap((a, i) => points.slice(i + 1).map((b) => (b.value - a.value) / (b.atMs - a.atMs)));
  const perMs = slopes.length === 0 ? 0 : median(slopes);
  const spanMs = (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);
  const typical = values.length === 0 ? 0 : median(values);
  return {
    lowestBytes: Math.min(...values),
    highestBytes: Math.max(...values),
    bytesPerHour: perMs * 3_600_000,
    growthShare: typical === 0 ? 0 : (perMs * spanMs) / typical,
  };
}

function windowsOf(
  samples: readonly Sample[],
  read: (sample: Sample) => number,
): { readonly atMs: number; readonly value: number }[] {
  const size = Math.max(1, Math.ceil(samples.length / WINDOWS));
  const windows: { atMs: number; value: number }[] = [];
  for (let from = 0; from < samples.length; from += size) {
    const some = samples.slice(from, from + size);
    windows.push({ atMs: median(some.map(({ atMs }) => atMs)), value: median(some.map(read)) });
  }
  return windows;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1);
  return (low + high) / 2;
}
