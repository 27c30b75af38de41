/** Files of submissions: uploads by multipart/form-data, downloads. */
import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { createHash, type Hash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { idSchema } from '../../../crdt/index.js';
import { sendBytes, sliceOf } from '../../http/byte-ranges.js';
import { callerOf } from '../../http/caller.js';
import { timeOf, timeSchema } from '../../http/pages.js';
import { Problem } from '../../http/problem.js';
import { requireSheetRight } from '../access/rights.js';
import { submissionParams } from '../schemas.js';
import type { SubmissionService } from '../service.js';

const tags = ['submissions'];
const files = '/forms/:formId/submissions/:submissionId/files';
/** A field's own `maxBytes` is checked besides. */
const MAX_FILE_BYTES = 50 * 1024 * 1024;

const fileSchema = z.object({
  id: idSchema,
  name: z.string(),
  type: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  fieldId: idSchema,
  uploadedAt: timeSchema,
});

export const fileRoutes: FastifyPluginAsyncZod<{ readonly submissions: SubmissionService }> = async (api, options) => {
  const { submissions: service } = options;
  await api.register(multipart, { limits: { files: 1, fields: 10, fieldSize: 1_024, fileSize: MAX_FILE_BYTES } });

  api.post(
    files,
    {
      schema: {
        tags,
        summary: 'Upload a file; the part is named after its field, or a part `fieldId` names it',
        params: submissionParams,
        consumes: ['multipart/form-data'],
        response: { 201: fileSchema },
      },
      config: { readContent: (request) => receive(request, drop) },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      const principal = callerOf(request);
      requireSheetRight(principal, formId, submissionId, 'write');
      const file = await receive(request, (upload) => service.addFile(principal, formId, submissionId, upload));
      return reply
        .code(201)
        .header('location', `/api/v1/forms/${formId}/submissions/${submissionId}/files/${file.id}`)
        .send({ ...file, uploadedAt: timeOf(file.uploadedAt) });
    },
  );

  api.get(
    `${files}/:fileId`,
    {
      schema: {
        tags,
        summary: 'Download a file',
        params: submissionParams.extend({ fileId: idSchema }),
        produces: ['application/octet-stream'],
      },
    },
    async (request, reply) => {
      const { formId, submissionId, fileId } = request.params;
      requireSheetRight(callerOf(request), formId, submissionId, 'read');
      const { file, content } = await service.file(formId, submissionId, fileId);
      reply
        .type(isMediaType(file.type) ? file.type : 'application/octet-stream')
        // Never shown in the page: it is whatever a stranger has uploaded.
        .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`)
        .header('cache-control', 'private, no-cache');
      return sendBytes(request, reply, {
        bytes: file.bytes,
        etag: `"${file.sha256}"`,
        open: async (range) => (range === undefined ? content() : sliceOf(await content(), range)),
      });
    },
  );
};

const isMediaType = (type: string): boolean => /^[\w.+-]+\/[\w.+-]+$/.test(type);

type Upload = Parameters<SubmissionService['addFile']>[3];

async function drop(upload: Upload): Promise<void> {
  await finished(upload.content.resume());
  await upload.fieldId();
}

/**
 * Leaves the request's `contentDigest`, if it has an idempotency key: of what the parts say, as every repetition has
 * another boundary.
 * @throws Problem `unsupported_media_type`, `bad_request`, `too_large`, `validation_failed`, and what `keep` throws
 */
async function receive<T>(request: FastifyRequest, keep: (upload: Upload) => Promise<T>): Promise<T> {
  if (!request.isMultipart()) {
    throw new Problem('unsupported_media_type', 'A file is sent as multipart/form-data.');
  }
  const hash = request.headers['idempotency-key'] === undefined ? undefined : createHash('sha256');
  const parts = request.parts();
  let named: string | undefined;
  const note = (part: { fieldname: string; value: unknown }): void => {
    if (part.fieldname === 'fieldId' && typeof part.value === 'string') named = part.value;
  };
  try {
    for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
      const part = next.value;
      if (part.type === 'field') {
        note(part);
        continue;
      }
      return await keep({
        name: part.filename,
        type: part.mimetype,
        content: whole(part.file, hash),
        fieldId: async () => {
          for (let rest = await parts.next(); rest.done !== true; rest = await parts.next()) {
            if (rest.value.type === 'field') note(rest.value);
          }
          const fieldId = named ?? part.fieldname;
          hash?.update(JSON.stringify([fieldId, part.filename, part.mimetype]));
          request.contentDigest = hash?.digest('base64url');
          return fieldId;
        },
      });
    }
  } catch (error) {
    throw isOfTheBody(error) ? new Problem('bad_request', 'The multipart body is not complete or not valid.') : error;
  }
  const message = 'is missing';
  throw new Problem('validation_failed', 'There is no file in the request.', { errors: [{ path: 'file', message }] });
}

/** What a stream that was cut off at the limit lacks must not pass for the whole. */
function whole(file: Readable & { truncated: boolean }, hash: Hash | undefined): Readable {
  const checked = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash?.update(chunk);
      done(null, chunk);
    },
    flush: (done) =>
      done(file.truncated ? new Problem('too_large', `A file has at most ${MAX_FILE_BYTES} bytes.`) : null),
  });
  file.on('error', (error) => checked.destroy(error));
  return file.pipe(checked);
}

/** Errors of the parser: what it was sent is to blame. */
function isOfTheBody(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof Problem) return false;
  const code = 'code' in error ? String(error.code) : '';
  const isOfPlugin = /^FST_(?:FILES|FIELDS|PARTS|PROTO|INVALID_MULTIPART|INVALID_JSON|REQ_FILE)/.test(code);
  return isOfPlugin || /multipart|unexpected end of form|malformed part|boundary/i.test(error.message);
}
