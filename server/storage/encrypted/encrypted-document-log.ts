/**
 * A document log whose updates, states and authors are encrypted. Names of documents, times, sources and sizes are not:
 * the log underneath needs them.
 *
 *   update := u16+bytes principal | u8 flags (1: has a name) | [u16+bytes name] | Yjs update
 *
 * An update stays encrypted with the key of its time until a compaction or a rotation folds it into a state, which is
 * encrypted with the key of today.
 */
import type {
  AppendOptions,
  CompactOptions,
  Attribution,
  DocumentInfo,
  DocumentLog,
  ErasureReceipt,
  LoadedDocument,
  LoggedUpdate,
  NewUpdate,
  Page,
  Position,
  Subscription,
} from '../document-log.js';
import { DocumentCorruptedError } from '../errors.js';
import { KIND, open, seal, type Place } from './envelope.js';
import type { KeyRing } from './key-ring.js';

const HAS_NAME = 1;

export class EncryptedDocumentLog implements DocumentLog {
  constructor(
    private readonly inner: DocumentLog,
    private readonly ring: KeyRing,
  ) {}

  get isShared(): boolean {
    return this.inner.isShared;
  }

  async load(document: string): Promise<LoadedDocument> {
    const { snapshot, updates, ...rest } = await this.inner.load(document);
    const opened = this.#openAll(document, updates);
    return snapshot === undefined
      ? { ...rest, updates: opened }
      : { ...rest, snapshot: this.#openState(document, snapshot), updates: opened };
  }

  /** HOT PATH. */
  append(document: string, updates: readonly NewUpdate[], options?: AppendOptions): Promise<Position> {
    if (this.ring.currentId === undefined) return this.inner.append(document, updates, options);
    return this.inner.append(
      document,
      updates.map((update) => this.#seal(document, update)),
      options,
    );
  }

  compact(
    document: string,
    upTo: Position,
    state: Uint8Array,
    options?: CompactOptions,
  ): Promise<'done' | 'lost the race'> {
    const sealed = seal(this.ring, KIND.state, placeOf(document), state) ?? state;
    return this.inner.compact(document, upTo, sealed, options);
  }

  async history(document: string, after: Position, limit: number): Promise<LoggedUpdate[]> {
    return this.#openAll(document, await this.inner.history(document, after, limit));
  }

  subscribe(
    document: string,
    from: Position,
    onUpdates: (updates: LoggedUpdate[]) => void | Promise<void>,
    onBroken?: (error: unknown) => void,
  ): Promise<Subscription> {
    return this.inner.subscribe(document, from, (updates) => onUpdates(this.#openAll(document, updates)), onBroken);
  }

  info(document: string): Promise<DocumentInfo | undefined> {
    return this.inner.info(document);
  }

  list(prefix: string, cursor: string | null, limit: number): Promise<Page<DocumentInfo>> {
    return this.inner.list(prefix, cursor, limit);
  }

  onLost(listener: (document: string) => void): () => void {
    return this.inner.onLost(listener);
  }

  tombstones(): AsyncIterable<string> {
    return this.inner.tombstones();
  }

  erase(document: string): Promise<ErasureReceipt> {
    return this.inner.erase(document);
  }

  #seal(document: string, given: NewUpdate): NewUpdate {
    const { principal, name, at, source } = given.attribution;
    const sealed = seal(this.ring, KIND.update, placeOf(document), authorBytes(principal, name), given.update);
    return sealed === undefined ? given : { update: sealed, attribution: { principal: '', at, source } };
  }

  #openAll(document: string, updates: readonly LoggedUpdate[]): LoggedUpdate[] {
    return updates.map((logged) => this.#open(document, logged));
  }

  #open(document: string, logged: LoggedUpdate): LoggedUpdate {
    const opened = open(this.ring, placeOf(document), logged.update);
    if (opened === undefined) return logged;
    // To a follower that a compaction has overtaken, the state comes as an update.
    if (opened.kind === KIND.state) return { ...logged, update: opened.plain };
    if (opened.kind !== KIND.update) throw misplaced(document);
    return { ...logged, ...readUpdate(opened.plain, logged.attribution) };
  }

  #openState(document: string, stored: Uint8Array): Uint8Array {
    const opened = open(this.ring, placeOf(document), stored);
    if (opened === undefined) return stored;
    if (opened.kind !== KIND.state) throw misplaced(document);
    return opened.plain;
  }
}

function placeOf(document: string): Place {
  return ['document', document];
}

function misplaced(document: string): DocumentCorruptedError {
  return new DocumentCorruptedError(document, 'an encrypted value lies where one of another kind belongs');
}

function authorBytes(principal: string, name: string | undefined): Buffer {
  const principalBytes = Buffer.byteLength(principal);
  const nameBytes = name === undefined ? 0 : Buffer.byteLength(name);
  const buffer = Buffer.allocUnsafe(2 + principalBytes + 1 + (name === undefined ? 0 : 2 + nameBytes));
  let offset = buffer.writeUInt16BE(principalBytes, 0);
  offset += buffer.write(principal, offset);
  offset = buffer.writeUInt8(name === undefined ? 0 : HAS_NAME, offset);
  if (name === undefined) return buffer;
  offset = buffer.writeUInt16BE(nameBytes, offset);
  buffer.write(name, offset);
  return buffer;
}

function readUpdate(plain: Buffer, { at, source }: Attribution): NewUpdate {
  let offset = 0;
  const text = (): string => {
    const start = offset + 2;
    offset = start + plain.readUInt16BE(offset);
    return plain.toString('utf8', start, offset);
  };
  const principal = text();
  const hasName = (plain.readUInt8(offset++) & HAS_NAME) !== 0;
  const attribution = hasName ? { principal, name: text(), at, source } : { principal, at, source };
  // A copy: a view would keep the author's bytes alive with every update.
  return { update: Uint8Array.prototype.slice.call(plain, offset), attribution };
}
