/**
 * Encrypts with the first key of the ring all that another one has encrypted, or none, so that old keys can be given up.
 *
 * It works through the ports, while documents are edited and other nodes write: what it changes it changes by
 * compare-and-set, and what somebody writes meanwhile takes the first key anyway. What has that key already is left, so a
 * rotation that was interrupted goes on where it was. It looks at everything until a round finds nothing; then the other
 * keys are no longer known to the store.
 *
 * Documents are folded: who made an update is told to the change log before (`beforeFold`), as by any other fold.
 */
import * as Y from 'yjs';
import type { Logger } from 'pino';
import { DocumentErasedError } from '../errors.js';
import type { FileName } from '../file-store.js';
import type { RecordKey } from '../record-store.js';
import { FILE_RECORDS } from '../files/record-file-store.js';
import type { Storage } from '../storage.js';
import { keyIdOf } from './envelope.js';
import { keyIdOfEvent, resealedEvent } from './encrypted-event-log.js';
import { keyIdOfFile } from './encrypted-file-store.js';
import type { KeyRing } from './key-ring.js';
import { giveUpKey, isProof, provenKeys } from './proof.js';

type Ports = Pick<Storage, 'documents' | 'records' | 'events' | 'files'>;

export interface KeyRotationOptions {
  /** As the medium has it. */
  readonly stored: Ports;
  /** The same store, encrypted with the ring. */
  readonly opened: Ports;
  readonly ring: KeyRing;
  readonly logger: Logger;
  readonly beforeFold: (document: string) => Promise<void>;
  readonly reclaim: () => Promise<void>;
}

/** Of one key of the ring or of the store. */
export interface KeyStatus {
  readonly id: string;
  /** The one that encrypts. */
  readonly isCurrent: boolean;
  /** False: it is missing from ENCRYPTION_KEYS. */
  readonly isHeld: boolean;
  /** It has encrypted something that may still be there: it must stay. */
  readonly isUsed: boolean;
}

export interface Rewritten {
  documents: number;
  records: number;
  events: number;
  files: number;
}

export interface RotationResult {
  readonly key: string;
  readonly rewritten: Rewritten;
  /** Keys that nothing needs any more. */
  readonly retired: readonly string[];
  /** What could not be read or written again; while there is any, no key is retired. */
  readonly failed: readonly { readonly what: string; readonly reason: string }[];
}

/** No key encrypts: there is none to rotate to. */
export class NoCurrentKeyError extends Error {
  constructor() {
    super('ENCRYPTION_KEYS is not set: nothing is encrypted.');
    this.name = 'NoCurrentKeyError';
  }
}

/** Rounds until one finds nothing. More are needed only where nodes with another first key go on writing. */
const MOST_ROUNDS = 3;
/** Others may be folding the same document. */
const MOST_FOLDS = 10;
const MOST_FAILURES_TOLD = 20;
const PAGE = 200;
/** Records that are never encrypted, and parts of files, which are encrypted as files. */
const OTHERS: readonly (readonly string[])[] = [['leases'], ...FILE_RECORDS];

export class KeyRotation {
  constructor(private readonly options: KeyRotationOptions) {}

  async status(): Promise<readonly KeyStatus[]> {
    const { ring, stored } = this.options;
    const proven = await provenKeys(stored.records);
    return [...new Set([...ring.ids, ...proven])].map((id) => ({
      id,
      isCurrent: id === ring.currentId,
      isHeld: ring.has(id),
      isUsed: proven.includes(id),
    }));
  }

  /** @param onProgress 0 to 1 @throws NoCurrentKeyError; what the store throws */
  async run(onProgress: (progress: number) => void): Promise<RotationResult> {
    const { ring, stored, reclaim } = this.options;
    const key = ring.currentId;
    if (key === undefined) throw new NoCurrentKeyError();
    const before = await provenKeys(stored.records);
    const rewritten: Rewritten = { documents: 0, records: 0, events: 0, files: 0 };
    const failed: { what: string; reason: string }[] = [];
    let isClean = false;
    for (let round = 1; round <= MOST_ROUNDS && !isClean && failed.length === 0; round += 1) {
      const from = 1 - 2 ** (1 - round);
      const found = await new Round(this.options, key, failed).run((part) => onProgress(from + part * 2 ** -round));
      for (const kind of ['documents', 'records', 'events', 'files'] as const) rewritten[kind] += found[kind];
      isClean = found.documents + found.records + found.events + found.files === 0;
    }
    if (rewritten.documents + rewritten.records + rewritten.events + rewritten.files > 0) await reclaim();
    const retired = isClean && failed.length === 0 ? before.filter((id) => id !== key) : [];
    for (const id of retired) await giveUpKey(stored.records, id);
    return { key, rewritten, retired, failed: failed.slice(0, MOST_FAILURES_TOLD) };
  }
}

/** One look at everything. */
class Round {
  constructor(
    private readonly options: KeyRotationOptions,
    private readonly key: string,
    private readonly failed: { what: string; reason: string }[],
  ) {}

