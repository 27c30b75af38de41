/** `/backups`: made, listed, downloaded and verified by administrators alone. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AuditLog } from '../audit/audit-log.js';
import { sendBytes } from '../http/byte-ranges.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { operationSchema, shownOperation } from '../operations/schemas.js';
import * as schemas from './schemas.js';
import { verifiedSchema, type BackupService } from './service.js';

const tags = ['backups'];

export interface BackupRoutesOptions {
  readonly backups: BackupService;
  readonly audit: AuditLog;
}

export const backupRoutes: FastifyPluginAsyncZod<BackupRoutesOptions> = async (api, { backups, audit }) => {
  api.addHook('preValidation', async (request) => requireAdmin(callerOf(request)));

  api.post(
    '/backups',
    {
      schema: {
        tags,
        summary: 'Back up the whole installation while it is being edited',
        body: schemas.newBackupSchema.nullish(),
        response: { 202: operationSchema },
      },
    },
    async (request, reply) => {
      const operation = await backups.start(request.body?.keep);
      await audit.record(callerOf(request), 'backup.started', { backup: operation.id });
      return reply.code(202).header('location', `/api/v1/operations/${operation.id}`).send(shownOperation(operation));
    },
  );

  api.get(
    '/backups',
    {
      schema: {
        tags,
        summary: 'Backups on this node, newest first',
        querystring: schemas.backupListQuery,
        response: { 200: schemas.backupListSchema },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const page = await backups.list({ limit, cursor: cursor ?? null });
      return { data: page.data.map(schemas.shownBackup), nextCursor: page.nextCursor };
    },
  );

  api.get(
    '/backups/:id/archive',
    { schema: { tags, summary: 'The archive', params: schemas.backupParams } },
    async (request, reply) => {
      const { id } = request.params;
      const { content, bytes, name } = await backups.open(id);
      await audit.record(callerOf(request), 'backup.downloaded', { backup: id });
      reply.type('application/octet-stream').header('content-disposition', `attachment; filename="${name}"`);
      return sendBytes(request, reply, { bytes, etag: `"${id}"`, open: content });
    },
  );

  api.post(
    '/backups/:id/verify',
    {
      schema: {
        tags,
        summary: 'Check every checksum and open every document in it',
        params: schemas.backupParams,
        response: { 200: verifiedSchema },
      },
    },
    async (request) => backups.verify(request.params.id),
  );
};
