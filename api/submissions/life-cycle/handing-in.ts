/** How answers become a submission: checked as a whole, frozen in the live sheet, kept as the one final record. */
import { isSameJson } from '../../../crdt/form/equality.js';
import { inspectSheet, readAnswers, settledAnswers, writeStatus } from '../../../crdt/submission/index.js';
import { identityOf, type Principal } from '../../../server/auth/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import { requireMatch } from '../../http/etag.js';
import { Problem } from '../../http/problem.js';
import type { Announcements } from '../announcements.js';
import { invalidAnswers, type Answers } from '../answers.js';
import type { SubmissionFiles } from '../files/submission-files.js';
import { withStatus, type SubmissionRecord } from '../records/submission-record.js';
import type { SubmissionStore } from '../records/submission-store.js';
import { claimUnique, releaseUnique } from '../records/unique-answers.js';
import { sheetDocument } from '../access/rights.js';
import { etagOfSheet, type Sheets, type SubmissionView } from '../sheets.js';
import type { Steps } from './finishing.js';
import type { SheetLifeCycle } from './life-cycle.js';

export interface HandingInOptions {
  readonly rooms: Rooms;
  readonly store: SubmissionStore;
  readonly files: SubmissionFiles;
  readonly sheets: Sheets;
  readonly lifeCycle: SheetLifeCycle;
  readonly steps: Steps;
  readonly announcements: Announcements;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

/** Somebody who types all the time must not keep a submit from ever coming through. */
const MAX_ATTEMPTS = 20;

export class HandingIn {
  constructor(private readonly options: HandingInOptions) {}

  /**
   * Freezes the sheet and writes the one final record. Repeated, or twice at once, it answers the same record.
   * @throws Problem `submission_not_found`, `stale`, `validation_failed` with the errors by field
   */
  async submit(principal: Principal, formId: string, id: string, ifMatch: string | undefined): Promise<SubmissionView> {
    const { store, sheets, files, lifeCycle, clock } = this.options;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      let stored = await store.require(formId, id);
      if (stored.record.status === 'abandoned') stored = await lifeCycle.reopen(principal, stored);
      const { record } = stored;
      if (record.status !== 'in_progress') return sheets.view(record);
      const form = await sheets.form(record);
      const { answers } = await sheets.content(record);
      requireMatch(ifMatch, etagOfSheet(record, answers));
      const { state, errors, missing } = inspectSheet(form, answers);
      if (errors.length + missing.length > 0) throw invalidAnswers([...missing, ...errors]);
      const final = settledAnswers(form, state);
      const forged = await files.unknownFiles(form, id, final.answers);
      if (forged.length > 0) throw invalidAnswers(forged);
      const taken = await claimUnique(store, form, id, final.answers);
      if (taken.length > 0) throw invalidAnswers(taken);
      const at = clock();
      const by = identityOf(principal);
      const step = withStatus(record, 'submitted', { at, by, note: null });
      const submitted = { ...step, submittedAt: at, dueAt: null, final };
      const outcome = await this.options.steps.during([formId, id], { status: 'submitted', at, by }, async () => {
        if (!(await this.#freeze(principal, record, answers))) return 'other answers';
        if (!(await store.replace(stored, submitted))) return 'other record';
        await this.options.announcements.statusChanged(submitted, principal.id);
        return 'submitted';
      });
      if (outcome === 'submitted') return sheets.view(submitted);
      if (outcome === 'other answers') await releaseUnique(store, form, id, final.answers);
      // Not for good: what it has become meanwhile may be refused.
      else await lifeCycle.showStatus(record);
    }
    throw new Problem('conflict', 'The answers change faster than they can be handed in.');
  }

  /** False when the answers are not these any more. */
  async #freeze(principal: Principal, record: SubmissionRecord, answers: Answers): Promise<boolean> {
    const document = sheetDocument(record.formId, record.id);
    const freeze = await this.options.rooms.edit(
      document,
      principal,
      (doc) => {
        if (!isSameJson(readAnswers(doc), answers)) return false;
        writeStatus(doc, 'submitted');
        return true;
      },
      { source: 'rest' },
    );
    return freeze.result;
  }
}
