/**
 * Folds a document's log into one state. One at a time on this node, so that a slow store sees one large write, not many;
 * compare-and-set in the log makes two nodes harmless.
 */
import type { Logger } from 'pino';
import { START, type DocumentLog } from '../../storage/document-log.js';
import type { Room } from '../room.js';

/** Compact while live: when loading would have to replay this much. */
const LIVE_UPDATES = 2_000;
const LIVE_BYTES = 1024 * 1024;
/** Compact when leaving memory: cheap then, and the next load is fast. */
const PARTING_UPDATES = 50;
const PARTING_BYTES = 16 * 1024;

export type CompactionResult = 'done' | 'lost the race' | 'nothing to do';

export class Compactor {
  inFlight = 0;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #queued = new Map<string, Promise<CompactionResult>>();

  constructor(
    private readonly log: DocumentLog,
    private readonly logger: Logger,
    private readonly onCompacted: () => void,
    /** Reads what the fold is about to drop (who made which update). While it fails, nothing is folded. */
    private readonly beforeFold: (document: string) => Promise<void> = () => Promise.resolve(),
    private readonly onFailed: () => void = () => undefined,
  ) {}

  /** After every append. */
  considerLive(room: Room): void {
    if (room.state !== 'live' && room.state !== 'idle') return;
    const { uncompactedUpdates, uncompactedBytes, snapshotBytes } = room.journal;
    // A log as large as the state it continues: each byte is folded a bounded number of times.
    const isLarge = uncompactedBytes > Math.max(LIVE_BYTES, snapshotBytes);
    if (uncompactedUpdates > LIVE_UPDATES || isLarge) void this.run(room);
  }

  async beforeParting(room: Room): Promise<void> {
    const { uncompactedUpdates, uncompactedBytes, snapshotBytes } = room.journal;
    const isLarge = uncompactedBytes > PARTING_BYTES + snapshotBytes / 4;
    if (uncompactedUpdates > PARTING_UPDATES || isLarge) await this.run(room);
  }

  /** Single flight per document. Never rejects: a compaction that fails is tried again after a later append. */
  run(room: Room): Promise<CompactionResult> {
    const queued = this.#queued.get(room.name);
    if (queued !== undefined) return queued;
    const result = this.#queue.then(() => this.#compact(room));
    this.#queue = result;
    this.#queued.set(room.name, result);
    void result.finally(() => this.#queued.delete(room.name));
    return result;
  }

  async #compact(room: Room): Promise<CompactionResult> {
    // Read together: what arrives meanwhile is left for the next time.
    const { journal } = room;
    const { durablePosition: upTo, uncompactedUpdates: updates, uncompactedBytes: bytes } = journal;
    if (room.live === undefined || upTo === START || updates === 0) return 'nothing to do';
    this.inFlight += 1;
    try {
      await this.beforeFold(room.name);
      // The state may hold more than `upTo`: updates on their way to the log, which replay without effect.
      const state = room.live.encode();
      const result = await this.log.compact(room.name, upTo, state);
      if (result === 'done') {
        this.onCompacted();
        journal.snapshotBytes = state.length;
      }
      // Also when another node was faster: or each append would try again.
      journal.uncompactedUpdates -= updates;
      journal.uncompactedBytes -= bytes;
      return result;
    } catch (error) {
      this.onFailed();
      this.logger.warn({ err: error, document: room.name }, 'compaction failed; it is tried again later');
      return 'lost the race';
    } finally {
      this.inFlight -= 1;
    }
  }
}
