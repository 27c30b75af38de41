/** Files of submissions: what they are stands in records, their bytes in the file store. Knows no HTTP. */
import type { Readable } from 'node:stream';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import { allFields, type FieldJson, type FormJson, type Json } from '../../../crdt/index.js';
import {
  checkAnswer,
  isFile,
  isOpenSheet,
  readAnswers,
  readSheetMeta,
  sheetFields,
  writeAnswers,
  type AnswerIssue,
  type AnswerValues,
} from '../../../crdt/submission/index.js';
import type { Principal } from '../../../server/auth/index.js';
import type { Rooms } from '../../../server/rooms/rooms.js';
import type { FileStore } from '../../../server/storage/file-store.js';
import type { RecordKey, RecordStore } from '../../../server/storage/record-store.js';
import { Problem } from '../../http/problem.js';
import { closed, type SubmissionRecord } from '../records/submission-record.js';
import { sheetDocument } from '../access/rights.js';

const fileSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** MIME type, as the client said. */
  type: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  fieldId: z.string(),
  /** Unix time in milliseconds. */
  uploadedAt: z.number(),
});
export type SubmissionFile = z.infer<typeof fileSchema>;

export interface Upload {
  readonly name: string;
  readonly type: string;
  readonly content: Readable;
  /** Asked when the content has been read, as it may come after it. @throws Problem */
  fieldId(): Promise<string>;
}

export interface OpenedFile {
  readonly file: SubmissionFile;
  /** @throws Problem `file_not_found` when its bytes went meanwhile */
  readonly content: () => Promise<Readable>;
}

const MAX_NAME_LENGTH = 255;

export class SubmissionFiles {
  constructor(
    private readonly files: FileStore,
    private readonly records: RecordStore,
    private readonly rooms: Rooms,
    private readonly clock: () => number,
    /** Of all files of one submission. */
    private readonly maxBytes: number,
  ) {}

