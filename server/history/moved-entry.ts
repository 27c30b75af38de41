import { z } from 'zod';

const CHANGES = 'changes/';
const markSchema = z.looseObject({ position: z.string(), epoch: z.string() });

/** Stream of the changes of a document. */
export const streamOf = (document: string): string => `${CHANGES}${document}`;

/** Where a document's log was, and where it is now that it was restored elsewhere. */
export interface MovedLog {
  readonly epoch: string;
  readonly newEpoch: string;
  readonly positions: ReadonlyMap<string, string>;
}

/** An event of any stream for another store: an entry of changes is told of the log as that store has it. */
export function movedEntry(stream: string, data: unknown, moveOf: (document: string) => MovedLog | undefined): unknown {
  if (!stream.startsWith(CHANGES)) return data;
  const move = moveOf(stream.slice(CHANGES.length));
  const mark = markSchema.safeParse(data);
  if (move === undefined || !mark.success || mark.data.epoch !== move.epoch) return data;
  // What was folded has no position any more: nothing after it is taken for told.
  return { ...mark.data, epoch: move.newEpoch, position: move.positions.get(mark.data.position) ?? '' };
}
