/** `/forms/:formId/submissions/:submissionId/migration`: what a newer version would do to the answers, and the move. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { callerOf } from '../../http/caller.js';
import { requireSheetRight } from '../rights.js';
import { submissionParams } from '../schemas.js';
import { shown } from '../shown.js';
import type { Migration, SubmissionMigrations } from './migration.js';
import * as schemas from './schemas.js';

const tags = ['submissions'];
const path = '/forms/:formId/submissions/:submissionId/migration';

export const migrationRoutes: FastifyPluginAsyncZod<{ readonly migrations: SubmissionMigrations }> = async (
  api,
  { migrations },
) => {
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