  /**
   * Keeps the file and adds it to the answer of its field, unless that stands in a row of a group: whoever fills the row
   * puts it there.
   * @throws Problem `submission_closed`, `validation_failed` for a field or a file that will not do, `too_large` when the
   * files of the submission are too many bytes together
   */
  async add(principal: Principal, record: SubmissionRecord, form: FormJson, upload: Upload): Promise<SubmissionFile> {
    const { formId, id: submissionId } = record;
    const fileId = uuidv7();
    const name = { formId, submissionId, fileId };
    if ((await this.#bytesOf(formId, submissionId)) >= this.maxBytes) throw this.#isFull();
    const { bytes, sha256 } = await this.files.write(name, upload.content);
    try {
      const fieldId = await upload.fieldId();
      const field = fileField(form, fieldId);
      const file = { id: fileId, name: plainName(upload.name), type: upload.type, bytes };
      requireAccepted(field, file);
      const kept: SubmissionFile = { ...file, sha256, fieldId, uploadedAt: this.clock() };
      await this.records.put(keyOf(formId, submissionId, fileId), Buffer.from(JSON.stringify(kept)));
      // With its own, so that of several at once none slips through.
      if ((await this.#bytesOf(formId, submissionId)) > this.maxBytes) throw this.#isFull();
      if (sheetFields(form).some(({ id }) => id === fieldId)) {
        await this.rooms.edit(
          sheetDocument(formId, submissionId),
          principal,
          (doc) => {
            if (!isOpenSheet(readSheetMeta(doc))) throw closed({ id: submissionId, status: readSheetMeta(doc).status });
            const given = readAnswers(doc)[fieldId];
            writeAnswers(doc, { [fieldId]: [...(Array.isArray(given) ? given : []), file] });
          },
          { source: 'rest' },
        );
      } else if (!(await this.rooms.exists(sheetDocument(formId, submissionId)))) {
        throw new Problem('submission_not_found', `The submission "${submissionId}" was erased.`);
      }
      return kept;
    } catch (error) {
      await this.records.erase(keyOf(formId, submissionId, fileId));
      await this.files.delete(name);
      throw error;
    }
  }

  /** @throws Problem `file_not_found` */
  async open(formId: string, submissionId: string, fileId: string): Promise<OpenedFile> {
    const missing = new Problem('file_not_found', `The submission has no file "${fileId}".`);
    const file = await this.#find(formId, submissionId, fileId);
    if (file === undefined) throw missing;
    const content = async (): Promise<Readable> => {
      const stored = await this.files.read({ formId, submissionId, fileId });
      if (stored === undefined) throw missing;
      return stored;
    };
    return { file, content };
  }

  /** Files that answers name and nobody has uploaded, or that are not what the answers say. */
  async unknownFiles(form: FormJson, submissionId: string, answers: AnswerValues): Promise<AnswerIssue[]> {
    const issues: AnswerIssue[] = [];
    for (const [field, path, value] of fileAnswers(form, answers)) {
      for (const item of Array.isArray(value) ? value : []) {
        if (!isFile(item)) continue;
        const known = await this.#find(form.id, submissionId, item.id);
        if (known?.name === item.name && known.type === item.type && known.bytes === item.bytes) continue;
        issues.push({ field: field.id, path, code: 'type', message: 'names a file that was not uploaded' });
      }
    }
    return issues;
  }

  async erase(formId: string, submissionId?: string): Promise<void> {
    await this.records.erase(submissionId === undefined ? ['submission-file', formId] : keyOf(formId, submissionId));
    await this.files.erase(submissionId === undefined ? { formId } : { formId, submissionId });
  }

  async #bytesOf(formId: string, submissionId: string): Promise<number> {
    let bytes = 0;
    for await (const { value } of this.records.scan(keyOf(formId, submissionId))) bytes += decoded(value).bytes;
    return bytes;
  }

  #isFull(): Problem {
    return new Problem('too_large', `The files of one submission have at most ${this.maxBytes} bytes together.`);
  }

  async #find(formId: string, submissionId: string, fileId: string): Promise<SubmissionFile | undefined> {
    const found = await this.records.get(keyOf(formId, submissionId, fileId));
    return found === undefined ? undefined : decoded(found.value);
  }
}

const keyOf = (formId: string, ...rest: string[]): RecordKey => ['submission-file', formId, ...rest];
const decoded = (value: Uint8Array): SubmissionFile => fileSchema.parse(JSON.parse(Buffer.from(value).toString()));
const takesFiles = ({ type }: FieldJson): boolean => type === 'file' || type === 'signature';

/** @throws Problem `validation_failed` */
function fileField(form: FormJson, fieldId: string): FieldJson {
  const field = form.pages.flatMap((page) => allFields(page.fields)).find(({ id }) => id === fieldId);
  if (field !== undefined && takesFiles(field)) return field;
  const message = field === undefined ? 'is not a field of this version' : 'takes no files';
  throw new Problem('validation_failed', `${fieldId} ${message}.`, { errors: [{ path: 'fieldId', message }] });
}

/** How many there are is asked on submit. @throws Problem `validation_failed`, `too_large` */
function requireAccepted(field: FieldJson, file: { id: string; name: string; type: string; bytes: number }): void {
  const issues = checkAnswer(field, [file]).filter(({ code }) => code === 'accept' || code === 'maxBytes');
  const [first] = issues;
  if (first === undefined) return;
  const errors = issues.map(({ message }) => ({ path: 'file', message }));
  const isTooLarge = issues.every(({ code }) => code === 'maxBytes');
  throw new Problem(isTooLarge ? 'too_large' : 'validation_failed', `The file ${first.message}.`, { errors });
}

function fileAnswers(form: FormJson, answers: AnswerValues): [FieldJson, string, Json][] {
  const found: [FieldJson, string, Json][] = [];
  const visit = (fields: readonly FieldJson[], values: unknown, path: string): void => {
    if (typeof values !== 'object' || values === null) return;
    for (const field of fields) {
      const value = (values as Record<string, Json | undefined>)[field.id];
      if (value !== undefined && takesFiles(field)) found.push([field, `${path}.${field.id}`, value]);
      if (field.fields === undefined) continue;
      if (field.repeat === undefined) visit(field.fields, values, path);
      else if (Array.isArray(value))
        value.forEach((row, i) => visit(field.fields ?? [], row, `${path}.${field.id}.${i}`));
    }
  };
  for (const page of form.pages) visit(page.fields, answers, 'answers');
  return found;
}

/** Without folders and control characters. */
function plainName(name: string): string {
  const [last = ''] = name.split(/[/\\]/).slice(-1);

  const plain = last
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '')
    .slice(0, MAX_NAME_LENGTH);
  return plain === '' ? 'file' : plain;
}
