/**
 * Fractional positions: an item moves by changing its own position and nothing else, so that concurrent moves
 * never duplicate or lose one. Ties (two people insert at the same place) are broken by id.
 */
import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing';

export interface Positioned {
  readonly id: string;
  readonly position: string;
}

/** The order of items: by position, then by id; both compared by UTF-16 unit, the same everywhere. */
export function byPosition(a: Positioned, b: Positioned): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

const MAX_LENGTH = 512;

/** True for text that `fractional-indexing` can count from. */
export function isPosition(text: unknown): text is string {
  // The library takes any character for a digit, and then counts wrongly.
  if (typeof text !== 'string' || text.length > MAX_LENGTH || !/^[A-Za-z][0-9A-Za-z]+$/.test(text)) return false;
  try {
    generateKeyBetween(text, null);
    return true;
  } catch {
    // The library throws plain errors for what is not one of its keys: that is the answer.
    return false;
  }
}

const DIGITS = '123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A position between two others (null: the ends), jittered so that two people rarely choose the same one. */
export function positionBetween(before: string | null, after: string | null, random: () => number): string {
  const key = generateKeyBetween(before, after);
  let jittered = key;
  for (let i = 0; i < 3; i++) jittered += DIGITS.charAt(Math.floor(random() * DIGITS.length));
  return after === null || jittered < after ? jittered : key;
}

/**
 * New positions for as few items as possible, so that the items stand in the order of `wanted`.
 * Positions grow by about a character with each six insertions at one place; when one becomes too long, all are new.
 * @param current position of each id that has one, valid or not
 */
export function positionsFor(
  wanted: readonly string[],
  current: ReadonlyMap<string, string>,
  random: () => number,
): Map<string, string> {
  const kept = longestIncreasing(wanted, current);
  const changes = new Map<string, string>();
  let before: string | null = null;
  let index = 0;
  while (index < wanted.length) {
    const id = wanted[index] ?? '';
    const position = current.get(id);
    if (position !== undefined && kept.has(id)) {
      before = position;
      index += 1;
      continue;
    }
    let end = index;
    while (end < wanted.length && !kept.has(wanted[end] ?? '')) end += 1;
    const next = wanted[end];
    const after = next === undefined ? null : (current.get(next) ?? null);
    const keys: string[] =
      end - index === 1 ? [positionBetween(before, after, random)] : generateNKeysBetween(before, after, end - index);
    keys.forEach((key, i) => changes.set(wanted[index + i] ?? '', key));
    before = keys[keys.length - 1] ?? before;
    index = end;
  }
  if ([...changes.values()].some((position) => position.length > MAX_LENGTH)) {
    const keys: string[] = generateNKeysBetween(null, null, wanted.length);
    return new Map(wanted.map((id, i) => [id, keys[i] ?? '']));
  }
  return changes;
}

/** Ids that can stay where they are: a longest subsequence of `wanted` with strictly increasing valid positions. */
function longestIncreasing(wanted: readonly string[], current: ReadonlyMap<string, string>): Set<string> {
  const tails: number[] = [];
  const previous: number[] = [];
  const positionAt = (index: number): string => current.get(wanted[index] ?? '') ?? '';
  wanted.forEach((id, index) => {
    const position = current.get(id);
    if (!isPosition(position)) return;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (positionAt(tails[middle] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    previous[index] = low === 0 ? -1 : (tails[low - 1] ?? -1);
    tails[low] = index;
  });
  const kept = new Set<string>();
  for (let index = tails[tails.length - 1] ?? -1; index >= 0; index = previous[index] ?? -1)
    kept.add(wanted[index] ?? '');
  return kept;
}
