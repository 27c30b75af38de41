/**
 * Removes what was deleted or overwritten in a range from the files.
 *
 * LevelDB's compactRange alone is not enough: it never rewrites the lowest level that holds the range, and a value and
 * its deletion that were flushed together can lie there for good. So everything is brought into files, the range is
 * spanned by new deletions, which come to lie above, and these are pushed down through all that the range has.
 */
import type { Committer, Level } from './committer.js';
import type { KeyRange } from './keys.js';

/** `markers` are the ends of the range, or just outside: keys that nothing is stored under. */
export type Purge = (range: KeyRange, markers: readonly Buffer[]) => Promise<void>;

export function purgeOf(level: Level, committer: Committer): Purge {
  return async ({ gte, lt }, markers) => {
    await level.compactRange(gte, lt);
    await committer.commit(markers.map((key) => ({ type: 'del', key })));
    await level.compactRange(gte, lt);
  };
}
