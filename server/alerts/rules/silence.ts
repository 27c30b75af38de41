/** Silences, `alert-silence/<id>`: alerts that fit are kept, but nobody is told of them until a time. */
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import type { RecordStore } from '../../storage/record-store.js';

const PREFIX = 'alert-silence';

const silenceSchema = z.object({
  id: z.string(),
  /** Every one of these labels must have this value; `rule`, `severity`, `node` and the groups of a rule are labels. */
  labels: z.record(z.string(), z.string()),
  comment: z.string(),
  /** Unix time in milliseconds. */
  until: z.number(),
  createdAt: z.number(),
  createdBy: z.string(),
});
export type Silence = z.infer<typeof silenceSchema>;

export class SilenceStore {
  #silences: readonly Silence[] = [];

  constructor(private readonly records: RecordStore) {}

  /** Reads what others have changed. */
  async refresh(): Promise<void> {
    const silences: Silence[] = [];
    for await (const { value } of this.records.scan([PREFIX])) {
      silences.push(silenceSchema.parse(JSON.parse(Buffer.from(value).toString())));
    }
    this.#silences = silences;
  }

  /** In force at `now`, oldest first. */
  all(now: number): Silence[] {
    return this.#silences.filter(({ until }) => until > now);
  }

  /** Whether one of them keeps an alert with these labels quiet. */
  covers(labels: Readonly<Record<string, string>>, now: number): boolean {
    return this.all(now).some((silence) =>
      Object.entries(silence.labels).every(([label, value]) => labels[label] === value),
    );
  }

  async add(content: Omit<Silence, 'id'>): Promise<Silence> {
    const silence = { id: uuidv7(), ...content };
    await this.records.put([PREFIX, silence.id], Buffer.from(JSON.stringify(silence)), { expiresAt: silence.until });
    await this.refresh();
    return silence;
  }

  /** False when there was none. */
  async delete(id: string): Promise<boolean> {
    const isDeleted = (await this.records.delete([PREFIX, id])) === true;
    await this.refresh();
    return isDeleted;
  }
}
