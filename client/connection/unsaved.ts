/**
 * What was written here and has not come back yet. An update message of the server that covers own changes means that
 * they are durable (docs/protocol.md, "The echo means saved").
 *
 * Insertions are told by client and clock. Deletions have no clock of their own: they are told by what they delete. Of what
 * comes with something new the server sends back the new part alone: not what others had inserted or deleted already.
 * `isPartial` says when to ask again, and what is sent twice is sent back as it came.
 */
import * as Y from 'yjs';

interface Range {
  readonly clock: number;
  readonly length: number;
}

export class Unsaved {
  /** By client id: everything before this clock was written here, or came in from another source here. */
  readonly #clocks = new Map<number, number>();
  readonly #deletions = new Map<number, Range[]>();
  /** What the document was when everything was saved; undefined while everything is. */
  #base: Uint8Array | undefined;

  get isEmpty(): boolean {
    return this.#base === undefined;
  }

  /** The state vector from which a difference holds everything unsaved. */
  get base(): Uint8Array | undefined {
    return this.#base;
  }

  /** @param before the state of the document before the change; called when it is needed */
  add(update: Uint8Array, before: () => Uint8Array): void {
    this.#base ??= before();
    for (const [client, clock] of Y.parseUpdateMeta(update).to) this.#clocks.set(client, clock);
    for (const [client, ranges] of deletionsIn(update)) {
      const known = this.#deletions.get(client);
      if (known === undefined) this.#deletions.set(client, [...ranges]);
      else known.push(...ranges);
    }
  }

  /**
   * @param writer client id of this session, whose later edits are on their way and have echoes of their own
   * @returns whether the update confirmed something, and whether it left something open that nothing else will confirm
   */
  confirm(update: Uint8Array, writer: number): { isOwn: boolean; isPartial: boolean } {
    if (this.isEmpty) return { isOwn: false, isPartial: false };
    let isOwn = false;
    const { to } = Y.parseUpdateMeta(update);
    for (const [client, clock] of to) {
      const wanted = this.#clocks.get(client);
      if (wanted === undefined) continue;
      isOwn = true;
      if (clock >= wanted) this.#clocks.delete(client);
    }
    if (this.#deletions.size > 0 && this.#confirmDeletions(deletionsIn(update))) isOwn = true;
    if (this.#clocks.size === 0 && this.#deletions.size === 0) this.#base = undefined;
    return { isOwn, isPartial: isOwn && this.#base !== undefined && !this.#clocks.has(writer) };
  }

  #confirmDeletions(confirmed: Deletions): boolean {
    let isOwn = false;
    for (const [client, ranges] of confirmed) {
      const open = this.#deletions.get(client);
      if (open === undefined) continue;
      const rest = without(open, ranges);
      if (lengthOf(rest) < lengthOf(open)) isOwn = true;
      if (rest.length === 0) this.#deletions.delete(client);
      else this.#deletions.set(client, rest);
    }
    return isOwn;
  }
}

type Deletions = ReadonlyMap<number, readonly Range[]>;

/** What an update deletes, by client id. */
function deletionsIn(update: Uint8Array): Deletions {
  const found = new Map<number, Range[]>();
  for (const [client, ranges] of Y.decodeUpdate(update).ds.clients) {
    found.set(
      client,
      ranges.map(({ clock, len }) => ({ clock, length: len })),
    );
  }
  return found;
}

const lengthOf = (ranges: readonly Range[]): number => ranges.reduce((sum, { length }) => sum + length, 0);

/** `open` without what lies in `confirmed`. */
function without(open: readonly Range[], confirmed: readonly Range[]): Range[] {
  let rest = [...open];
  for (const { clock, length } of confirmed) {
    const end = clock + length;
    rest = rest.flatMap((range) => {
      const rangeEnd = range.clock + range.length;
      if (end <= range.clock || clock >= rangeEnd) return [range];
      return [
        { clock: range.clock, length: clock - range.clock },
        { clock: end, length: rangeEnd - end },
      ].filter((part) => part.length > 0);
    });
  }
  return rest;
}
