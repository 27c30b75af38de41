/**
 * `Idempotency-Key` on every writing request: repeated with the same body it gets the same answer for 24 hours and
 * changes nothing again (draft-ietf-httpapi-idempotency-key-header).
 *
 *   no record                 work, then keep the answer
 *   record, other request     409 idempotency_key_reused
 *   record without an answer  409 request_in_progress, until the node that works on it is surely gone
 *   record with an answer     that answer again, with `Idempotency-Replayed: true`; what it was about is erased: anew
 *
 * Answers of 5xx are not kept: the caller may repeat the request. Bodies of kept ones are encrypted: `answer-seal.ts`.
 *
 * A body that the route streams is known when it has been read: its digest is kept with the answer, and a repetition is
 * read to its end, and kept nowhere, before it gets that answer. What was refused before it was read is not kept either.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RecordKey, RecordStore } from '../../server/storage/record-store.js';
import type { AnswerSeal } from './answer-seal.js';
import { answerSchema, subjectOfPath, subjectSchema, type KeptAnswers, type Subject } from './kept-answers.js';
import { Problem } from './problem.js';

const KEPT_MS = 24 * 3_600_000;
/** Longer than any request may take that has arrived, and than one may take to arrive (300 s, Node's own bound). */
const ABANDONED_MS = 60_000;
const STREAM_ABANDONED_MS = 6 * 60_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const KEPT_HEADERS = ['content-type', 'etag', 'location'] as const;

const recordSchema = z.object({
  fingerprint: z.string(),
  startedAt: z.number(),
  answer: answerSchema.optional(),
  /** Where the answer is kept instead, because it may hold content. */
  subject: subjectSchema.optional(),
});
type IdempotencyRecord = z.infer<typeof recordSchema>;

interface Claim {
  /** The idempotency key, as the caller gave it. */
  readonly name: string;
  readonly key: RecordKey;
  readonly version: string;
  readonly record: IdempotencyRecord;
}

declare module 'fastify' {
  interface FastifyRequest {
    idempotency: Claim | undefined;
    fingerprint: string | undefined;
    /** Of a streamed body: what tells it from another, once all of it has been read. */
    contentDigest: string | undefined;
  }
  interface FastifyContextConfig {
    /** Of a route that streams its body: reads and drops it, so that `contentDigest` is known. @throws Problem */
    readonly readContent?: (request: FastifyRequest) => Promise<void>;
  }
}

