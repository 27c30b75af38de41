import { randomUUID } from 'node:crypto';
import { DocumentErasedError, DocumentExistsError, LogLostError, StorageError } from '../../errors.js';
import type { AppendOptions, NewUpdate, Position } from '../../document-log.js';
import type { CommandPipeline } from '../connection/command-pipeline.js';
import { OrderedAppender } from '../connection/ordered-appender.js';
import type { Retrier } from '../connection/retry.js';
import { loadScript } from '../connection/script.js';
import type { Keys } from '../keys.js';
import type { DocumentNames } from './document-names.js';
import { encodeEntry } from './entry.js';
import type { KnownLogs } from './known-logs.js';

export interface DocumentAppenderParts {
  readonly writes: CommandPipeline;
  readonly keys: Keys;
  readonly retrier: Retrier;
  readonly known: KnownLogs;
  readonly names: DocumentNames;
  /** Id of this node, for attribution. */
  readonly node: string;
  /** Unique to this process: batches are numbered within it. */
  readonly writer: string;
}

interface Item {
  readonly entries: readonly Buffer[];
  readonly bytes: number;
  readonly isIfAbsent: boolean;
  /** For a document that this creates. */
  readonly epoch: string | undefined;
}

/** Entries of more bytes together aren't published, only announced: Pub/Sub has bounded buffers, the Stream hasn't. */
const CARRY_BYTES = 256 * 1024;

/** Hot path: one script call per document and tick, all documents of a tick in one write. */
export class DocumentAppender {
  readonly #parts: DocumentAppenderParts;
  readonly #script = loadScript('append-3');
  readonly #appender: OrderedAppender<Item, Position>;

  constructor(parts: DocumentAppenderParts) {
    this.#parts = parts;
    this.#appender = new OrderedAppender(parts.retrier, {
      send: (document, batch, items) => this.#send(document, batch, items),
      sizeOf: ({ bytes }) => bytes,
      standsAlone: ({ isIfAbsent, epoch }) => isIfAbsent || epoch !== undefined,
      endsQueue: (error) => error instanceof LogLostError,
    });
  }

  get pendingBytes(): number {
    return this.#appender.pendingBytes;
  }

  idle(): Promise<void> {
    return this.#appender.idle();
  }

  /** @throws DocumentErasedError, DocumentExistsError, LogLostError, StorageClosedError */
  append(document: string, updates: readonly NewUpdate[], options: AppendOptions): Promise<Position> {
    if (this.#parts.known.takeLost(document)) {
      this.#parts.names.doubt(document);
      return Promise.reject(new LogLostError(document));
    }
    const entries = updates.map((update) => encodeEntry(this.#parts.node, update));
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
    const { ifAbsent: isIfAbsent = false, epoch } = options;
    return this.#appender.append(document, { entries, bytes, isIfAbsent, epoch });
  }

  async #send(document: string, batch: string, items: readonly Item[]): Promise<Position[]> {
    const { writes, keys, known, names, writer } = this.#parts;
    await names.enter(document);
    const { log, meta, wake } = keys.document(document);
    const { epoch = '', position = '' } = known.get(document) ?? {};
    const ifAbsent = items[0]?.isIfAbsent === true ? '1' : '0';
    // After a loss it is always a new one: by it the other nodes notice that the log is not the one they know.
    const newEpoch = items[0]?.epoch ?? randomUUID();
    const entries = items.flatMap((item) => item.entries);
    const reply = (await writes.script(
      this.#script,
      [log, meta, wake],
      ...[writer, batch, epoch, position, epoch === '' ? newEpoch : '', ifAbsent, CARRY_BYTES],
      ...entries,
    )) as Buffer[];
    const [code, ...rest] = reply.map((part) => part.toString('latin1'));
    switch (code) {
      case 'ok':
        return this.#appended(document, items, rest);
      case 'erased':
        await names.remove(document);
        known.forget(document);
        throw new DocumentErasedError(document);
      case 'exists':
        throw new DocumentExistsError(document);
      case 'lost':
        names.doubt(document);
        known.refused(document);
        throw new LogLostError(document);
      default:
        throw new StorageError('storage_refused', `append-3.lua answered ${String(code)}`);
    }
  }

  #appended(document: string, items: readonly Item[], [epoch = '', , ...ids]: string[]): Position[] {
    const last = ids.at(-1) ?? '';
    this.#parts.known.appended(document, { epoch, position: last });
    // A batch that was sent again may have been compacted since: what has no id of its own is before the last.
    let index = ids.length - items.reduce((sum, { entries }) => sum + entries.length, 0);
    return items.map(({ entries }) => ids[(index += entries.length) - 1] ?? last);
  }
}
