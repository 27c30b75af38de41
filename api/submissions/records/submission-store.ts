/**
 * Submissions in the record store.
 *
 *   submission, <formId>, <submissionId>              the record; ids are ordered by the time of their start
 *   submission-resume, <formId>, <SHA-256 of token>   the submission that a resume token opens
 *   submission-unique, <formId>, <fieldId>, <SHA-256 of value>   the submission that has handed in this value
 *   submission-due, <time>, <formId>, <submissionId>  when it is asked whether it was abandoned
 */
import { createHash, randomBytes } from 'node:crypto';
import type { RecordKey, RecordStore } from '../../../server/storage/record-store.js';
import type { Json } from '../../../crdt/index.js';
import { Problem } from '../../http/problem.js';
import { submissionRecordSchema, type SubmissionRecord } from './submission-record.js';

export interface StoredSubmission {
  readonly record: SubmissionRecord;
  /** For compare-and-set. */
  readonly revision: string;
}

/** A place in the list of submissions that may have been abandoned. */
export interface DueSubmission {
  /** Unix time in milliseconds. */
  readonly dueAt: number;
  readonly formId: string;
  readonly id: string;
}

const DUE_DIGITS = 15;

/** Names its form, so that whoever holds it can be found without a search: `<formId>.<secret>`. */
const RESUME_TOKEN = /^([A-Za-z0-9_-]{1,64})\.[A-Za-z0-9_-]{43}$/;

export const newResumeToken = (formId: string): string => `${formId}.${randomBytes(32).toString('base64url')}`;
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

export class SubmissionStore {
  constructor(private readonly records: RecordStore) {}

  async get(formId: string, id: string): Promise<StoredSubmission | undefined> {
    const stored = await this.records.get(keyOf(formId, id));
    return stored === undefined ? undefined : { record: decode(stored.value), revision: stored.version };
  }

  /** @throws Problem `submission_not_found` */
  async require(formId: string, id: string): Promise<StoredSubmission> {
    const found = await this.get(formId, id);
    if (found === undefined) throw new Problem('submission_not_found', `The form has no submission "${id}".`);
    return found;
  }

  /** @param resume the digest of its resume token */
  async create(record: SubmissionRecord): Promise<void> {
    await this.#putDue(record);
    await this.records.put(resumeKey(record.formId, record.resume), Buffer.from(record.id));
    await this.records.put(keyOf(record.formId, record.id), encode(record), { ifVersion: null });
  }

  /** False when somebody else has changed it since it was read. */
  async replace({ record: before, revision }: StoredSubmission, record: SubmissionRecord): Promise<boolean> {
    // First: a place in the list that leads nowhere is dropped, a sheet without one would never be asked about.
    if (record.dueAt !== before.dueAt) await this.#putDue(record);
    const written = await this.records.put(keyOf(record.formId, record.id), encode(record), { ifVersion: revision });
    if (written === 'conflict') return false;
    if (before.dueAt !== null && record.dueAt !== before.dueAt) await this.dropDue({ ...before, dueAt: before.dueAt });
    return true;
  }

  /** The first ones in the order of their time, until `now` (Unix time in milliseconds). */
  async due(now: number, limit: number): Promise<DueSubmission[]> {
    const due: DueSubmission[] = [];
    for await (const { key } of this.records.scan(['submission-due'], { limit })) {
      const [, time, formId = '', id = ''] = key;
      const dueAt = Number(time);
      if (dueAt > now) break;
      due.push({ dueAt, formId, id });
    }
    return due;
  }

  async dropDue(due: DueSubmission): Promise<void> {
    await this.records.delete(dueKey(due));
  }

  async #putDue({ dueAt, formId, id }: SubmissionRecord): Promise<void> {
    if (dueAt !== null) await this.records.put(dueKey({ dueAt, formId, id }), Buffer.of());
  }

  /** Newest first, from after the one with the id `after`. */
  async *scan(formId: string, after: string | null): AsyncGenerator<SubmissionRecord> {
    const from = after === null ? {} : { after: keyOf(formId, after) };
    for await (const { value } of this.records.scan(['submission', formId], { ...from, reverse: true })) {
      yield decode(value);
    }
  }

  /** Undefined when the token opens nothing. */
  async resumed(token: string): Promise<StoredSubmission | undefined> {
    const formId = RESUME_TOKEN.exec(token)?.[1];
    if (formId === undefined) return undefined;
    const found = await this.records.get(resumeKey(formId, digestOf(token)));
    if (found === undefined) return undefined;
    return this.get(formId, Buffer.from(found.value).toString());
  }

  /** False when another submission has handed in this value. */
  async claim(formId: string, fieldId: string, value: Json, submissionId: string): Promise<boolean> {
    const key = uniqueKey(formId, fieldId, value);
    const written = await this.records.put(key, Buffer.from(submissionId), { ifVersion: null });
    if (written !== 'conflict') return true;
    const claimed = await this.records.get(key);
    if (claimed === undefined) return this.claim(formId, fieldId, value, submissionId);
    const holder = Buffer.from(claimed.value).toString();
    if (holder === submissionId) return true;
    if ((await this.get(formId, holder)) !== undefined) return false;
    // Its submission was erased before it was handed in: nobody holds it any more.
    const taken = await this.records.put(key, Buffer.from(submissionId), { ifVersion: claimed.version });
    return taken !== 'conflict';
  }

  async release(formId: string, fieldId: string, value: Json, submissionId: string): Promise<void> {
    const key = uniqueKey(formId, fieldId, value);
    const claimed = await this.records.get(key);
    if (claimed !== undefined && Buffer.from(claimed.value).toString() === submissionId) await this.records.erase(key);
  }

  /** The bytes leave the medium. Claims are released by who knows the form. */
  async erase(record: SubmissionRecord): Promise<void> {
    await this.records.erase(resumeKey(record.formId, record.resume));
    if (record.dueAt !== null) await this.records.erase(dueKey({ ...record, dueAt: record.dueAt }));
    await this.records.erase(keyOf(record.formId, record.id));
  }

  /** Everything of all submissions of a form. Answers how many there were. */
  async eraseForm(formId: string): Promise<number> {
    await this.records.erase(['submission-resume', formId]);
    await this.records.erase(['submission-unique', formId]);
    for await (const { dueAt, id } of this.scan(formId, null)) {
      if (dueAt !== null) await this.records.erase(dueKey({ dueAt, formId, id }));
    }
    return this.records.erase(['submission', formId]);
  }
}

const keyOf = (formId: string, id: string): RecordKey => ['submission', formId, id];
const resumeKey = (formId: string, digest: string): RecordKey => ['submission-resume', formId, digest];
const uniqueKey = (formId: string, fieldId: string, value: Json): RecordKey => [
  'submission-unique',
  formId,
  fieldId,
  digestOf(JSON.stringify(value)),
];
const dueKey = ({ dueAt, formId, id }: DueSubmission): RecordKey => [
  'submission-due',
  String(dueAt).padStart(DUE_DIGITS, '0'),
  formId,
  id,
];
const encode = (record: SubmissionRecord): Buffer => Buffer.from(JSON.stringify(record));
const decode = (value: Uint8Array): SubmissionRecord =>
  submissionRecordSchema.parse(JSON.parse(Buffer.from(value).toString()));
