/**
 * Sees conflicts open and close, whoever wrote: tells the feed, once for all nodes, and settles what came together from
 * several nodes, of which each had seen a part.
 *
 * A record per open conflict says that it was told: the node that makes it tells of the opening, the one that deletes it
 * of the end.
 */
import type { Doc } from 'yjs';
import type { Logger } from 'pino';
import { z } from 'zod';
import { keepsWrites, needsSettling, openConflicts, settleConflicts, type Conflict } from '../../../crdt/index.js';
import { SYSTEM } from '../../../server/auth/index.js';
import type { EventPublisher } from '../../../server/events/index.js';
import { documentKind } from '../../../server/protocol/document-name.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import { DocumentErasedError } from '../../../server/storage/errors.js';
import type { RecordKey, RecordStore } from '../../../server/storage/record-store.js';

/** Between two looks at a form: edits come in bursts. */
const PAUSE_MS = 20;
/** What a crash left untold is told of again after this. */
const RECORD_MS = 30 * 24 * 3_600_000;

interface Told {
  readonly conflictId: string;
  readonly fieldId: string;
  readonly property: string;
  readonly candidates: number;
}

const toldSchema = z.object({
  conflictId: z.string(),
  fieldId: z.string(),
  property: z.string(),
  candidates: z.number(),
});

interface Watched {
  /** Conflicts that were open when this node last looked, by id; undefined before it did. */
  open: ReadonlyMap<string, Told> | undefined;
  isDue: boolean;
  isRunning: boolean;
}

export interface ConflictWatchOptions {
  readonly rooms: Rooms;
  readonly records: RecordStore;
  readonly events: EventPublisher;
  readonly logger: Logger;
  readonly clock: () => number;
}

export class ConflictWatch {
  readonly #forms = new Map<string, Watched>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop: () => void;
  #isClosed = false;

  constructor(private readonly options: ConflictWatchOptions) {
    const { rooms } = options;
    // HOT PATH: called for each change of a document that somebody is connected to.
    this.#stop = rooms.onContent((document) => {
      const { kind } = documentKind(document);
      if (kind === 'form' && rooms.peek(document, keepsWrites) === true) this.notice(document.slice('form/'.length));
    });
  }

  /** Looks at it soon. */
  notice(formId: string): void {
    if (this.#isClosed) return;
    let watched = this.#forms.get(formId);
    if (watched === undefined) {
      watched = { open: undefined, isDue: true, isRunning: false };
      this.#forms.set(formId, watched);
    }
    watched.isDue = true;
    if (watched.isRunning) return;
    watched.isRunning = true;
    const running = this.#follow(formId, watched).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Nothing is told of the form any more. */
  async forget(formId: string): Promise<void> {
    this.#forms.delete(formId);
    await this.options.records.erase(['conflict', formId]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    await Promise.all(this.#running);
  }

  async #follow(formId: string, watched: Watched): Promise<void> {
    while (watched.isDue && !this.#isClosed) {
      watched.isDue = false;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      try {
        await this.#look(formId, watched);
      } catch (error) {
        if (!(error instanceof DocumentErasedError)) {
          this.options.logger.warn({ err: error, form: formId }, 'conflicts of a form could not be told of');
        }
      }
    }
    watched.isRunning = false;
  }

  async #look(formId: string, watched: Watched): Promise<void> {
    const { rooms, records } = this.options;
    const document = `form/${formId}`;
    if (await rooms.read(document, needsSettling)) {
      const settle = (doc: Doc): void => doc.transact((transaction) => settleConflicts(doc, transaction));
      await rooms.edit(document, SYSTEM, settle, { source: 'system' });
    }
    const before = watched.open ?? (await this.#told(formId));
    const open = new Map(
      (await rooms.read(document, openConflicts)).map((conflict) => [conflict.id, toldOf(conflict)]),
    );
    watched.open = open;
    for (const [id, told] of open) {
      if (before.has(id)) continue;
      const options = { ifVersion: null, expiresAt: this.options.clock() + RECORD_MS };
      const written = await records.put(keyOf(formId, id), Buffer.from(JSON.stringify(told)), options);
      if (written !== 'conflict') await this.#tell('conflict.opened', formId, told);
    }
    for (const [id, told] of before) {
      if (open.has(id)) continue;
      if ((await records.delete(keyOf(formId, id))) === true) await this.#tell('conflict.resolved', formId, told);
    }
  }

  /** What any node has told to be open, before this one was started. */
  async #told(formId: string): Promise<ReadonlyMap<string, Told>> {
    const told = new Map<string, Told>();
    for await (const { value } of this.options.records.scan(['conflict', formId])) {
      const conflict = toldSchema.parse(JSON.parse(Buffer.from(value).toString()));
      told.set(conflict.conflictId, conflict);
    }
    return told;
  }

  async #tell(type: string, formId: string, told: Told): Promise<void> {
    await this.options.events.publish({ type, formId, document: `form/${formId}`, data: { ...told } });
  }
}

const keyOf = (formId: string, conflictId: string): RecordKey => ['conflict', formId, conflictId];

function toldOf({ id, fieldId, property, candidates }: Conflict): Told {
  return { conflictId: id, fieldId, property, candidates: candidates.length };
}
