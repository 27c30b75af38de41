/** Published versions of forms: immutable, numbered from 1, with what changed and what that means for answers. */
import { z } from 'zod';
import { diffForms, formSchema, impactOf, type FormChange, type FormJson, type Impact } from '../../crdt/index.js';
import type { RecordKey, RecordStore } from '../../server/storage/record-store.js';
import { Problem } from '../http/problem.js';

const storedSchema = z.object({
  version: z.number(),
  publishedAt: z.number(),
  publishedBy: z.string(),
  changes: z.number(),
  form: formSchema,
});
export type PublishedVersion = z.infer<typeof storedSchema>;

export interface Publication {
  readonly version: number;
  /** Unix time in milliseconds; null for a dry run. */
  readonly publishedAt: number | null;
  readonly changes: readonly FormChange[];
  readonly impact: readonly Impact[];
}

export class FormVersions {
  constructor(
    private readonly records: RecordStore,
    private readonly clock: () => number,
  ) {}

  async latest(formId: string): Promise<PublishedVersion | undefined> {
    for await (const { value } of this.records.scan(['form-version', formId], { reverse: true, limit: 1 }))
      return decode(value);
    return undefined;
  }

  /** Its number, without reading it; 0 when there is none. */
  async newest(formId: string): Promise<number> {
    for await (const { key } of this.records.scan(['form-version', formId], { reverse: true, limit: 1 }))
      return Number(key[2]);
    return 0;
  }

  async get(formId: string, version: number): Promise<PublishedVersion | undefined> {
    const record = await this.records.get(keyOf(formId, version));
    return record === undefined ? undefined : decode(record.value);
  }

  /** Newest first. */
  async list(
    formId: string,
    page: { limit: number; cursor: string | null },
  ): Promise<{ data: PublishedVersion[]; nextCursor: string | null }> {
    const data: PublishedVersion[] = [];
    const after = page.cursor === null ? {} : { after: ['form-version', formId, page.cursor] as const };
    for await (const { value } of this.records.scan(['form-version', formId], {
      ...after,
      reverse: true,
      limit: page.limit + 1,
    })) {
      data.push(decode(value));
    }
    if (data.length <= page.limit) return { data, nextCursor: null };
    data.pop();
    const last = data[data.length - 1];
    return { data, nextCursor: last === undefined ? null : padded(last.version) };
  }

  async preview(form: FormJson): Promise<Publication> {
    const before = await this.latest(form.id);
    const diff = diffForms(before?.form ?? empty(form.id), form);
    return {
      version: (before?.version ?? 0) + 1,
      publishedAt: null,
      changes: diff.changes,
      impact: before === undefined ? [] : impactOf(diff, before.form),
    };
  }

  /** @throws Problem `conflict` when somebody else published at the same moment. */
  async publish(form: FormJson, principal: string): Promise<Publication> {
    const preview = await this.preview(form);
    const publishedAt = this.clock();
    const stored: PublishedVersion = {
      version: preview.version,
      publishedAt,
      publishedBy: principal,
      changes: preview.changes.length,
      form,
    };
    const written = await this.records.put(keyOf(form.id, preview.version), Buffer.from(JSON.stringify(stored)), {
      ifVersion: null,
    });
    if (written === 'conflict') throw new Problem('conflict', `Version ${preview.version} was published meanwhile.`);
    return { ...preview, publishedAt };
  }

  /** Answers how many there were. */
  async erase(formId: string): Promise<number> {
    return this.records.erase(['form-version', formId]);
  }
}

const empty = (id: string): FormJson => ({ id, title: {}, description: {}, languages: [], settings: {}, pages: [] });
/** So that the order of keys is that of numbers. */
const padded = (version: number): string => String(version).padStart(10, '0');
const keyOf = (formId: string, version: number): RecordKey => ['form-version', formId, padded(version)];
const decode = (value: Uint8Array): PublishedVersion => storedSchema.parse(JSON.parse(Buffer.from(value).toString()));
