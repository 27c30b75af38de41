/**
 * What analytics remembers of a sheet, between one look at it and the next.
 *
 *   analytics-sheet, <formId>, <submissionId>          its alias in the facts, and what the last look has seen
 *   analytics-due, <time>, <formId>, <submissionId>    when it is to be asked whether the sheet was abandoned
 *
 * Both go with the submission; from then on its facts name nobody.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { factSchema } from '../../../server/analytics/fact.js';
import type { RecordKey, RecordStore } from '../../../server/storage/record-store.js';

const stateSchema = z.object({
  alias: z.string(),
  /** Unix time in milliseconds. */
  lastAt: z.number(),
  /** Null once it was handed in or abandoned. */
  dueAt: z.number().nullable(),
  /** The last event of the feed that was worked on, and the fact that it became: it is appended after this was stored. */
  feed: z.string(),
  fact: factSchema.nullable(),
  /** Digest of the answer that was last seen, by field. */
  seen: z.record(z.string(), z.string()),
  answered: z.array(z.string()),
  answeredPages: z.array(z.string()),
  wrong: z.array(z.string()),
  /** Where it was last worked on. */
  page: z.string().optional(),
  field: z.string().optional(),
  /** The last fact of the form when it was found to be abandoned. */
  abandonedAfter: z.string().nullable(),
});
export type SheetState = z.infer<typeof stateSchema>;

export interface DueSheet {
  readonly dueAt: number;
  readonly formId: string;
  readonly submissionId: string;
}

const DIGITS = 15;

export class SheetStates {
  constructor(private readonly records: RecordStore) {}

  async get(formId: string, id: string): Promise<SheetState | undefined> {
    return (await this.#read(formId, id))?.state;
  }

  /** @param change answers the next state of what is there, or of a new one; undefined leaves it as it is */
  async update(formId: string, id: string, change: (state: SheetState) => SheetState | undefined): Promise<SheetState> {
    for (;;) {
      const stored = await this.#read(formId, id);
      const before = stored?.state ?? newState();
      const after = change(before);
      if (after === undefined) return before;
      // First: a place in the list that leads nowhere is dropped, a sheet without one would never be asked about.
      if (after.dueAt !== null && after.dueAt !== stored?.state.dueAt) {
        await this.records.put(dueKey({ dueAt: after.dueAt, formId, submissionId: id }), Buffer.of());
      }
      const value = Buffer.from(JSON.stringify(after));
      const written = await this.records.put(keyOf(formId, id), value, { ifVersion: stored?.version ?? null });
      if (written !== 'conflict') return after;
    }
  }

  async erase(formId: string, id: string): Promise<void> {
    const stored = await this.#read(formId, id);
    const dueAt = stored?.state.dueAt ?? null;
    if (dueAt !== null) await this.records.erase(dueKey({ dueAt, formId, submissionId: id }));
    await this.records.erase(keyOf(formId, id));
  }

  async eraseForm(formId: string): Promise<void> {
    for await (const { key, value } of this.records.scan(['analytics-sheet', formId])) {
      const { dueAt } = decode(value);
      if (dueAt !== null) await this.records.erase(dueKey({ dueAt, formId, submissionId: key[2] ?? '' }));
    }
    await this.records.erase(['analytics-sheet', formId]);
  }

  /** The first ones in the order of their time, until `now` (Unix time in milliseconds). */
  async due(now: number, limit: number): Promise<DueSheet[]> {
    const due: DueSheet[] = [];
    for await (const { key } of this.records.scan(['analytics-due'], { limit })) {
      const [, time, formId = '', submissionId = ''] = key;
      const dueAt = Number(time);
      if (dueAt > now) break;
      due.push({ dueAt, formId, submissionId });
    }
    return due;
  }

  async dropDue(due: DueSheet): Promise<void> {
    await this.records.erase(dueKey(due));
  }

  async #read(formId: string, id: string): Promise<{ state: SheetState; version: string } | undefined> {
    const stored = await this.records.get(keyOf(formId, id));
    return stored === undefined ? undefined : { state: decode(stored.value), version: stored.version };
  }
}

/** Names nobody. */
export const newAlias = (): string => randomBytes(9).toString('base64url');

const newState = (): SheetState => ({
  alias: newAlias(),
  ...{ lastAt: 0, dueAt: null, feed: '', fact: null },
  ...{ seen: {}, answered: [], answeredPages: [], wrong: [], abandonedAfter: null },
});
const decode = (value: Uint8Array): SheetState => stateSchema.parse(JSON.parse(Buffer.from(value).toString()));
const keyOf = (formId: string, id: string): RecordKey => ['analytics-sheet', formId, id];
const dueKey = ({ dueAt, formId, submissionId }: DueSheet): RecordKey => [
  'analytics-due',
  String(dueAt).padStart(DIGITS, '0'),
  formId,
  submissionId,
];
