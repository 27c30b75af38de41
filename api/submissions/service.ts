/** Submissions over REST: every write of an answer goes through the live room of its sheet. Knows no HTTP. */
import { uuidv7 } from 'uuidv7';
import {
  defaultAnswers,
  isOpenSheet,
  readAnswers,
  readSheetMeta,
  seedSheet,
  writeAnswers,
  writePage,
  writeStatus,
  type SubmissionStatus,
} from '../../crdt/submission/index.js';
import { identityOf, type Principal } from '../../server/auth/index.js';
import type { FormHistory } from '../../server/history/index.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import type { SnapshotStore } from '../../server/storage/index.js';
import { formNotFound, requireForm } from '../forms/required-form.js';
import type { BegunErasures } from '../documents/begun-erasures.js';
import type { FormVersions } from '../forms/versions.js';
import { requireMatch } from '../http/etag.js';
import { Problem } from '../http/problem.js';
import type { Access, SheetAccess } from './access/sheet-access.js';
import type { Announcements } from './announcements.js';
import { invalidAnswers, requireAnswerable, type Answers } from './answers.js';
import { permitted, type Device } from './device.js';
import type { OpenedFile, SubmissionFile, SubmissionFiles, Upload } from './files/submission-files.js';
import { HandingIn } from './life-cycle/handing-in.js';
import { dueAfter, idlePolicyOf } from './life-cycle/idle-policy.js';
import type { Steps } from './life-cycle/finishing.js';
import type { SheetLifeCycle } from './life-cycle/life-cycle.js';
import { sheetDocument } from './access/rights.js';
import { contentOf, etagOfSheet, type Sheets, type SubmissionView } from './sheets.js';
import { closed, withStatus, type SubmissionRecord } from './records/submission-record.js';
import { digestOf, newResumeToken, type StoredSubmission, type SubmissionStore } from './records/submission-store.js';
import { releaseUnique } from './records/unique-answers.js';

export interface SubmissionServiceOptions {
  readonly rooms: Rooms;
  readonly store: SubmissionStore;
  readonly files: SubmissionFiles;
  readonly sheets: Sheets;
  readonly lifeCycle: SheetLifeCycle;
  readonly steps: Steps;
  readonly erasures: BegunErasures;
  readonly versions: FormVersions;
  readonly access: SheetAccess;
  readonly snapshots: SnapshotStore;
  readonly history: FormHistory;
  readonly announcements: Announcements;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export interface StartedSubmission extends Access {
  readonly record: SubmissionRecord;
  readonly resumeToken: string;
  readonly etag: string;
}

export interface SubmissionReceipt {
  readonly submissionId: string;
  readonly document: string;
  /** Unix time in milliseconds. */
  readonly erasedAt: number;
  readonly updates: number;
  readonly bytes: number;
  readonly snapshots: number;
}

export class SubmissionService {
  readonly #handingIn: HandingIn;

  constructor(private readonly options: SubmissionServiceOptions) {
    this.#handingIn = new HandingIn(options);
  }

  /** @throws Problem `form_not_found`, `form_not_published`, `validation_failed`; MintingUnavailableError */
  async start(principal: Principal, formId: string, answers: Answers, device: Device): Promise<StartedSubmission> {
    const { rooms, store, versions, access, clock } = this.options;
    await requireForm(rooms, formId);
    const published = await versions.latest(formId);
    if (published === undefined)
      throw new Problem('form_not_published', `The form "${formId}" has no version to fill.`);
    const { form, version } = published;
    requireAnswerable(form, answers);
    const id = uuidv7();
    const [at, by] = [clock(), identityOf(principal)];
    const resumeToken = newResumeToken(formId);
    const record: SubmissionRecord = {
      id,
      formId,
      version,
      status: 'in_progress',
      startedAt: at,
      changedAt: at,
      submittedAt: null,
      startedBy: by,
      device: permitted(form, device),
      resume: digestOf(resumeToken),
      dueAt: dueAfter(at, idlePolicyOf(form)),
      left: null,
      migrations: [],
      final: null,
      timeline: [{ status: 'in_progress', at, by, note: null }],
    };
    // First of all: without a token nobody could go on.
    const opened = await access.open(record, principal);
    const seed = { ...defaultAnswers(form), ...answers };
    const seeded = await rooms.edit(
      sheetDocument(formId, id),
      principal,
      (doc) => {
        seedSheet(doc, { formId, version }, seed);
        return readAnswers(doc);
      },
      { source: 'rest', ifAbsent: true },
    );
    await store.create(record);
    if (await rooms.exists(`form/${formId}`)) {
      await this.options.announcements.started(record);
      return { record, resumeToken, etag: etagOfSheet(record, seeded.result), ...opened };
    }
    // The form was erased meanwhile, perhaps without having seen this sheet.
    await this.#erase(record, principal);
    throw formNotFound(formId);
  }

  /**
   * What was abandoned goes on. What was handed in can be looked at.
   * @throws Problem `resume_token_invalid`, `submission_closed` for what was abandoned for good; MintingUnavailableError
   */
  async resume(resumeToken: string): Promise<StartedSubmission> {
    const { store, access, lifeCycle } = this.options;
    let stored = await store.resumed(resumeToken);
    if (stored === undefined) throw new Problem('resume_token_invalid', 'The resume token opens nothing.');
    const opened = await access.open(stored.record);
    if (stored.record.status === 'abandoned') {
      stored = await lifeCycle.reopen(stored.record.startedBy, stored);
    }
    const { etag } = await this.options.sheets.view(stored.record);
    return { record: stored.record, resumeToken, etag, ...opened };
  }

  /** @throws Problem `submission_not_found` */
  async get(formId: string, id: string): Promise<SubmissionView> {
    return this.options.sheets.view((await this.options.store.require(formId, id)).record);
  }

