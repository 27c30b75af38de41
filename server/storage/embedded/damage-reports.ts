/**
 * Values that the medium has damaged, as they are met: each is told once and makes the store unready, so that somebody looks, and
 * nothing beside it is held up.
 */
import type { AbstractIteratorOptions } from 'abstract-level';
import type { Logger } from 'pino';
import type { OnDamaged } from '../record-store.js';
import type { Level } from './committer.js';

const MOST_NAMED = 5;

export class DamageReports {
  readonly #found = new Map<string, string>();

  constructor(
    private readonly logger: Logger,
    private readonly onFound: () => void,
  ) {}

  /** `what`, as it is to be named: `the record user/ada`. `onDamaged` is who asked for it. */
  report(what: string, error: unknown, onDamaged: OnDamaged = () => undefined): void {
    const reason = error instanceof Error ? error.message : String(error);
    onDamaged(what, reason);
    if (this.#found.has(what)) return;
    this.#found.set(what, reason);
    this.logger.error(
      { what, reason },
      'a stored value is damaged; it is left out and never overwritten, others are served',
    );
    this.onFound();
  }

  /** For the health; undefined while there is none. */
  summary(): string | undefined {
    if (this.#found.size === 0) return undefined;
    const named = [...this.#found].slice(0, MOST_NAMED).map(([what, reason]) => `${what} (${reason})`);
    const others = this.#found.size - named.length;
    return `damaged: ${named.join(', ')}${others === 0 ? '' : ` and ${others} more`}`;
  }
}

/** True for what LevelDB says of a block that it cannot read. */
export function isUnreadableBlock(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'LEVEL_CORRUPTION';
}

type Range = AbstractIteratorOptions<Uint8Array, Uint8Array>;

/** What can be read of a range. LevelDB goes past a block that it cannot read, and says so at the end: `onGap` is told. */
export async function* readable(
  level: Level,
  range: Range,
  onGap: (error: Error) => void,
): AsyncGenerator<[Uint8Array, Uint8Array]> {
  let last: Uint8Array | undefined;
  let left = range.limit === undefined || range.limit < 0 ? Infinity : range.limit;
  try {
    for await (const entry of level.iterator(range)) {
      last = entry[0];
      left -= 1;
      yield entry;
    }
    return;
  } catch (error) {
    if (!isUnreadableBlock(error)) throw error;
  }
  // Entries that were read together with the error are lost with it: on from the last one, one by one.
  const iterator = level.iterator(last === undefined ? range : after(range, last));
  try {
    for (; left > 0; left--) {
      const [entry] = await iterator.nextv(1);
      if (entry === undefined) return;
      yield entry;
    }
  } catch (error) {
    if (!isUnreadableBlock(error)) throw error;
    onGap(error);
  } finally {
    await iterator.close();
  }
}

function after(range: Range, key: Uint8Array): Range {
  const rest = { ...range };
  if (range.reverse === true) {
    rest.lt = key;
  } else {
    delete rest.gte;
    rest.gt = key;
  }
  return rest;
}
