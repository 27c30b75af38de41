/**
 * The list of forms. What a list shows of a form is kept beside its log under the number of its updates, so that a list
 * opens only documents that changed since: a cache that can't be wrong for long, and that needs no hook in the hot path.
 */
import { z } from 'zod';
import { project, type FormJson } from '../../crdt/index.js';
import { documentKind } from '../../server/protocol/document-name.js';
import type { Rooms } from '../../server/rooms/rooms.js';
import { DocumentErasedError } from '../../server/storage/errors.js';
import type { DocumentInfo, DocumentLog } from '../../server/storage/document-log.js';
import type { RecordStore } from '../../server/storage/record-store.js';
import type { FormVersions } from './versions.js';

const cachedSchema = z.object({
  epoch: z.string(),
  updates: z.number(),
  title: z.record(z.string(), z.string()),
  languages: z.array(z.string()),
  pages: z.number(),
  fields: z.number(),
});
type Cached = z.infer<typeof cachedSchema>;

export interface FormSummary {
  readonly id: string;
  readonly title: Readonly<Record<string, string>>;
  readonly languages: readonly string[];
  readonly status: 'draft' | 'published';
  readonly version: number | null;
  readonly pages: number;
  readonly fields: number;
  /** Unix times in milliseconds. */
  readonly createdAt: number;
  readonly changedAt: number;
  readonly connections: number;
}

export interface SummaryFilter {
  readonly q?: string | undefined;
  readonly status?: 'draft' | 'published' | undefined;
  maySee(document: string): boolean;
}

export class FormSummaries {
  constructor(
    private readonly rooms: Rooms,
    private readonly log: DocumentLog,
    private readonly records: RecordStore,
    private readonly versions: FormVersions,
  ) {}

  /** Ordered by id. */
  async list(
    filter: SummaryFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<{ data: FormSummary[]; nextCursor: string | null }> {
    const data: FormSummary[] = [];
    const wanted = filter.q?.trim().toLowerCase();
    let after = page.cursor === null ? null : `form/${page.cursor}`;
    for (;;) {
      const found = await this.log.list('form/', after, Math.max(50, page.limit));
      for (const info of found.data) {
        const kind = documentKind(info.document);
        if (kind.kind !== 'form' || !filter.maySee(info.document)) continue;
        const summary = await this.#summary(kind.formId, info).catch(unlessErased);
        if (summary === undefined) continue;
        if (filter.status !== undefined && summary.status !== filter.status) continue;
        const isFound =
          wanted === undefined || Object.values(summary.title).some((text) => text.toLowerCase().includes(wanted));
        if (!isFound) continue;
        if (data.length === page.limit) return { data, nextCursor: data[data.length - 1]?.id ?? null };
        data.push(summary);
      }
      if (found.nextCursor === null) return { data, nextCursor: null };
      after = found.nextCursor;
    }
  }

  async #summary(formId: string, info: DocumentInfo): Promise<FormSummary> {
    const [cached, latest] = await Promise.all([this.#cached(formId, info), this.versions.latest(formId)]);
    const connections = (await this.rooms.info(info.document))?.connections ?? 0;
    return {
      id: formId,
      title: cached.title,
      languages: cached.languages,
      status: latest === undefined ? 'draft' : 'published',
      version: latest?.version ?? null,
      pages: cached.pages,
      fields: cached.fields,
      createdAt: info.createdAt,
      changedAt: info.changedAt,
      connections,
    };
  }

  async #cached(formId: string, info: DocumentInfo): Promise<Cached> {
    const stored = await this.records.get(['form-summary', formId]);
    if (stored !== undefined) {
      const known = cachedSchema.safeParse(JSON.parse(Buffer.from(stored.value).toString()));
      if (known.success && known.data.epoch === info.epoch && known.data.updates === info.updates) return known.data;
    }
    const form = await this.rooms.read(info.document, (doc) => project(doc, formId));
    const fresh: Cached = {
      epoch: info.epoch,
      updates: info.updates,
      title: form.title,
      languages: form.languages,
      pages: form.pages.length,
      fields: countFields(form),
    };
    await this.records.put(['form-summary', formId], Buffer.from(JSON.stringify(fresh)));
    // Erased meanwhile: its title must not come back.
    if (!(await this.rooms.exists(info.document))) await this.erase(formId);
    return fresh;
  }

  async erase(formId: string): Promise<void> {
    await this.records.erase(['form-summary', formId]);
  }
}

/** A form that is erased while the list is made is not in it. */
function unlessErased(error: unknown): undefined {
  if (!(error instanceof DocumentErasedError)) throw error;
}

function countFields(form: FormJson): number {
  const count = (fields: FormJson['pages'][number]['fields']): number =>
    fields.reduce((sum, field) => sum + 1 + count(field.fields ?? []), 0);
  return form.pages.reduce((sum, page) => sum + count(page.fields), 0);
}