  /** @throws Problem `submission_not_found`, `submission_closed`, `stale`, `validation_failed` for what is no field */
  async patch(
    principal: Principal,
    formId: string,
    id: string,
    { answers, page }: { readonly answers: Answers; readonly page: string | undefined },
    ifMatch: string | undefined,
  ): Promise<SubmissionView> {
    const { rooms, sheets } = this.options;
    const { record } = await this.#requireOpen(principal, formId, id);
    const form = await sheets.form(record);
    requireAnswerable(form, answers);
    if (page !== undefined && !form.pages.some((known) => known.id === page)) {
      throw invalidAnswers([{ path: 'page', message: 'is not a page of this version' }]);
    }
    const { result } = await rooms.edit(
      sheetDocument(formId, id),
      principal,
      (doc) => {
        // Read again: the sheet may be handed in since the record was read.
        if (!isOpenSheet(readSheetMeta(doc))) throw closed({ id, status: readSheetMeta(doc).status });
        requireMatch(ifMatch, etagOfSheet(record, readAnswers(doc)));
        writeAnswers(doc, answers);
        if (page !== undefined) writePage(doc, page);
        return contentOf(doc);
      },
      { source: 'rest' },
    );
    const view = await sheets.view(record, result);
    await this.options.announcements.progressed(view, principal.id);
    return view;
  }

  /** @throws as `HandingIn.submit` */
  submit(principal: Principal, formId: string, id: string, ifMatch: string | undefined): Promise<SubmissionView> {
    return this.#handingIn.submit(principal, formId, id, ifMatch);
  }

  /** @throws Problem `submission_not_found`, `status_transition_refused`, `stale`, `conflict` */
  async setStatus(
    principal: Principal,
    formId: string,
    id: string,
    change: { readonly status: SubmissionStatus; readonly note: string | null },
    ifMatch: string | undefined,
  ): Promise<SubmissionView> {
    const { rooms, store, sheets, steps, clock } = this.options;
    const stored = await this.options.store.require(formId, id);
    const { record } = stored;
    if (ifMatch !== undefined) requireMatch(ifMatch, (await sheets.view(record)).etag);
    const { status, note } = change;
    const [at, by] = [clock(), identityOf(principal)];
    const changed = withStatus(record, status, { at, by, note });
    const isChanged = await steps.during([formId, id], { status, at, by }, async () => {
      if (!(await store.replace(stored, changed))) return false;
      const document = sheetDocument(formId, id);
      await rooms.edit(document, principal, (doc) => writeStatus(doc, status), { source: 'rest' });
      await this.options.announcements.statusChanged(changed, principal.id);
      return true;
    });
    if (isChanged) return sheets.view(changed);
    throw new Problem('conflict', 'The submission was changed by somebody else at the same moment.');
  }

  /** The sheet, its snapshots and history, the record. @throws Problem `submission_not_found`, `stale` */
  async erase(
    principal: Principal,
    formId: string,
    id: string,
    ifMatch: string | undefined,
  ): Promise<SubmissionReceipt> {
    const { record } = await this.options.store.require(formId, id);
    if (ifMatch !== undefined) requireMatch(ifMatch, (await this.options.sheets.view(record)).etag);
    return this.#erase(record, principal);
  }

  /** Of what is erased already, nothing. */
  async finishErasure(principal: Principal, formId: string, id: string): Promise<void> {
    const stored = await this.options.store.get(formId, id);
    if (stored !== undefined) await this.#erase(stored.record, principal);
  }

  async #erase(record: SubmissionRecord, principal: Principal): Promise<SubmissionReceipt> {
    const document = sheetDocument(record.formId, record.id);
    return this.options.erasures.during([document], { document, by: identityOf(principal) }, async () => {
      const receipt = await this.#eraseAll(record);
      await this.options.announcements.erased(record, principal.id);
      return receipt;
    });
  }

  async #eraseAll(record: SubmissionRecord): Promise<SubmissionReceipt> {
    const { rooms, snapshots, history, store, sheets, files } = this.options;
    const document = sheetDocument(record.formId, record.id);
    const { erasedAt, updates, bytes } = await rooms.erase(document);
    const snapshotCount = await snapshots.eraseAll(document);
    await history.erase(document);
    if (record.final !== null) await releaseUnique(store, await sheets.form(record), record.id, record.final.answers);
    await files.erase(record.formId, record.id);
    await store.erase(record);
    await this.options.steps.forget(record.formId, record.id);
    return { submissionId: record.id, document, erasedAt, updates, bytes, snapshots: snapshotCount };
  }

  /** What the server keeps of the submissions of a form beside their sheets. */
  async eraseForm(formId: string): Promise<void> {
    await this.options.files.erase(formId);
    await this.options.store.eraseForm(formId);
    await this.options.steps.forget(formId);
  }

  /** @throws Problem `submission_not_found`, `submission_closed`, `validation_failed` */
  async addFile(principal: Principal, formId: string, id: string, upload: Upload): Promise<SubmissionFile> {
    const { record } = await this.#requireOpen(principal, formId, id);
    return this.options.files.add(principal, record, await this.options.sheets.form(record), upload);
  }

  /** @throws Problem `submission_not_found`, `file_not_found` */
  async file(formId: string, id: string, fileId: string): Promise<OpenedFile> {
    await this.options.store.require(formId, id);
    return this.options.files.open(formId, id, fileId);
  }

  /** What was abandoned goes on. @throws Problem `submission_not_found`, `submission_closed` */
  async #requireOpen(principal: Principal, formId: string, id: string): Promise<StoredSubmission> {
    return this.options.lifeCycle.reopen(principal, await this.options.store.require(formId, id));
  }
}
