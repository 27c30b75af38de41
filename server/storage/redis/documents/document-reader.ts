import { DocumentErasedError } from '../../errors.js';
import type { DocumentInfo, LoadedDocument, LoggedUpdate, Position } from '../../document-log.js';
import type { CommandPipeline } from '../connection/command-pipeline.js';
import type { DocumentKeys, Keys } from '../keys.js';
import { decodeEntry, decodeSnapshot } from './entry.js';

/** An entry as it stands in the Stream. */
export interface StoredEntry {
  readonly position: Position;
  readonly bytes: Buffer;
}

/** The metadata of a log; `epoch` is absent when it was never written or is erased. */
export interface LogMeta {
  readonly epoch: string | undefined;
  readonly last: Position;
  readonly snapshotAt: Position;
  readonly isErased: boolean;
}

const META_FIELDS = ['epoch', 'last', 'snapAt', 'erased'];
const INFO_FIELDS = ['epoch', 'n', 'b', 'snapN', 'snapB', 'snapBytes', 'created', 'changed'];
/** A compaction can fall between the parts of a load; that it does so again and again means something else. */
const MAX_LOAD_ATTEMPTS = 10;

/** Reads logs and metadata; keeps nothing. Answers of Redis are taken apart here and nowhere else. */
export class DocumentReader {
  readonly #reads: CommandPipeline;
  readonly #keys: Keys;

  constructor(reads: CommandPipeline, keys: Keys) {
    this.#reads = reads;
    this.#keys = keys;
  }

  /**
   * Snapshot, log and metadata are read in this order without a transaction. A compaction in between changes the
   * position that the metadata name, which is also in the snapshot: then they are read again.
   *
   * @throws DocumentErasedError, DocumentCorruptedError, errors of the connection.
   */
  async load(document: string): Promise<LoadedDocument & { readonly snapshotAt: Position }> {
    const keys = this.#keys.document(document);
    for (let attempt = 1; ; attempt++) {
      const [snapshot, entries, meta] = await Promise.all([
        this.#reads.command(keys.snapshot, 'get', keys.snapshot) as Promise<Buffer | null>,
        this.#range(keys, '-', Infinity),
        this.#meta(keys),
      ]);
      if (meta.isErased) throw new DocumentErasedError(document);
      if (meta.epoch === undefined) return { updates: [], position: '', snapshotAt: '' };
      const decoded = snapshot === null ? undefined : decodeSnapshot(document, snapshot);
      const snapshotAt = decoded?.position ?? '';
      if (snapshotAt !== meta.snapshotAt && attempt < MAX_LOAD_ATTEMPTS) continue;
      const updates = entries.map(({ position, bytes }) => decodeEntry(document, position, bytes));
      return {
        ...(decoded !== undefined && { snapshot: decoded.state }),
        updates,
        position: updates.at(-1)?.position ?? snapshotAt,
        epoch: meta.epoch,
        snapshotAt,
      };
    }
  }

  /** Entries from `from` on, itself included if it is still there, and the metadata as they are after that. */
  async tail(document: string, from: Position, limit: number): Promise<{ entries: StoredEntry[]; meta: LogMeta }> {
    const keys = this.#keys.document(document);
    const [entries, meta] = await Promise.all([this.#range(keys, from === '' ? '-' : from, limit), this.#meta(keys)]);
    return { entries, meta };
  }

  meta(document: string): Promise<LogMeta> {
    return this.#meta(this.#keys.document(document));
  }

  /** @throws DocumentErasedError, DocumentCorruptedError, errors of the connection. */
  async history(document: string, after: Position, limit: number): Promise<LoggedUpdate[]> {
    return (await this.following(document, after, limit)).entries;
  }

  /** As `history`, and the metadata as they are after that. */
  async following(
    document: string,
    after: Position,
    limit: number,
  ): Promise<{ entries: LoggedUpdate[]; meta: LogMeta }> {
    const keys = this.#keys.document(document);
    const [entries, meta] = await Promise.all([
      this.#range(keys, after === '' ? '-' : `(${after}`, limit),
      this.#meta(keys),
    ]);
    if (meta.isErased) throw new DocumentErasedError(document);
    return { entries: entries.map(({ position, bytes }) => decodeEntry(document, position, bytes)), meta };
  }

  /** One answer per document, undefined for those never written or erased; asked for in one go. */
  infos(documents: readonly string[]): Promise<(DocumentInfo | undefined)[]> {
    return Promise.all(
      documents.map(async (document) => {
        const { meta } = this.#keys.document(document);
        const reply = (await this.#reads.command(meta, 'hmget', meta, ...INFO_FIELDS)) as (Buffer | null)[];
        const [epoch, ...numbers] = reply.map((value) => value?.toString('latin1'));
        if (epoch === undefined) return undefined;
        const [n = 0, b = 0, snapN = 0, snapB = 0, snapBytes = 0, created = 0, changed = 0] = numbers.map((text) =>
          Number(text ?? 0),
        );
        return {
          document,
          epoch,
          updates: n,
          bytes: snapBytes + b - snapB,
          uncompactedBytes: b - snapB,
          uncompactedUpdates: n - snapN,
          createdAt: created,
          changedAt: changed,
        };
      }),
    );
  }

  async #range(keys: DocumentKeys, start: string, limit: number): Promise<StoredEntry[]> {
    const count = Number.isFinite(limit) ? ['COUNT', limit] : [];
    const reply = (await this.#reads.command(keys.log, 'xrange', keys.log, start, '+', ...count)) as [
      id: Buffer,
      fields: Buffer[],
    ][];
    // The entry is the first field: append-3.lua writes it so.
    return reply.map(([id, fields]) => ({
      position: id.toString('latin1'),
      bytes: fields[1] ?? Buffer.alloc(0),
    }));
  }

  async #meta(keys: DocumentKeys): Promise<LogMeta> {
    const reply = (await this.#reads.command(keys.meta, 'hmget', keys.meta, ...META_FIELDS)) as (Buffer | null)[];
    const [epoch, last, snapshotAt, erased] = reply.map((value) => value?.toString('latin1'));
    return { epoch, last: last ?? '', snapshotAt: snapshotAt ?? '', isErased: erased !== undefined };
  }
}
