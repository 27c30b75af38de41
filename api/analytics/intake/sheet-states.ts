/**
 * What analytics remembers of a sheet, between one look at it and the next.
 *
 *   analytics-sheet, <formId>, <submissionId>   its alias in the facts, and what the last look has seen
 *
 * It goes with the submission; from then on its facts name nobody.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { factSchema } from '../../../server/analytics/fact.js';
import type { RecordKey, RecordStore } from '../../../server/storage/record-store.js';

const stateSchema = z.object({
  alias: z.string(),
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
  /** It was abandoned, and nobody has come back since. */
  isLeft: z.boolean().default(false),
});
export type SheetState = z.infer<typeof stateSchema>;

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
      const value = Buffer.from(JSON.stringify(after));
      const written = await this.records.put(keyOf(formId, id), value, { ifVersion: stored?.version ?? null });
      if (written !== 'conflict') return after;
    }
  }

  async erase(formId: string, id: string): Promise<void> {
    await this.records.erase(keyOf(formId, id));
  }

  async eraseForm(formId: string): Promise<void> {
    await this.records.erase(['analytics-sheet', formId]);
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
  ...{ feed: '', fact: null, seen: {}, answered: [], answeredPages: [], wrong: [], isLeft: false },
});
const decode = (value: Uint8Array): SheetState => stateSchema.parse(JSON.parse(Buffer.from(value).toString()));
const keyOf = (formId: string, id: string): RecordKey => ['analytics-sheet', formId, id];
