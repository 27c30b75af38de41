/** Alerts at rest, `alert/<id>`: the open ones, and those that were resolved within 30 days. */
import type { RecordStore } from '../storage/record-store.js';
import { alertSchema, type Alert } from './alert.js';

const PREFIX = 'alert';
const KEPT_MS = 30 * 24 * 3_600_000;

export class AlertStore {
  constructor(private readonly records: RecordStore) {}

  async get(id: string): Promise<Alert | undefined> {
    const record = await this.records.get([PREFIX, id]);
    return record === undefined ? undefined : decode(record.value);
  }

  /** Newest first; before `cursor` (an id) when given. */
  async *newestFirst(cursor?: string): AsyncIterable<Alert> {
    const after = cursor === undefined ? {} : { after: [PREFIX, cursor] as const };
    for await (const { value } of this.records.scan([PREFIX], { reverse: true, ...after })) yield decode(value);
  }

  /** Answers what is stored now. `first` counts when nothing is; `change` may run again when another came first. */
  async change(first: Alert, change: (alert: Alert) => Alert): Promise<Alert> {
    for (;;) {
      const record = await this.records.get([PREFIX, first.id]);
      const before = record === undefined ? first : decode(record.value);
      const changed = change(before);
      if (record !== undefined && changed === before) return before;
      const put = await this.records.put([PREFIX, first.id], Buffer.from(JSON.stringify(changed)), {
        ifVersion: record?.version ?? null,
        ...(changed.resolvedAt === null ? {} : { expiresAt: changed.resolvedAt + KEPT_MS }),
      });
      if (put !== 'conflict') return changed;
    }
  }
}

const decode = (value: Uint8Array): Alert => alertSchema.parse(JSON.parse(Buffer.from(value).toString()));