export interface IdempotencyOptions {
  readonly records: RecordStore;
  readonly answers: KeptAnswers;
  readonly seal: AnswerSeal;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

export function addIdempotency(api: FastifyInstance, { records, answers, seal, clock }: IdempotencyOptions): void {
  api.decorateRequest('idempotency', undefined);
  api.decorateRequest('fingerprint', undefined);
  api.decorateRequest('contentDigest', undefined);

  // Of the body as it came: validation fills in defaults, such as new ids.
  api.addHook('preValidation', async (request) => {
    if (request.headers['idempotency-key'] === undefined) return;
    request.fingerprint = fingerprintOf(request);
  });

  api.addHook('preHandler', async (request, reply) => {
    const header = request.headers['idempotency-key'];
    if (header === undefined || request.method === 'GET' || request.method === 'HEAD') return;
    const name = z.string().min(1).max(255).safeParse(header);
    if (!name.success) throw new Problem('bad_request', 'An Idempotency-Key has 1 to 255 characters.');
    const caller = callerIdOf(request);
    const key: RecordKey = ['idempotency', caller, seal.digest(name.data)];
    const now = clock();
    const subject = request.method === 'DELETE' ? undefined : subjectOfPath(request.url);
    const record: IdempotencyRecord = { fingerprint: request.fingerprint ?? '', startedAt: now, subject };
    const claimed = await records.put(key, encode(record), { ifVersion: null, expiresAt: now + KEPT_MS });
    if (claimed !== 'conflict') {
      request.idempotency = { name: name.data, key, version: claimed.version, record };
      return;
    }
    const stored = await records.get(key);
    if (stored === undefined) throw inProgress();
    const known = recordSchema.parse(JSON.parse(Buffer.from(stored.value).toString()));
    if (known.fingerprint !== record.fingerprint) {
      throw reused();
    }
    const answer = known.subject === undefined ? known.answer : await answers.find(known.subject, key);
    if (answer !== undefined) {
      if (isStreamed(request) && (await contentOf(request)) !== answer.content) throw reused();
      reply.headers(answer.headers).header('idempotency-replayed', 'true');
      const body = seal.open(name.data, caller, Buffer.from(answer.body, 'base64'));
      // Carried out again it would be carried out twice.
      if (body === undefined)
        throw new Problem('conflict', 'It was carried out, and its answer cannot be read any more.');
      return reply.code(answer.status).send(body.length === 0 ? undefined : body);
    }
    const isErased = known.subject !== undefined && !(await answers.isThere(known.subject));
    const abandonedMs = isStreamed(request) ? STREAM_ABANDONED_MS : ABANDONED_MS;
    if (!isErased && now - known.startedAt < abandonedMs) throw inProgress();
    const taken = await records.put(key, encode(record), { ifVersion: stored.version, expiresAt: now + KEPT_MS });
    if (taken === 'conflict') throw inProgress();
    request.idempotency = { name: name.data, key, version: taken.version, record };
    return;
  });

  // Before the caller sees the answer it is kept, so that a repetition after a crash finds it.
  api.addHook('onSend', async (request, reply, payload: unknown) => {
    const claim = request.idempotency;
    if (claim === undefined) return payload;
    request.idempotency = undefined;
    const body = bytesOf(payload);
    const { contentDigest: content } = request;
    const isUnread = content === undefined && isStreamed(request);
    if (reply.statusCode >= 500 || isUnread || body === undefined || body.length > MAX_ANSWER_BYTES) {
      await records.delete(claim.key, { ifVersion: claim.version });
      return payload;
    }
    const headers: Record<string, string> = {};
    for (const name of KEPT_HEADERS) {
      const value = reply.getHeader(name);
      if (value !== undefined) headers[name] = String(value);
    }
    const sealed = seal.seal(claim.name, callerIdOf(request), body);
    const answer = { status: reply.statusCode, headers, body: sealed.toString('base64'), content };
    const expiresAt = claim.record.startedAt + KEPT_MS;
    const subject = subjectOf(request, answer.status, headers['location']);
    if (subject !== undefined) await answers.keep(subject, claim.key, answer, expiresAt);
    // The record knew it from the start: one write less.
    if (subject !== undefined && String(subject) === String(claim.record.subject)) return payload;
    const settled: IdempotencyRecord = { ...claim.record, subject, ...(subject === undefined ? { answer } : {}) };
    await records.put(claim.key, encode(settled), { ifVersion: claim.version, expiresAt });
    return payload;
  });
}

/** Undefined when the answer holds no content: a receipt of an erasure must outlive what it is about. */
function subjectOf({ method, url }: FastifyRequest, status: number, location: string | undefined): Subject | undefined {
  return method === 'DELETE' || status >= 400 ? undefined : subjectOfPath(location ?? url);
}

function reused(): Problem {
  return new Problem('idempotency_key_reused', 'The same Idempotency-Key came with another request before.');
}

function inProgress(): Problem {
  return new Problem('request_in_progress', 'A request with this Idempotency-Key is being worked on.', {
    retryAfterSeconds: 1,
  });
}

/** Nobody has an empty id: it stands for those who need no token. */
const callerIdOf = ({ caller }: FastifyRequest): string => caller?.id ?? '';

function fingerprintOf(request: FastifyRequest): string {
  const hash = createHash('sha256').update(`${request.method} ${request.url.split('?', 1)[0] ?? ''}\n`);
  const query: unknown = request.query;
  hash.update(JSON.stringify([callerIdOf(request), { ...(query as object), token: undefined }]));
  hash.update(request.body instanceof Uint8Array ? request.body : JSON.stringify(request.body ?? null));
  return hash.digest('base64url');
}

const isStreamed = ({ body, routeOptions }: FastifyRequest): boolean =>
  body === undefined && routeOptions.config.readContent !== undefined;

/** Undefined when it would be refused: then it is another one. */
async function contentOf(request: FastifyRequest): Promise<string | undefined> {
  try {
    await request.routeOptions.config.readContent?.(request);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  return request.contentDigest;
}

function bytesOf(payload: unknown): Buffer | undefined {
  if (payload === undefined || payload === null) return Buffer.alloc(0);
  if (typeof payload === 'string') return Buffer.from(payload);
  return payload instanceof Uint8Array ? Buffer.from(payload) : undefined;
}

const encode = (record: IdempotencyRecord): Buffer => Buffer.from(JSON.stringify(record));
