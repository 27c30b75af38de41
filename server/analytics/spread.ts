/**
 * How durations are spread, in seconds: exact up to 500 of them, then in bins that are 2 % wide, so that a quantile is
 * off by at most 1 %.
 */
import { z } from 'zod';

const MAX_EXACT = 500;
const BASE = 1.02;

export const spreadSchema = z.union([
  z.object({ exact: z.array(z.number()) }),
  /** Count by the number of the bin: it holds what lies in [1.02^n, 1.02^(n+1)) seconds. */
  z.object({ bins: z.record(z.string(), z.number()) }),
]);
export type Spread = z.infer<typeof spreadSchema>;

export const noSpread = (): Spread => ({ exact: [] });

export function withDuration(spread: Spread, seconds: number): Spread {
  if ('exact' in spread && spread.exact.length < MAX_EXACT) return { exact: [...spread.exact, seconds] };
  const bins = 'bins' in spread ? { ...spread.bins } : {};
  const added = 'exact' in spread ? [...spread.exact, seconds] : [seconds];
  for (const one of added) {
    const bin = String(Math.floor(Math.log(Math.max(one, 0.001)) / Math.log(BASE)));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return { bins };
}

/** In seconds, null when there is none. The lower one where two lie in the middle. */
export function medianOf(spread: Spread): number | null {
  if ('exact' in spread) {
    const sorted = [...spread.exact].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
  }
  const bins = Object.entries(spread.bins)
    .map(([bin, count]) => [Number(bin), count] as const)
    .sort(([a], [b]) => a - b);
  const total = bins.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bin, count] of bins) {
    seen += count;
    if (seen > (total - 1) / 2) return Math.round(BASE ** (bin + 0.5) * 1_000) / 1_000;
  }
  return null;
}
