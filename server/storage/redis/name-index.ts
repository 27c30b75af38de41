import type { CommandPipeline } from './connection/command-pipeline.js';
import { INDEX_PARTS } from './keys.js';

export interface MemberRange {
  /** Every member begins with these bytes. */
  readonly prefix: Buffer;
  /** Only members after this one, exclusive; before it when `reverse`. */
  readonly after?: Buffer;
  readonly reverse?: boolean;
  /** How many the caller is likely to take; only for the size of a read. */
  readonly expected: number;
}

/** Members per read and part: large enough to be worth a round trip, small enough to stay a short command. */
const MIN_PAGE = 16;
const MAX_PAGE = 256;

/**
 * Members of ordered sets with equal scores, which Redis sorts as bytes (ZRANGE BYLEX), merged over several sets: one
 * big index would sit on one master of a Cluster.
 *
 * Memory: one page per part.
 */
export async function* mergedMembers(
  reads: CommandPipeline,
  indexes: readonly string[],
  range: MemberRange,
): AsyncGenerator<Buffer> {
  const direction = range.reverse === true ? -1 : 1;
  const pageSize = Math.min(MAX_PAGE, Math.max(MIN_PAGE, Math.ceil((2 * range.expected) / indexes.length)));
  const parts = await Promise.all(
    indexes.map(async (index) => ({
      index,
      page: await readPage(reads, index, range, range.after, pageSize),
      next: 0,
    })),
  );
  for (;;) {
    let first: (typeof parts)[number] | undefined;
    for (const part of parts) {
      const member = part.page[part.next];
      const best = first?.page[first.next];
      if (member !== undefined && (best === undefined || direction * member.compare(best) < 0)) first = part;
    }
    const member = first?.page[first.next];
    if (first === undefined || member === undefined) return;
    yield member;
    first.next++;
    if (first.next === first.page.length && first.page.length === pageSize) {
      first.page = await readPage(reads, first.index, range, member, pageSize);
      first.next = 0;
    }
  }
}

/** The sets that an index is split into. */
export function allParts(indexOf: (part: number) => string): string[] {
  return Array.from({ length: INDEX_PARTS }, (_, part) => indexOf(part));
}

async function readPage(
  reads: CommandPipeline,
  index: string,
  { prefix, reverse = false }: MemberRange,
  after: Buffer | undefined,
  limit: number,
): Promise<Buffer[]> {
  // No stored text begins a character or segment with 0xFF, so this is the end of everything that begins with the prefix.
  const low = prefix.length === 0 ? '-' : bound('[', prefix);
  const high = prefix.length === 0 ? '+' : bound('(', Buffer.concat([prefix, Buffer.of(0xff)]));
  // A place outside the prefix must not open what stands there.
  const isAbove = after !== undefined && after.compare(prefix) >= 0;
  const isBelow = after !== undefined && after.compare(Buffer.concat([prefix, Buffer.of(0xff)])) < 0;
  const start = isAbove && !reverse ? bound('(', after) : low;
  const end = isBelow && reverse ? bound('(', after) : high;
  const [from, to] = reverse ? [end, start] : [start, end];
  const direction = reverse ? ['REV'] : [];
  const reply = await reads.command(index, 'zrange', index, from, to, 'BYLEX', ...direction, 'LIMIT', 0, limit);
  return reply as Buffer[];
}

function bound(mark: '[' | '(', member: Buffer): Buffer {
  return Buffer.concat([Buffer.from(mark), member]);
}
