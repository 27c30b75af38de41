/**
 * `Idempotency-Key` on every writing request: repeated with the same body it gets the same answer for 24 hours and
 * changes nothing again (draft-ietf-httpapi-idempotency-key-header).
 *
 *   no record                 work, then keep the answer
 *   record, other request     409 idempotency_key_reused
 *   record without an answer  409 request_in_progress, until the node that works on it is surely gone
 *   record with an answer     that answer again, with `Idempotency-Replayed: true`
 *
 * Answers of 5xx are not kept: the caller may repeat the request.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Principal } from '../../server/auth/index.js';
import type { RecordKey, RecordStore } from '../../server/storage/record-store.js';
import { Problem } from './problem.js';

const KEPT_MS = 24 * 3_600_000;
/** Longer than any request may take. */
const ABANDONED_MS = 60_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const KEPT_HEADERS = ['content-type', 'etag', 'location'] as const;

const recordSchema = z.object({
  fingerprint: z.string(),
  startedAt: z.number(),
  answer: z.object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.string() }).optional(),
});
type IdempotencyRecord = z.infer<typeof recordSchema>;

interface Claim {
  readonly key: RecordKey;
  readonly version: string;
  readonly record: IdempotencyRecord;
}

declare module 'fastify' {
  interface FastifyRequest {
    idempotency: Claim | undefined;
    fingerprint: string | undefined;
  }
}

export function addIdempotency(api: FastifyInstance, records: RecordStore, clock: () => number): void {
  api.decorateRequest('idempotency', undefined);
  api.decorateRequest('fingerprint', undefined);

  // Of the body as it came: validation fills in defaults, such as new ids.
  api.addHook('preValidation', async (request) => {
    if (request.headers['idempotency-key'] === undefined || request.caller === undefined) return;
    request.fingerprint = fingerprintOf(request, request.caller);
  });

  api.addHook('preHandler', async (request, reply) => {
    const header = request.headers['idempotency-key'];
    if (header === undefined || request.method === 'GET' || request.method === 'HEAD' || request.caller === undefined)
      return;
    const name = z.string().min(1).max(255).safeParse(header);
    if (!name.success) throw new Problem('bad_request', 'An Idempotency-Key has 1 to 255 characters.');
    const key: RecordKey = ['idempotency', request.caller.id, name.data];
    const now = clock();
    const record: IdempotencyRecord = { fingerprint: request.fingerprint ?? '', startedAt: now };
    const claimed = await records.put(key, encode(record), { ifVersion: null, expiresAt: now + KEPT_MS });
    if (claimed !== 'conflict') {
      request.idempotency = { key, version: claimed.version, record };
      return;
    }
    const stored = await records.get(key);
    if (stored === undefined) throw inProgress();
    const known = recordSchema.parse(JSON.parse(Buffer.from(stored.value).toString()));
    if (known.fingerprint !== record.fingerprint) {
      throw new Problem('idempotency_key_reused', 'The same Idempotency-Key came with another request before.');
    }
    if (known.answer !== undefined) {
      reply.headers(known.answer.headers).header('idempotency-replayed', 'true');
      return reply
        .code(known.answer.status)
        .send(known.answer.body === '' ? undefined : Buffer.from(known.answer.body, 'base64'));
    }
    if (now - known.startedAt < ABANDONED_MS) throw inProgress();
    const taken = await records.put(key, encode(record), { ifVersion: stored.version, expiresAt: now + KEPT_MS });
    if (taken === 'conflict') throw inProgress();
    request.idempotency = { key, version: taken.version, record };
    return;
  });

  // Before the caller sees the answer it is kept, so that a repetition after a crash finds it.
  api.addHook('onSend', async (request, reply, payload: unknown) => {
    const claim = request.idempotency;
    if (claim === undefined) return payload;
    request.idempotency = undefined;
    const body = bytesOf(payload);
    if (reply.statusCode >= 500 || body === undefined || body.length > MAX_ANSWER_BYTES) {
      await records.delete(claim.key, { ifVersion: claim.version });
      return payload;
    }
    const headers: Record<string, string> = {};
    for (const name of KEPT_HEADERS) {
      const value = reply.getHeader(name);
      if (value !== undefined) headers[name] = String(value);
    }
    const answer = { status: reply.statusCode, headers, body: body.toString('base64') };
    await records.put(claim.key, encode({ ...claim.record, answer }), {
      ifVersion: claim.version,
      expiresAt: claim.record.startedAt + KEPT_MS,
    });
    return payload;
  });
}

function inProgress(): Problem {
  return new Problem('request_in_progress', 'A request with this Idempotency-Key is being worked on.', {
    retryAfterSeconds: 1,
  });
}

function fingerprintOf(request: FastifyRequest, principal: Principal): string {
  const hash = createHash('sha256').update(`${request.method} ${request.url.split('?', 1)[0] ?? ''}\n`);
  const query: unknown = request.query;
  hash.update(JSON.stringify([principal.id, { ...(query as object), token: undefined }]));
  hash.update(request.body instanceof Uint8Array ? request.body : JSON.stringify(request.body ?? null));
  return hash.digest('base64url');
}

function bytesOf(payload: unknown): Buffer | undefined {
  if (payload === undefined || payload === null) return Buffer.alloc(0);
  if (typeof payload === 'string') return Buffer.from(payload);
  return payload instanceof Uint8Array ? Buffer.from(payload) : undefined;
}

const encode = (record: IdempotencyRecord): Buffer => Buffer.from(JSON.stringify(record));
