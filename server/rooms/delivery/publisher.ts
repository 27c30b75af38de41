/**
 * HOT PATH. Sends what a transaction emitted: to everybody else at once, and to its writers when it is durable. An echo
 * means: saved.
 */
import { updateFrame } from '../../protocol/messages.js';
import type { NewUpdate, Position } from '../../storage/document-log.js';
import type { StateVector } from '../document/live-document.js';
import type { Applied, Part } from '../editing/apply.js';
import type { IncomingUpdate } from '../editing/inbox.js';
import type { Journal } from '../editing/journal.js';
import { ChangeNotKeptError } from '../errors.js';
import type { RoomCounters } from '../room-node.js';
import type { Delivery } from './delivery.js';
import type { Subscriber } from './subscriber.js';

const NOBODY: ReadonlySet<Subscriber> = new Set();
/** While so many have written in a tick, each is told at once what the others wrote. */
const FEW_WRITERS = 4;
/** Among more, one write for all with the echo matters more than the milliseconds that a disk takes; but not more than these. */
const PATIENCE_MS = 250;

export interface PublisherOwner {
  readonly subscribers: ReadonlySet<Subscriber>;
  readonly journal: Journal;
  /** What to do with an update that is not known to be stored, though it seemed so. */
  readonly edits: { again(item: IncomingUpdate): void };
}

export class Publisher {
  /** An append was refused: what the log took behind it builds on what it lacks, and is not safe. */
  #hasGap = false;

  constructor(
    private readonly document: string,
    private readonly room: PublisherOwner,
    private readonly delivery: Delivery,
    private readonly counters: RoomCounters,
  ) {}

  /**
   * Resolves when durable. What the log throws the room has been told; with writers, nobody else need care.
   * @param by who wrote it, and what each of several writers added to it
   * @param before the state that `emitted` continues
   */
  publish(
    emitted: readonly NewUpdate[],
    by: Pick<Applied, 'writers' | 'parts'>,
    before: StateVector,
    options?: { readonly ifAbsent?: boolean },
  ): Promise<Position> {
    const { writers, parts } = by;
    const frames = framesOf(emitted);
    for (const writer of writers) {
      writer.unsaved += 1;
      writer.unsavedSince ??= before;
    }
    const saved = this.room.journal.append(emitted, options);
    this.send(frames, before, writers);
    const tellEachOther = (): void => this.#tellEachOther(writers, parts, before);
    let late: NodeJS.Timeout | undefined;
    if (parts.length > 0) {
      if (writers.size <= FEW_WRITERS) tellEachOther();
      else late = setTimeout(tellEachOther, PATIENCE_MS);
    }
    if (writers.size > 0) this.#echoWhenSaved(saved, writers, frames, before, late);
    else saved.catch(() => (this.#hasGap = true));
    return saved;
  }

  /** To be called when what was appended is durable, and before it is called saved. @throws ChangeNotKeptError */
  assertNoGap(): void {
    if (this.#hasGap) throw new ChangeNotKeptError(this.document);
  }

  /** Delivery to others does not wait for a disk that hangs, also where the others write in the same tick. */
  #tellEachOther(writers: ReadonlySet<Subscriber>, parts: readonly Part[], before: StateVector): void {
    for (const writer of writers) {
      const foreign = parts.filter(({ from }) => from !== writer);
      if (foreign.length > 0) this.delivery.send(writer, framesOf(foreign), before);
    }
  }

  #echoWhenSaved(
    saved: Promise<Position>,
    writers: ReadonlySet<Subscriber>,
    frames: Buffer,
    before: StateVector,
    late: NodeJS.Timeout | undefined,
  ): void {
    const startedAt = performance.now();
    saved.then(
      () => {
        clearTimeout(late);
        if (this.#hasGap) {
          for (const writer of writers) {
            this.delivery.owe(writer, writer.unsavedSince ?? before);
            settle(writer);
          }
          return;
        }
        this.#echo(writers, frames, before);
        this.counters.echoed(performance.now() - startedAt);
      },
      // The journal has told the room. Without a log entry there is no echo, and none is waited for.
      () => {
        clearTimeout(late);
        this.#hasGap = true;
        for (const writer of writers) settle(writer);
      },
    );
  }

  send(frames: Buffer, before: StateVector, except: ReadonlySet<Subscriber> = NOBODY): void {
    // Mostly there is one writer: to compare costs less than to look up each of many readers.
    const [only] = except.size === 1 ? except : [];
    for (const subscriber of this.room.subscribers) {
      if (subscriber === only || (except.size > 1 && except.has(subscriber))) continue;
      this.delivery.send(subscriber, frames, before);
    }
  }

  #echo(writers: ReadonlySet<Subscriber>, frames: Buffer, before: StateVector): void {
    for (const writer of writers) {
      if (writer.peer.isOpen) this.delivery.send(writer, frames, writer.unsavedSince ?? before);
      if (settle(writer)) this.delivery.resume(writer);
    }
  }

  /**
   * An update that changed nothing (sent twice, or known from another way) is owed an echo too, once all is saved. It may be
   * the one that is refused: then it is applied to the next document.
   * @param before the state that the tick continued; undefined when it changed nothing
   * @param isPending true for an update that waits for others
   */
  echoRepeats(
    inbox: readonly IncomingUpdate[],
    writers: ReadonlySet<Subscriber>,
    before: StateVector | undefined,
    isPending: (update: Uint8Array) => boolean,
  ): void {
    const isMixed = inbox.length > writers.size;
    for (const item of inbox) {
      const { from, update } = item;
      if (item.isReply || (writers.has(from) && !(isMixed && isKnown(item, before)))) continue;
      if (from.hasPending && isPending(update)) continue;
      const frame = updateFrame(update);
      void this.room.journal.settledFor(frame.length).then(() => {
        if (this.#hasGap) this.room.edits.again(item);
        else if (from.peer.isOpen) this.delivery.sendRepeat(from, frame);
      });
    }
  }
}

/** One append of its is over. True when none is left. */
function settle(writer: Subscriber): boolean {
  writer.unsaved -= 1;
  if (writer.unsaved > 0) return false;
  writer.unsavedSince = undefined;
  return true;
}

/** All that it inserts was there before: the frame for its tick doesn't hold it. What it only deletes is not looked up. */
function isKnown({ ranges }: IncomingUpdate, before: StateVector | undefined): boolean {
  if (ranges.length === 0 || before === undefined) return false;
  return ranges.every(({ client, clock, length }) => clock + length <= (before.get(client) ?? 0));
}

function framesOf(updates: readonly Pick<NewUpdate, 'update'>[]): Buffer {
  const [only] = updates;
  if (updates.length === 1 && only !== undefined) return updateFrame(only.update);
  return Buffer.concat(updates.map(({ update }) => updateFrame(update)));
}
