/**
 * Answers that are kept for requests with an `Idempotency-Key`. They may hold content, so they lie with what they are
 * about, where an erasure finds them:
 *
 *   idempotency-answer / document / part / caller / key
 *
 * `document` is `form/<id>` for everything of a form, else the name of a document; `part` is the id of a submission,
 * `comments`, or empty; `key` is a digest of the idempotency key.
 */
import { z } from 'zod';
import { documentKind } from '../../server/protocol/document-name.js';
import type { RecordKey, RecordStore } from '../../server/storage/record-store.js';

export const answerSchema = z.object({
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  /** Encrypted (`answer-seal.ts`), in base64. */
  body: z.string(),
  /** Digest of the body that was answered, when it was streamed. */
  content: z.string().optional(),
});
export type KeptAnswer = z.infer<typeof answerSchema>;

export const subjectSchema = z.tuple([z.string(), z.string()]);
export type Subject = z.infer<typeof subjectSchema>;

const ANSWER = 'idempotency-answer';
const FORM_PATH = /^\/api\/v1\/forms\/([A-Za-z0-9_-]+)(?:\/(?:submissions\/([A-Za-z0-9_-]+)|(threads)))?/;
const DOCUMENT_PATH = /^\/api\/v1\/documents\/([^/?]+)/;

export class KeptAnswers {
  constructor(
    private readonly records: RecordStore,
    /** Whether a document is there and not erased. */
    private readonly exists: (document: string) => Promise<boolean>,
  ) {}

  async keep(subject: Subject, request: RecordKey, answer: KeptAnswer, expiresAt: number): Promise<void> {
    const key = keyOf(subject, request);
    await this.records.put(key, Buffer.from(JSON.stringify(answer)), { expiresAt });
    // Erased while the request was worked on: what `forget` did not find yet.
    if (!(await this.isThere(subject))) await this.records.erase(key);
  }

  /** What it is about is not erased. */
  isThere(subject: Subject): Promise<boolean> {
    return this.exists(documentOf(subject));
  }

  /** Undefined when there is none yet, and when what it was about is erased. */
  async find(subject: Subject, request: RecordKey): Promise<KeptAnswer | undefined> {
    const record = await this.records.get(keyOf(subject, request));
    return record === undefined ? undefined : answerSchema.parse(JSON.parse(Buffer.from(record.value).toString()));
  }

  /** Forgets what was answered about a document that is erased; of a form, everything that belongs to it. */
  async forget(erased: string): Promise<void> {
    const [document, part] = subjectOfDocument(erased);
    await this.records.erase(part === '' ? [ANSWER, document] : [ANSWER, document, part]);
  }
}

/** What a request or the `location` of its answer is about; undefined when that is nothing that can be erased. */
export function subjectOfPath(path: string): Subject | undefined {
  const form = FORM_PATH.exec(path);
  if (form !== null) return [`form/${form[1] ?? ''}`, form[2] ?? (form[3] === undefined ? '' : 'comments')];
  const [, encoded] = DOCUMENT_PATH.exec(path) ?? [];
  if (encoded === undefined) return undefined;
  try {
    return subjectOfDocument(decodeURIComponent(encoded));
  } catch (error) {
    // Refused by its route.
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function subjectOfDocument(name: string): Subject {
  const kind = documentKind(name);
  if (kind.kind === 'opaque') return [name, ''];
  const document = `form/${kind.formId}`;
  if (kind.kind === 'submission') return [document, kind.submissionId];
  return [document, kind.kind === 'comments' ? 'comments' : ''];
}

const documentOf = ([document, part]: Subject): string =>
  part === '' || part === 'comments' ? document : `${document}/submission/${part}`;

const keyOf = ([document, part]: Subject, [, ...request]: RecordKey): RecordKey => [ANSWER, document, part, ...request];
