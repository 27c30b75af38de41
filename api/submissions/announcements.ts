/** What the event feed is told of submissions. Never an answer: events outlive an erasure. */
import { LRUCache } from 'lru-cache';
import type { SubmissionStatus } from '../../crdt/submission/index.js';
import type { EventPublisher } from '../../server/events/index.js';
import type { SubmissionRecord } from './records/submission-record.js';
import { sheetDocument } from './access/rights.js';
import type { SubmissionView } from './sheets.js';

const REMEMBERED = 10_000;

export const eventTypeOf = (status: SubmissionStatus): string =>
  status === 'submitted' ? 'submission.submitted' : 'submission.status';

export class Announcements {
  /** What was last told of a sheet: somebody who types is not news with every key. */
  readonly #told = new LRUCache<string, string>({ max: REMEMBERED });

  /** @param onStatus a record has another status, which its sheet may have told before */
  constructor(
    private readonly events: EventPublisher,
    private readonly onStatus: (document: string) => void,
  ) {}

  async started(record: SubmissionRecord): Promise<void> {
    await this.#publish('submission.started', record, record.startedBy.id, { version: record.version });
  }

  async progressed({ record, progress }: SubmissionView, userId: string): Promise<void> {
    const { percent, answered, required, visible, errors } = progress;
    const data = { percent, answered, required, visible, errors };
    const told = JSON.stringify(data);
    if (this.#told.get(record.id) === told) return;
    this.#told.set(record.id, told);
    await this.#publish('submission.progress', record, userId, data);
  }

  async statusChanged(record: SubmissionRecord, userId: string): Promise<void> {
    const { status, version } = record;
    this.onStatus(sheetDocument(record.formId, record.id));
    await this.#publish(eventTypeOf(status), record, userId, { status, version });
  }

  async abandoned(record: SubmissionRecord): Promise<void> {
    this.onStatus(sheetDocument(record.formId, record.id));
    await this.#publish('submission.abandoned', record, record.startedBy.id, { version: record.version });
  }

  async resumed(record: SubmissionRecord, userId: string): Promise<void> {
    this.onStatus(sheetDocument(record.formId, record.id));
    await this.#publish('submission.resumed', record, userId, { version: record.version });
  }

  async migrated(record: SubmissionRecord, userId: string, from: number): Promise<void> {
    this.onStatus(sheetDocument(record.formId, record.id));
    await this.#publish('submission.migrated', record, userId, { from, to: record.version });
  }

  async erased(record: SubmissionRecord, userId: string): Promise<void> {
    await this.#publish('submission.erased', record, userId, {});
  }

  async #publish(
    type: string,
    { formId, id, startedBy }: SubmissionRecord,
    userId: string,
    data: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const document = sheetDocument(formId, id);
    const owner = startedBy.id;
    await this.events.publish({ type, formId, document, userId, owner, data: { submissionId: id, ...data } });
  }
}
