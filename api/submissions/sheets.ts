/** Submissions as callers see them: the record, the live sheet, and what the pinned version of the form says to both. */
import { LRUCache } from 'lru-cache';
import type { FormJson } from '../../crdt/index.js';
import {
  inspectSheet,
  readAnswers,
  readSheetMeta,
  sheetFields,
  settledAnswers,
  type AnswerIssue,
  type AnswerValues,
  type SheetInspection,
} from '../../crdt/submission/index.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import { DocumentErasedError } from '../../server/storage/errors.js';
import type { FormVersions } from '../forms/versions.js';
import { etagOf } from '../http/etag.js';
import { Problem } from '../http/problem.js';
import { sheetDocument } from './access/rights.js';
import type { SubmissionRecord } from './records/submission-record.js';

export interface Progress {
  readonly percent: number;
  readonly answered: number;
  readonly required: number;
  readonly visible: number;
  readonly errors: number;
  /** The page that was last looked at, as long as it is on the way through the form; else the first. */
  readonly page: string | null;
  /** Unix time in milliseconds. */
  readonly updatedAt: number;
}

export interface SubmissionView {
  readonly record: SubmissionRecord;
  readonly answers: AnswerValues;
  readonly calculated: AnswerValues;
  readonly progress: Progress;
  readonly errors: readonly AnswerIssue[];
  readonly missing: readonly AnswerIssue[];
  /** A newer published version, for a sheet that is not handed in. */
  readonly offer: { readonly version: number } | null;
  readonly etag: string;
}

/** What a sheet says at one moment. */
export interface SheetContent {
  readonly answers: AnswerValues;
  readonly page: string | undefined;
}

const CACHED_FORMS = 200;

export const contentOf = (doc: Parameters<typeof readAnswers>[0]): SheetContent => ({
  answers: readAnswers(doc),
  page: readSheetMeta(doc).page,
});

export const etagOfSheet = ({ status, version, timeline }: SubmissionRecord, answers: AnswerValues): string =>
  etagOf([status, version, timeline.length, answers]);

export class Sheets {
  /** Published versions never change. */
  readonly #forms = new LRUCache<string, FormJson>({ max: CACHED_FORMS });

  constructor(
    private readonly rooms: Rooms,
    private readonly versions: FormVersions,
  ) {}

  /** @throws Problem `version_not_found` */
  async form({ formId, version }: Pick<SubmissionRecord, 'formId' | 'version'>): Promise<FormJson> {
    const key = `${formId} ${version}`;
    const known = this.#forms.get(key);
    if (known !== undefined) return known;
    const found = await this.versions.get(formId, version);
    if (found === undefined) throw new Problem('version_not_found', `The form "${formId}" has no version ${version}.`);
    this.#forms.set(key, found.form);
    return found.form;
  }

  /** @throws Problem `submission_not_found` when its document was erased by itself */
  async content({ formId, id, final }: SubmissionRecord): Promise<SheetContent> {
    if (final !== null) return { answers: final.answers, page: undefined };
    try {
      return await this.rooms.read(sheetDocument(formId, id), contentOf);
    } catch (error) {
      if (!(error instanceof DocumentErasedError)) throw error;
      throw new Problem('submission_not_found', `The submission "${id}" was erased.`, { cause: error });
    }
  }

  async #offer({ formId, version }: SubmissionRecord): Promise<{ version: number } | null> {
    const newest = await this.versions.newest(formId);
    return newest > version ? { version: newest } : null;
  }

  async view(record: SubmissionRecord, content?: SheetContent): Promise<SubmissionView> {
    const form = await this.form(record);
    const { answers, page } = content ?? (await this.content(record));
    const inspection = inspectSheet(form, answers);
    // Lists of what was handed in need no room at all.
    const isOpen = record.final === null;
    const info = isOpen ? await this.rooms.info(sheetDocument(record.formId, record.id)) : undefined;
    const known = new Set(sheetFields(form).map(({ id }) => id));
    return {
      record,
      // What a client wrote under names of its own is no answer.
      answers: Object.fromEntries(Object.entries(answers).filter(([id]) => known.has(id))),
      calculated: record.final?.calculated ?? settledAnswers(form, inspection.state).calculated,
      progress: progressOf(inspection, page, Math.max(record.changedAt, info?.changedAt ?? 0)),
      errors: inspection.errors,
      missing: inspection.missing,
      offer: isOpen ? await this.#offer(record) : null,
      etag: etagOfSheet(record, answers),
    };
  }
}

function progressOf(inspection: SheetInspection, page: string | undefined, updatedAt: number): Progress {
  const { percent, answered, required, visible, errors, state } = inspection;
  const isOnTheWay = page !== undefined && state.pages.includes(page);
  return {
    percent,
    answered,
    required,
    visible,
    errors: errors.length,
    page: isOnTheWay ? page : (state.pages[0] ?? null),
    updatedAt,
  };
}
