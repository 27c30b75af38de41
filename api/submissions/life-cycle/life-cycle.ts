/**
 * Sheets that are left, and taken up again. The sheet says so first and the record after it; the record decides. A
 * crash between the two is mended by whoever comes next: `reopen` and the sweep take either for what it is.
 */
import { isSameJson } from '../../../crdt/form/equality.js';
import { readAnswers, readSheetMeta, writeStatus, type AnswerValues } from '../../../crdt/submission/index.js';
import { identityOf, SYSTEM } from '../../../server/auth/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import { Problem } from '../../http/problem.js';
import type { Announcements } from '../announcements.js';
import { sheetDocument } from '../access/rights.js';
import { closed, withStatus, type Person, type SubmissionRecord } from '../records/submission-record.js';
import { digestOf, type StoredSubmission, type SubmissionStore } from '../records/submission-store.js';
import type { Sheets } from '../sheets.js';
import { dueAfter, idlePolicyOf } from './idle-policy.js';

export interface SheetLifeCycleOptions {
  readonly rooms: Rooms;
  readonly store: SubmissionStore;
  readonly sheets: Sheets;
  readonly announcements: Announcements;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

const BY_SERVER: Person = { id: SYSTEM.id };

export class SheetLifeCycle {
  constructor(private readonly options: SheetLifeCycleOptions) {}

  /**
   * Asks whether a sheet in progress was left, and marks it when it was.
   * @returns false when somebody else has changed its record meanwhile: it is to be asked again
   */
  async ask(stored: StoredSubmission): Promise<boolean> {
    const { rooms, store, sheets, clock } = this.options;
    const { record } = stored;
    const policy = idlePolicyOf(await sheets.form(record));
    const info = await rooms.info(sheetDocument(record.formId, record.id));
    const dueAt = dueAfter(Math.max(record.changedAt, info?.changedAt ?? 0), policy);
    if (dueAt === null || dueAt > clock()) return store.replace(stored, { ...record, dueAt });
    const { answers } = await sheets.content(record);
    if (!(await this.#markLeft(record, answers, !policy.mayResume))) return false;
    const step = { at: clock(), by: BY_SERVER, note: null };
    const abandoned = { ...withStatus(record, 'abandoned', step), dueAt: null, left: digestOfAnswers(answers) };
    if (!(await store.replace(stored, abandoned))) {
      await this.showStatus(record);
      return false;
    }
    await this.options.announcements.abandoned(abandoned);
    return true;
  }

  /** False when it was written to since it was looked at. */
  async #markLeft({ formId, id }: SubmissionRecord, answers: AnswerValues, isFinal: boolean): Promise<boolean> {
    const { result } = await this.options.rooms.edit(
      sheetDocument(formId, id),
      SYSTEM,
      (doc) => {
        const { status } = readSheetMeta(doc);
        if (status !== 'in_progress' && status !== 'abandoned') return false;
        if (!isSameJson(readAnswers(doc), answers)) return false;
        writeStatus(doc, 'abandoned', isFinal);
        return true;
      },
      { source: 'system' },
    );
    return result;
  }

  /**
   * What is in progress stays so; what was abandoned goes on.
   * @throws Problem `submission_closed` for anything else, and where the form lets nobody take it up again
   */
  async reopen(by: Person, stored: StoredSubmission): Promise<StoredSubmission> {
    const { store, sheets, clock } = this.options;
    const { record } = stored;
    if (record.status === 'in_progress') return stored;
    const policy = idlePolicyOf(await sheets.form(record));
    if (record.status !== 'abandoned' || !policy.mayResume) throw closed(record);
    const at = clock();
    const step = withStatus(record, 'in_progress', { at, by: identityOf(by), note: null });
    const reopened = { ...step, dueAt: dueAfter(at, policy), left: null };
    if (await store.replace(stored, reopened)) {
      await this.showStatus(reopened);
      await this.options.announcements.resumed(reopened, by.id);
    }
    const now = await store.get(record.formId, record.id);
    if (now === undefined) throw new Problem('submission_not_found', `The submission "${record.id}" was erased.`);
    // Somebody else was faster, with this or with something else.
    return now.record.status === 'in_progress' ? now : this.reopen(by, now);
  }

  /** True when the answers are not those that it was left with. */
  hasReturned({ status, left }: SubmissionRecord, answers: AnswerValues): boolean {
    return status === 'abandoned' && left !== null && left !== digestOfAnswers(answers);
  }

  /** Makes the sheet say what the record says, after a change of the record that came to nothing. */
  async showStatus({ formId, id }: Pick<SubmissionRecord, 'formId' | 'id'>): Promise<void> {
    const { rooms, store } = this.options;
    const now = await store.get(formId, id);
    if (now === undefined) return;
    const { status } = now.record;
    const isFinal = status === 'abandoned' && !idlePolicyOf(await this.options.sheets.form(now.record)).mayResume;
    await rooms.edit(sheetDocument(formId, id), SYSTEM, (doc) => writeStatus(doc, status, isFinal), {
      source: 'system',
    });
  }
}

const digestOfAnswers = (answers: AnswerValues): string => digestOf(JSON.stringify(answers));
