import type { Position } from '../../document-log.js';

/** What an append publishes: its entries and the position before them, so that a subscriber notices what it missed. */
export interface WakeUp {
  readonly epoch: string;
  /** Position before the first entry. */
  readonly previous: Position;
  readonly last: Position;
  /** Empty when they were too large to publish: read them from the Stream. */
  readonly entries: readonly { readonly position: Position; readonly bytes: Buffer }[];
}

/**
 * Layout, as `append-3.lua` packs it: texts, each preceded by its length (32 bits, big-endian):
 * epoch, previous, last, then position and entry by turns.
 */
export function decodeWakeUp(message: Buffer): WakeUp {
  let offset = 0;
  const next = (): Buffer => {
    const start = offset + 4;
    offset = start + message.readUInt32BE(offset);
    return message.subarray(start, offset);
  };
  const epoch = next().toString('latin1');
  const previous = next().toString('latin1');
  const last = next().toString('latin1');
  const entries: { position: Position; bytes: Buffer }[] = [];
  while (offset < message.length) {
    entries.push({ position: next().toString('latin1'), bytes: next() });
  }
  return { epoch, previous, last, entries };
}
