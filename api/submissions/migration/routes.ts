/** What a newer version would do to the answers of a sheet, and the move: of one sheet, or of all that are open. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { AuditLog } from '../../audit/audit-log.js';
import { callerOf, requireRight } from '../../http/caller.js';
import { operationSchema, shownOperation } from '../../operations/schemas.js';
import { requireSheetRight } from '../access/rights.js';
import { formParams, submissionParams } from '../schemas.js';
import { shown } from '../shown.js';
import type { BulkMigrations } from './bulk-migration.js';
import type { Migration, SubmissionMigrations } from './migration.js';
import * as schemas from './schemas.js';

const tags = ['submissions'];
const path = '/forms/:formId/submissions/:submissionId/migration';

export interface MigrationRoutesOptions {
  readonly migrations: SubmissionMigrations;
  readonly bulk: BulkMigrations;
  readonly audit: AuditLog;
}

export const migrationRoutes: FastifyPluginAsyncZod<MigrationRoutesOptions> = async (
  api,
  { migrations, bulk, audit },
) => {
  api.post(
    '/forms/:formId/submissions/migration',
    {
      schema: {
        tags,
        summary: 'Move all open sheets to a newer version, or count what that would do; an operation to follow',
        params: formParams,
        querystring: schemas.migrateQuery,
        body: schemas.bulkMigrateSchema,
        response: { 202: operationSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireRight(principal, `form/${formId}`, 'own', 'form_not_found');
      const { from, to } = request.body ?? {};
      const isDryRun = request.query.dryRun;
      const operation = await bulk.start(principal, formId, { from, to, isDryRun });
      if (!isDryRun) await audit.record(principal, 'submissions.migration-started', { formId, ...request.body });
      return reply.code(202).header('location', `/api/v1/operations/${operation.id}`).send(shownOperation(operation));
    },
  );

  api.get(
    path,
    {
      schema: {
        tags,
        summary: 'What moving to a newer version would do to the answers; nothing changes',
        params: submissionParams,
        querystring: schemas.previewQuery,
        response: { 200: schemas.migrationSchema },
      },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      requireSheetRight(callerOf(request), formId, submissionId, 'read');
      const migration = await migrations.preview(formId, submissionId, request.query.version);
      reply.header('etag', migration.etag);
      return shownMigration(migration);
    },
  );

  api.post(
    path,
    {
      schema: {
        tags,
        summary: 'Move to a newer version; answers without a place in it stay in the record',
        params: submissionParams,
        querystring: schemas.migrateQuery,
        body: schemas.migrateSchema,
        response: { 200: schemas.migratedSchema },
      },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      const principal = callerOf(request);
      requireSheetRight(principal, formId, submissionId, 'write');
      const version = request.body?.version;
      if (request.query.dryRun) {
        const migration = await migrations.preview(formId, submissionId, version);
        reply.header('etag', migration.etag);
        return { ...shownMigration(migration), dryRun: true, submission: null };
      }
      const ifMatch = request.headers['if-match'];
      const { migration, view } = await migrations.migrate(principal, formId, submissionId, version, ifMatch);
      reply.header('etag', view.etag);
      return { ...shownMigration(migration), dryRun: false, submission: shown(view) };
    },
  );
};

function shownMigration({ from, to, changes, impact, answers }: Migration): z.infer<typeof schemas.migrationSchema> {
  return { from, to, changes: [...changes], impact: [...impact], answers: answers.map((answer) => ({ ...answer })) };
}
