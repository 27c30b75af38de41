/**
 * What whoever is connected to an answer sheet sees in its awareness, as the server's own state, with any Yjs client:
 *
 *   { server: true, status, progress: {percent, answered, required, visible, errors, page}, errors: [{field, …}],
 *     offer: {version} | null }
 */
import type { Logger } from 'pino';
import { documentKind } from '../../server/protocol/document-name.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import type { Announcements } from './announcements.js';
import { sheetDocument } from './access/rights.js';
import type { SheetLifeCycle } from './life-cycle/life-cycle.js';
import type { SubmissionStore } from './records/submission-store.js';
import { contentOf, type Sheets } from './sheets.js';

export interface LiveProgressOptions {
  readonly rooms: Rooms;
  readonly store: SubmissionStore;
  readonly sheets: Sheets;
  readonly lifeCycle: SheetLifeCycle;
  readonly announcements: Announcements;
  readonly logger: Logger;
}

/** One look for all that is typed meanwhile; about the longest tick. */
const GATHER_MS = 20;

export class LiveProgress {
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #stopListening: () => void;
  #isClosed = false;

  constructor(private readonly options: LiveProgressOptions) {
    this.#stopListening = options.rooms.onContent((document) => this.look(document));
  }

  /** A version was published: who fills an earlier one is offered to move. */
  lookAtForm(formId: string): void {
    for (const { document } of this.options.rooms.open()) {
      if (document.startsWith(sheetDocument(formId, ''))) this.look(document);
    }
  }

  /** Something about this document may have changed. */
  look(document: string): void {
    if (this.#timers.has(document)) return;
    const kind = documentKind(document);
    if (kind.kind !== 'submission') return;
    const { formId, submissionId } = kind;
    const show = (): void => {
      this.#timers.delete(document);
      this.#show(document, formId, submissionId).catch((error: unknown) => {
        this.options.logger.warn({ err: error, document }, 'the progress of a submission cannot be shown');
      });
    };
    this.#timers.set(document, setTimeout(show, GATHER_MS));
  }

  async #show(document: string, formId: string, submissionId: string): Promise<void> {
    const { rooms, store, sheets, lifeCycle, announcements } = this.options;
    const stored = await store.get(formId, submissionId);
    if (stored === undefined || this.#isClosed) return;
    // Nobody is there any more, or has yet to come: who comes next has it looked at again.
    const content = rooms.peek(document, contentOf);
    if (content === undefined) return;
    const { record } = lifeCycle.hasReturned(stored.record, content.answers)
      ? // Whoever wrote over sync is not told from the others who fill the sheet.
        await lifeCycle.reopen(stored.record.startedBy, stored)
      : stored;
    const view = await sheets.view(record, content);
    const { percent, answered, required, visible, errors, page } = view.progress;
    const { status, startedBy } = record;
    const progress = { percent, answered, required, visible, errors, page };
    rooms.showServerState(document, { server: true, status, progress, errors: view.errors, offer: view.offer });
    await announcements.progressed(view, startedBy.id);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
