/** Which documents have changed since their last snapshot, in the store: a node that ends leaves no document behind. */
import { z } from 'zod';
import type { RecordKey, RecordStore } from '../storage/record-store.js';

const markSchema = z.object({
  /** When the first change came that no snapshot holds. Unix time in milliseconds. */
  since: z.number(),
});

export interface DueMark {
  readonly document: string;
  readonly since: number;
  /** Of the record. */
  readonly version: string;
}

const ROOT = 'snapshot-due';
const keyOf = (document: string): RecordKey => [ROOT, document];

export class DueMarks {
  constructor(private readonly records: RecordStore) {}

  /** Keeps a mark that is there already: its `since` is the older one. */
  async set(document: string, since: number): Promise<void> {
    await this.records.put(keyOf(document), Buffer.from(JSON.stringify({ since })), { ifVersion: null });
  }

  async get(document: string): Promise<DueMark | undefined> {
    const record = await this.records.get(keyOf(document));
    return record === undefined ? undefined : parsed(record);
  }

  /** A mark that somebody has set anew meanwhile stays. */
  async clear({ document, version }: DueMark): Promise<void> {
    await this.records.delete(keyOf(document), { ifVersion: version });
  }

  async erase(document: string): Promise<void> {
    await this.records.delete(keyOf(document));
  }

  async *all(): AsyncGenerator<DueMark> {
    for await (const record of this.records.scan([ROOT])) yield parsed(record);
  }
}

function parsed({ key, value, version }: { key: RecordKey; value: Uint8Array; version: string }): DueMark {
  const { since } = markSchema.parse(JSON.parse(Buffer.from(value).toString()));
  return { document: key[1] ?? '', since, version };
}
