/** Which items of two lists stand for each other: the longest common subsequence, between what both begin and end with. */

/** Beyond so many comparisons the middle counts as replaced: quadratic work on a large rewrite buys nobody anything. */
const MAX_CELLS = 1_000_000;

/** Pairs of indices with `a[i] === b[j]`, ascending in both. */
export function align(a: readonly string[], b: readonly string[]): [number, number][] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA -= 1;
    endB -= 1;
  }
  const pairs: [number, number][] = [];
  for (let i = 0; i < start; i += 1) pairs.push([i, i]);
  for (const [i, j] of middle(a.slice(start, endA), b.slice(start, endB))) pairs.push([start + i, start + j]);
  for (let i = endA, j = endB; i < a.length; i += 1, j += 1) pairs.push([i, j]);
  return pairs;
}

function middle(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  if (a.length === 0 || b.length === 0 || (a.length + 1) * width > MAX_CELLS) return [];
  // lengths[i * width + j]: of the longest common subsequence of a[i…] and b[j…]
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return pairs;
}

/** What lies between the pairs: `[fromA, toA)` was replaced by `[fromB, toB)`. Either may be empty, not both. */
export interface Gap {
  readonly fromA: number;
  readonly toA: number;
  readonly fromB: number;
  readonly toB: number;
}

export function gapsOf(a: readonly string[], b: readonly string[]): Gap[] {
  const gaps: Gap[] = [];
  let fromA = 0;
  let fromB = 0;
  for (const [i, j] of [...align(a, b), [a.length, b.length] as const]) {
    if (i > fromA || j > fromB) gaps.push({ fromA, toA: i, fromB, toB: j });
    fromA = i + 1;
    fromB = j + 1;
  }
  return gaps;
}
