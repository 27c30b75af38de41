/**
 * A room's side of the log: appends on their way, how far the document is durable, and what a compaction could fold.
 */
import {
  START,
  type Attribution,
  type LoadedDocument,
  type NewUpdate,
  type Position,
} from '../../storage/document-log.js';
import { LogLostError } from '../../storage/errors.js';
import type { LiveDocument } from '../document/live-document.js';
import { DocumentUnavailableError } from '../errors.js';
import type { RoomNode } from '../room-node.js';

/** What the room does about what the log says. */
export interface JournalOwner {
  readonly live: LiveDocument | undefined;
  /** @param position of the last of them */
  onDurable(updates: readonly NewUpdate[], position: Position): void;
  /** The log retries what can be retried, so a refusal is final: what memory holds is not what is stored. */
  onRefused(error: unknown): void;
  /** The first append gave the document its epoch. */
  onEpoch(epoch: string): void;
  /** After every append, whatever became of it. */
  onSettled(): void;
}

export class Journal {
  /** Position of the last update that is durable; what a compaction may fold. */
  durablePosition: Position = START;
  epoch: string | undefined;
  uncompactedUpdates = 0;
  uncompactedBytes = 0;
  /** Size of the state that the log continues; 0 before the first compaction. */
  snapshotBytes = 0;
  /**
   * Appends in flight, so that unloading can wait for them; undefined when there are none. A set that is kept would be made
   * anew by V8 whenever it empties, and the old one, which is promoted, holds the new one: garbage that only a full collection ends.
   */
  #appending: Set<Promise<unknown>> | undefined;
  /** The whole state on its way to a log that has lost updates. */
  #restating: Promise<Position> | undefined;

  constructor(
    private readonly document: string,
    private readonly node: RoomNode,
    private readonly owner: JournalOwner,
  ) {}

  /** Also while the state is on its way: a room that leaves would hold the only copy of what is in it. */
  get isAppending(): boolean {
    return this.#appending !== undefined || this.#restating !== undefined;
  }

  /** Takes over where the log stands. */
  start({ snapshot, updates, position, epoch }: LoadedDocument): void {
    this.durablePosition = position;
    this.epoch = epoch;
    this.snapshotBytes = snapshot?.length ?? 0;
    this.uncompactedUpdates = updates.length;
    this.uncompactedBytes = updates.reduce((sum, { update }) => sum + update.length, 0);
  }

  /** HOT PATH. Resolves when durable. @throws what the log throws, after the room was told */
  append(updates: readonly NewUpdate[], options?: { readonly ifAbsent?: boolean }): Promise<Position> {
    const { backlog, log, counters } = this.node;
    let bytes = 0;
    for (const { update } of updates) bytes += update.length;
    backlog.bytes += bytes;
    this.uncompactedUpdates += updates.length;
    this.uncompactedBytes += bytes;
    counters.updates(updates.length, updates[0]?.attribution.source ?? 'system');
    const startedAt = performance.now();
    const settle = (): void => {
      backlog.bytes -= bytes;
      if (this.#appending?.size === 1) this.#appending = undefined;
      else this.#appending?.delete(saved);
    };
    const onSaved = (position: Position): Position => {
      settle();
      this.durablePosition = position;
      counters.appended(performance.now() - startedAt);
      if (this.epoch === undefined) void this.#learnEpoch();
      this.owner.onDurable(updates, position);
      this.owner.onSettled();
      return position;
    };
    const onRefused = (error: unknown): never => {
      settle();
      this.owner.onRefused(error);
      this.owner.onSettled();
      throw error;
    };
    // One promise for each append, where a chain would take six: this is run for every edit.
    const saved = log.append(this.document, updates, options).then(onSaved, (error: unknown) =>
      // What was refused is part of the state that is appended instead.
      error instanceof LogLostError ? this.restate().then(onSaved, onRefused) : onRefused(error),
    );
    this.#appending ??= new Set();
    this.#appending.add(saved);
    return saved;
  }

  /** Resolves when every append made so far is over. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled([...(this.#appending ?? []), this.#restating]);
  }

  /** The same, for so many bytes that wait for it. */
  async settledFor(bytes: number): Promise<void> {
    this.node.backlog.bytes += bytes;
    await this.settled();
    this.node.backlog.bytes -= bytes;
  }

  /** Who keeps a local copy needs the epoch to tell this life of the document from another. */
  async #learnEpoch(): Promise<void> {
    try {
      const info = await this.node.log.info(this.document);
      if (info === undefined || this.epoch !== undefined) return;
      this.epoch = info.epoch;
      this.owner.onEpoch(info.epoch);
    } catch (error) {
      this.node.logger.warn({ err: error, document: this.document }, 'the epoch of a new document is not known yet');
    }
  }

  /**
   * A shared log has lost updates that this room still holds: appends the whole state.
   * @throws what the log throws; DocumentUnavailableError when the room holds nothing
   */
  restate(): Promise<Position> {
    this.#restating ??= this.#appendState().finally(() => (this.#restating = undefined));
    return this.#restating;
  }

  async #appendState(): Promise<Position> {
    const { log, logger, counters } = this.node;
    for (;;) {
      const { live } = this.owner;
      if (live === undefined) throw new DocumentUnavailableError(this.document);
      const attribution: Attribution = { principal: 'system', at: Date.now(), source: 'system' };
      try {
        const position = await log.append(this.document, [{ update: live.encode(), attribution }]);
        logger.warn({ document: this.document }, 'the log had lost updates; the whole state was appended again');
        counters.errors('log_restated');
        return position;
      } catch (error) {
        // The loss is told by refusing one append: the next one counts.
        if (!(error instanceof LogLostError)) throw error;
      }
    }
  }
}
