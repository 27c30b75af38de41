/** `/documents/:name/snapshots`: named versions, their difference, and the way back. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { SnapshotInfo } from '../../server/storage/snapshots.js';
import type { AuditLog } from '../audit/audit-log.js';
import * as schemas from '../documents/schemas.js';
import { documentName } from '../documents/service.js';
import { can, type Principal } from '../../server/auth/index.js';
import { callerOf, requireBackstage, requireRight } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import type { SnapshotService } from './service.js';

const tags = ['snapshots'];

export interface SnapshotRoutesOptions {
  readonly snapshots: SnapshotService;
  readonly audit: AuditLog;
}

export const snapshotRoutes: FastifyPluginAsyncZod<SnapshotRoutesOptions> = async (api, { snapshots, audit }) => {
  const path = '/documents/:name/snapshots';

  api.post(
    path,
    {
      schema: {
        tags,
        summary: 'Keep the document as it is now',
        params: schemas.documentParams,
        body: schemas.newSnapshotSchema.nullish(),
        response: { 201: schemas.snapshotSchema },
      },
    },
    async (request, reply) => {
      const name = documentName(request.params);
      const principal = callerOf(request);
      requireRight(principal, name, 'write', 'document_not_found');
      const taken = await snapshots.take(principal, name, request.body?.label ?? '');
      return reply
        .code(201)
        .header('location', `/api/v1/documents/${encodeURIComponent(name)}/snapshots/${taken.id}`)
        .send(shown(taken));
    },
  );

  api.get(
    path,
    {
      schema: {
        tags,
        summary: 'Snapshots of a document, newest first',
        params: schemas.documentParams,
        querystring: schemas.snapshotListQuery,
        response: { 200: schemas.snapshotListSchema },
      },
    },
    async (request) => {
      const name = documentName(request.params);
      requireRight(callerOf(request), name, 'write', 'document_not_found');
      const { limit, cursor } = request.query;
      const page = await snapshots.list(name, { limit, cursor: cursor ?? null });
      return { data: page.data.map(shown), nextCursor: page.nextCursor };
    },
  );

  api.get(
    `${path}/:id`,
    {
      schema: {
        tags,
        summary: 'The content as JSON, or the Yjs state with `Accept: application/octet-stream`',
        params: schemas.snapshotParams,
        response: { 200: schemas.snapshotContentSchema },
      },
    },
    async (request, reply) => {
      const name = documentName(request.params);
      requireReader(callerOf(request), name);
      const { id } = request.params;
      reply.header('vary', 'origin, accept');
      if (request.headers.accept?.includes('application/octet-stream') === true) {
        const { state } = await snapshots.load(name, id);
        return reply.type('application/octet-stream').send(Buffer.from(state) as never);
      }
      const { info, content } = await snapshots.content(name, id);
      return { ...shown(info), content };
    },
  );

  api.get(
    `${path}/:id/diff`,
    {
      schema: {
        tags,
        summary: 'What changed from this snapshot to another, or to now',
        params: schemas.snapshotParams,
        querystring: schemas.diffQuery,
        response: { 200: schemas.diffSchema },
      },
    },
    async (request) => {
      const name = documentName(request.params);
      requireReader(callerOf(request), name);
      const { changes, isTruncated } = await snapshots.diff(name, request.params.id, request.query.against);
      return { changes: [...changes], isTruncated };
    },
  );

  api.post(
    `${path}/:id/restore`,
    {
      schema: {
        tags,
        summary: 'Turn the present into the snapshot by a forward edit that live editors merge with',
        params: schemas.snapshotParams,
        querystring: schemas.restoreQuery,
        response: { 200: schemas.restoredSchema },
      },
    },
    async (request) => {
      const name = documentName(request.params);
      const principal = callerOf(request);
      requireRight(principal, name, 'own', 'document_not_found');
      const { id } = request.params;
      const { dryRun } = request.query;
      const { changes, isTruncated, before } = await snapshots.restore(principal, name, id, dryRun);
      if (!dryRun)
        await audit.record(principal, 'snapshot.restored', { document: name, snapshot: id, changes: changes.length });
      return { dryRun, snapshot: id, before: before?.id ?? null, changes: [...changes], isTruncated };
    },
  );

  api.delete(
    `${path}/:id`,
    { schema: { tags, summary: 'Delete a snapshot', params: schemas.snapshotParams, response: { 204: z.void() } } },
    async (request, reply) => {
      const name = documentName(request.params);
      const principal = callerOf(request);
      requireRight(principal, name, 'own', 'document_not_found');
      const { id } = request.params;
      if (!(await snapshots.delete(name, id)))
        throw new Problem('snapshot_not_found', `"${name}" has no snapshot "${id}".`);
      await audit.record(principal, 'snapshot.deleted', { document: name, snapshot: id });
      return reply.code(204).send();
    },
  );
};

/** What a document was is part of its history: who merely fills a form sees that of their own sheet alone. */
function requireReader(principal: Principal, name: string): void {
  if (!can(principal, name, 'write')) requireBackstage(principal, name, 'document_not_found');
}

function shown(info: SnapshotInfo): z.infer<typeof schemas.snapshotSchema> {
  return { ...info, createdAt: timeOf(info.createdAt) };
}