  async run(onProgress: (progress: number) => void): Promise<Rewritten> {
    const records = await this.#records();
    onProgress(0.2);
    const events = await this.#events();
    onProgress(0.4);
    const files = await this.#files();
    onProgress(0.5);
    const documents = await this.#documents((part) => onProgress(0.5 + part / 2));
    return { documents, records, events, files };
  }

  readonly #onDamaged = (what: string, reason: string): void => void this.failed.push({ what, reason });

  /** One damaged value does not keep the others from their key. */
  async #attempt(what: string, work: () => Promise<boolean>): Promise<number> {
    try {
      return (await work()) ? 1 : 0;
    } catch (error) {
      if (error instanceof DocumentErasedError) return 0;
      const reason = error instanceof Error ? error.message : String(error);
      this.options.logger.error({ err: error, what }, 'it could not be encrypted with the new key');
      this.failed.push({ what, reason });
      return 0;
    }
  }

  async #records(): Promise<number> {
    const { stored } = this.options;
    let count = 0;
    for await (const { key, value } of stored.records.scan([], { onDamaged: this.#onDamaged })) {
      const isOther = isProof(key) || OTHERS.some((prefix) => prefix.every((segment, i) => key[i] === segment));
      if (isOther || keyIdOf(value) === this.key) continue;
      count += await this.#attempt(`the record ${key.join('/')}`, () => this.#record(key));
    }
    return count;
  }

  async #record(key: RecordKey): Promise<boolean> {
    const { records } = this.options.opened;
    const record = await records.get(key);
    if (record === undefined) return false;
    const { value, version: ifVersion, expiresAt } = record;
    // In conflict with somebody who has written it meanwhile, with the first key: the next round looks at it.
    await records.put(key, value, expiresAt === undefined ? { ifVersion } : { ifVersion, expiresAt });
    return true;
  }

  async #events(): Promise<number> {
    const { stored, ring } = this.options;
    let count = 0;
    for await (const stream of stored.events.streams()) {
      await this.#attempt(`the event stream "${stream}"`, async () => {
        if (!(await this.#hasOtherEvents(stream))) return false;
        count += await stored.events.rewrite(stream, ({ data }) => resealedEvent(ring, stream, data));
        return true;
      });
    }
    return count;
  }

  async #hasOtherEvents(stream: string): Promise<boolean> {
    let after: string | undefined;
    for (;;) {
      const from = after === undefined ? {} : { after };
      const page = await this.options.stored.events.range(stream, {
        ...from,
        limit: PAGE,
        onDamaged: this.#onDamaged,
      });
      if (page.some(({ data }) => keyIdOfEvent(data) !== this.key)) return true;
      after = page.at(-1)?.id;
      if (after === undefined || page.length < PAGE) return false;
    }
  }

  async #files(): Promise<number> {
    const { stored } = this.options;
    let count = 0;
    for await (const name of stored.files.list()) {
      count += await this.#attempt(`the uploaded file "${name.fileId}"`, () => this.#file(name));
    }
    return count;
  }

  async #file(name: FileName): Promise<boolean> {
    const { stored, opened } = this.options;
    const raw = await stored.files.read(name);
    if (raw === undefined || (await keyIdOfFile(raw)) === this.key) return false;
    const content = await opened.files.read(name);
    return content !== undefined && opened.files.rewrite(name, content);
  }

  async #documents(onProgress: (progress: number) => void): Promise<number> {
    const { stored } = this.options;
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof stored.documents.list>> = await stored.documents.list('', cursor, PAGE);
      names.push(...page.data.map(({ document }) => document));
      cursor = page.nextCursor;
    } while (cursor !== null);
    let count = 0;
    for (const [i, document] of names.entries()) {
      count += await this.#attempt(`the document "${document}"`, () => this.#document(document));
      onProgress((i + 1) / names.length);
    }
    return count;
  }

  async #document(document: string): Promise<boolean> {
    const { stored, opened, beforeFold } = this.options;
    for (let i = 0; i < MOST_FOLDS; i += 1) {
      const { snapshot, updates } = await stored.documents.load(document);
      const values = [...(snapshot === undefined ? [] : [snapshot]), ...updates.map(({ update }) => update)];
      if (values.every((value) => keyIdOf(value) === this.key)) return i > 0;
      await beforeFold(document);
      const loaded = await opened.documents.load(document);
      const doc = new Y.Doc();
      doc.transact(() => {
        if (loaded.snapshot !== undefined) Y.applyUpdate(doc, loaded.snapshot);
        for (const { update } of loaded.updates) Y.applyUpdate(doc, update);
      });
      const state = Y.encodeStateAsUpdate(doc);
      doc.destroy();
      const outcome = await opened.documents.compact(document, loaded.position, state, { again: true });
      if (outcome === 'done') return true;
    }
    throw new Error('It is folded by others again and again');
  }
}
