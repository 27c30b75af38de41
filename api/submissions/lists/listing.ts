/** Many submissions at once: pages of a list, and exports that are read while they are written. */
import type { Json } from '../../../crdt/index.js';
import { sheetFields, takesAnswer, type AnswerValues, type SubmissionStatus } from '../../../crdt/submission/index.js';
import { can, type Principal } from '../../../server/auth/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import { requireForm } from '../../forms/required-form.js';
import type { FormVersions } from '../../forms/versions.js';
import { timeOf } from '../../http/pages.js';
import { Problem } from '../../http/problem.js';
import { csvRow } from './csv.js';
import { sheetDocument } from '../access/rights.js';
import type { Sheets, SubmissionView } from '../sheets.js';
import type { SubmissionRecord } from '../records/submission-record.js';
import type { SubmissionStore } from '../records/submission-store.js';

export interface SubmissionFilter {
  readonly status: SubmissionStatus | undefined;
  /** Unix time in milliseconds: started, or changed its status, then or later. */
  readonly since: number | undefined;
  /** What an answer must be, as text; in a list one item will do. */
  readonly fields: ReadonlyMap<string, string>;
}

const PAGE_OF_VERSIONS = 100;
const GONE: ReadonlySet<string> = new Set(['submission_not_found', 'version_not_found']);
const FACTS = ['id', 'version', 'status', 'startedAt', 'submittedAt', 'startedBy'] as const;

export class SubmissionListing {
  constructor(
    private readonly store: SubmissionStore,
    private readonly sheets: Sheets,
    private readonly versions: FormVersions,
    private readonly rooms: Rooms,
  ) {}

  /** @throws Problem `form_not_found` */
  requireForm(formId: string): Promise<void> {
    return requireForm(this.rooms, formId);
  }

  /** Newest first, only what the principal may read. @throws Problem `form_not_found` */
  async page(
    principal: Principal,
    formId: string,
    filter: SubmissionFilter,
    { limit, cursor }: { readonly limit: number; readonly cursor: string | null },
  ): Promise<{ data: SubmissionView[]; nextCursor: string | null }> {
    await this.requireForm(formId);
    const data: SubmissionView[] = [];
    for await (const view of this.#views(principal, formId, filter, cursor)) {
      if (data.length === limit) return { data, nextCursor: data[limit - 1]?.record.id ?? null };
      data.push(view);
    }
    return { data, nextCursor: null };
  }

  async *ndjson(principal: Principal, formId: string, filter: SubmissionFilter): AsyncGenerator<string> {
    for await (const view of this.#views(principal, formId, filter, null)) {
      const { record, answers, calculated } = view;
      yield `${JSON.stringify({ ...factsOf(record), answers, calculated })}\n`;
    }
  }

  /** A column for each field that any version asks for, by id; calculated ones too. */
  async *csv(principal: Principal, formId: string, filter: SubmissionFilter): AsyncGenerator<string> {
    const columns = await this.#columns(formId);
    yield csvRow([...FACTS, ...columns]);
    for await (const { record, answers, calculated } of this.#views(principal, formId, filter, null)) {
      const facts = factsOf(record);
      const values: AnswerValues = { ...answers, ...calculated };
      yield csvRow([...FACTS.map((fact) => facts[fact]), ...columns.map((id): Json | undefined => values[id])]);
    }
  }

  async #columns(formId: string): Promise<string[]> {
    const columns = new Set<string>();
    for (let cursor: string | null = null; ;) {
      const page: Awaited<ReturnType<FormVersions['list']>> = await this.versions.list(formId, {
        limit: PAGE_OF_VERSIONS,
        cursor,
      });
      for (const field of page.data.flatMap(({ form }) => sheetFields(form)))
        if (takesAnswer(field) || field.type === 'calculated') columns.add(field.id);
      if (page.nextCursor === null) return [...columns];
      cursor = page.nextCursor;
    }
  }

  async *#views(
    principal: Principal,
    formId: string,
    filter: SubmissionFilter,
    cursor: string | null,
  ): AsyncGenerator<SubmissionView> {
    for await (const record of this.store.scan(formId, cursor)) {
      if (!can(principal, sheetDocument(formId, record.id), 'read')) continue;
      if (filter.status !== undefined && record.status !== filter.status) continue;
      if (filter.since !== undefined && record.changedAt < filter.since) continue;
      const view = await this.#view(record);
      if (view === undefined) continue;
      if ([...filter.fields].every(([id, wanted]) => isAnswer(view.answers[id] ?? view.calculated[id], wanted)))
        yield view;
    }
  }

  /** Undefined when it was erased meanwhile: the others are listed all the same. */
  async #view(record: SubmissionRecord): Promise<SubmissionView | undefined> {
    try {
      return await this.sheets.view(record);
    } catch (error) {
      if (error instanceof Problem && GONE.has(error.code)) return undefined;
      throw error;
    }
  }
}

function factsOf(record: SubmissionRecord): Record<(typeof FACTS)[number], string | number | null> {
  return {
    id: record.id,
    version: record.version,
    status: record.status,
    startedAt: timeOf(record.startedAt),
    submittedAt: record.submittedAt === null ? null : timeOf(record.submittedAt),
    startedBy: record.startedBy.id,
  };
}

function isAnswer(value: Json | undefined, wanted: string): boolean {
  if (value === undefined || value === null) return wanted === '';
  if (Array.isArray(value)) return value.some((item) => isAnswer(item, wanted));
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)) === wanted;
}
