/** Any document, whatever it holds: state, updates, compaction, erasure. Knows no HTTP. */
import { identityOf, mayWriteOverSync, type Principal } from '../../server/auth/index.js';
import type { FormHistory } from '../../server/history/index.js';
import { MalformedError } from '../../server/protocol/incoming.js';
import { checkDocumentName, documentKind, type DocumentKind } from '../../server/protocol/document-name.js';
import { inspectStateVector } from '../../server/protocol/update-bounds.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import type { DocumentInfo, DocumentLog } from '../../server/storage/document-log.js';
import type { SnapshotStore } from '../../server/storage/snapshots.js';
import { Problem } from '../http/problem.js';
import type { BegunErasures } from './begun-erasures.js';

export interface DocumentDetails extends DocumentInfo {
  readonly kind: DocumentKind['kind'];
  readonly connections: number;
}

/** Erases a document with everything that its feature keeps beside it: records, files, notifications, events. */
export interface Erasures {
  form(principal: Principal, formId: string): Promise<Erased>;
  /** Undefined when it is the sheet of no submission. */
  submission(principal: Principal, formId: string, submissionId: string): Promise<Erased | undefined>;
  comments(formId: string): Promise<void>;
}

/** How much went; of a form, everything together. */
export interface Erased {
  /** Unix time in milliseconds. */
  readonly erasedAt: number;
  readonly updates: number;
  readonly bytes: number;
  readonly snapshots: number;
}

export interface DocumentServiceOptions {
  readonly rooms: Rooms;
  readonly log: DocumentLog;
  readonly snapshots: SnapshotStore;
  readonly history: FormHistory;
  readonly erasures: Erasures;
  readonly begun: BegunErasures;
}

export class DocumentService {
  constructor(private readonly options: DocumentServiceOptions) {}

  async list(
    prefix: string,
    page: { limit: number; cursor: string | null },
  ): Promise<{ data: DocumentDetails[]; nextCursor: string | null }> {
    const found = await this.options.log.list(prefix, page.cursor, page.limit);
    const open = new Map(this.options.rooms.open().map((room) => [room.document, room.connections]));
    return {
      data: found.data.map((info) => ({
        ...info,
        kind: documentKind(info.document).kind,
        connections: open.get(info.document) ?? 0,
      })),
      nextCursor: found.nextCursor,
    };
  }

  /** @throws Problem `document_not_found` */
  async details(name: string): Promise<DocumentDetails> {
    const info = await this.options.rooms.info(name);
    if (info === undefined) throw missing(name);
    return { ...info, kind: documentKind(name).kind };
  }

  /** @param stateVector base64 @throws Problem `document_not_found`, `malformed_state_vector` */
  async state(name: string, stateVector: string | undefined): Promise<Uint8Array> {
    const known = stateVector === undefined ? undefined : decodeStateVector(stateVector);
    await this.require(name);
    return this.options.rooms.encodeState(name, known);
  }

  /** Resolves when it is durable. @throws Problem `server_written`, `update_incomplete`; MalformedUpdateError */
  async update(principal: Principal, name: string, update: Uint8Array): Promise<void> {
    if (!mayWriteOverSync(principal, name)) {
      throw new Problem('server_written', 'Comments are changed by requests of their own, not by updates.');
    }
    await this.options.rooms.applyUpdate(name, principal, update, { source: 'rest' });
  }

  async compact(name: string): Promise<'done' | 'lost the race' | 'nothing to do'> {
    await this.require(name);
    return this.options.rooms.compact(name);
  }

  /** @throws Problem `document_not_found` */
  async erase(principal: Principal, name: string): Promise<Erased> {
    await this.require(name);
    const { erasures } = this.options;
    const kind = documentKind(name);
    if (kind.kind === 'form') return erasures.form(principal, kind.formId);
    if (kind.kind === 'submission') {
      const erased = await erasures.submission(principal, kind.formId, kind.submissionId);
      if (erased !== undefined) return erased;
    }
    return this.finishErasure(principal, name);
  }

  /** The document by itself, whatever is gone of it already. */
  finishErasure(principal: Principal, document: string): Promise<Erased> {
    const { rooms, history, snapshots, erasures, begun } = this.options;
    return begun.during([document], { document, by: identityOf(principal) }, async () => {
      const kind = documentKind(document);
      if (kind.kind === 'comments') await erasures.comments(kind.formId);
      const receipt = await rooms.erase(document);
      await history.erase(document);
      return { ...receipt, snapshots: await snapshots.eraseAll(document) };
    });
  }

  /** @throws Problem `document_not_found` */
  async require(name: string): Promise<void> {
    if (!(await this.options.rooms.exists(name))) throw missing(name);
  }
}

const missing = (name: string): Problem => new Problem('document_not_found', `There is no document "${name}".`);

/** As a router hands it over: percent-decoded once. @throws DocumentNameError */
export const documentName = (params: { readonly name: string }): string => checkDocumentName(params.name);

function decodeStateVector(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  try {
    inspectStateVector(bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new Problem('malformed_state_vector', 'stateVector is not base64 of a Yjs state vector.', { cause: error });
  }
  return bytes;
}
