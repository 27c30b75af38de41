/** `/documents`: any document as bytes and facts. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AuditLog } from '../audit/audit-log.js';
import { callerOf, requireAdmin, requireRight } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import * as schemas from './schemas.js';
import { documentName, type DocumentDetails, type DocumentService } from './service.js';

const tags = ['documents'];

export interface DocumentRoutesOptions {
  readonly documents: DocumentService;
  readonly audit: AuditLog;
  readonly maxUpdateBytes: number;
}

export const documentRoutes: FastifyPluginAsyncZod<DocumentRoutesOptions> = async (
  api,
  { documents, audit, maxUpdateBytes },
) => {
  api.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer', bodyLimit: maxUpdateBytes },
    (_request, body, done) => done(null, body),
  );

  api.get(
    '/documents',
    {
      schema: {
        tags,
        summary: 'Documents by prefix, ordered by name',
        querystring: schemas.documentListQuery,
        response: { 200: schemas.documentListSchema },
      },
    },
    async (request) => {
      requireAdmin(callerOf(request));
      const { limit, cursor, prefix } = request.query;
      const page = await documents.list(prefix, { limit, cursor: cursor ?? null });
      return { data: page.data.map(shown), nextCursor: page.nextCursor };
    },
  );

  api.get(
    '/documents/:name',
    {
      schema: {
        tags,
        summary: 'Facts of a document',
        params: schemas.documentParams,
        response: { 200: schemas.documentSchema },
      },
    },
    async (request) => {
      const name = documentName(request.params);
      requireRight(callerOf(request), name, 'read', 'document_not_found');
      return shown(await documents.details(name));
    },
  );

  api.get(
    '/documents/:name/state',
    {
      schema: {
        tags,
        summary: 'The Yjs state, or the difference to a state vector (encodeStateAsUpdate, format v1)',
        params: schemas.documentParams,
        querystring: schemas.stateQuery,
        produces: ['application/octet-stream'],
      },
    },
    async (request, reply) => {
      const name = documentName(request.params);
      requireRight(callerOf(request), name, 'read', 'document_not_found');
      const state = await documents.state(name, request.query.stateVector);
      return reply.type('application/octet-stream').send(Buffer.from(state.buffer, state.byteOffset, state.byteLength));
    },
  );

  api.post(
    '/documents/:name/updates',
    {
      bodyLimit: maxUpdateBytes,
      schema: {
        tags,
        summary: 'Apply a binary Yjs update through the live room; answers when it is durable',
        params: schemas.documentParams,
        consumes: ['application/octet-stream'],
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const name = documentName(request.params);
      const principal = callerOf(request);
      requireRight(principal, name, 'write', 'document_not_found');
      if (!Buffer.isBuffer(request.body)) {
        throw new Problem('unsupported_media_type', 'An update is sent as application/octet-stream.');
      }
      await documents.update(principal, name, request.body);
      return reply.code(204).send();
    },
  );

  api.post(
    '/documents/:name/compact',
    {
      schema: {
        tags,
        summary: 'Fold the log of a document into one state',
        params: schemas.documentParams,
        response: { 200: schemas.compactedSchema },
      },
    },
    async (request) => {
      const name = documentName(request.params);
      const principal = callerOf(request);
      requireAdmin(principal);
      const result = await documents.compact(name);
      await audit.record(principal, 'document.compacted', { document: name, result });
      return { result };
    },
  );

  api.delete(
    '/documents/:name',
    {
      schema: {
        tags,
        summary: 'Erase a document and what belongs to it; a late client cannot bring it back',
        params: schemas.documentParams,
        response: { 200: schemas.erasureSchema },
      },
    },
    async (request) => {
      const name = documentName(request.params);
      const principal = callerOf(request);
      requireAdmin(principal);
      const { erasedAt, updates, bytes, snapshots } = await documents.erase(principal, name);
      await audit.record(principal, 'document.erased', { document: name, updates, bytes, snapshots });
      return { document: name, erasedAt: timeOf(erasedAt), updates, bytes, snapshots };
    },
  );
};

function shown(details: DocumentDetails): z.infer<typeof schemas.documentSchema> {
  const { document: name, createdAt, changedAt, ...facts } = details;
  return { ...facts, name, createdAt: timeOf(createdAt), changedAt: timeOf(changedAt) };
}
