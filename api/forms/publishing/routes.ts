/** What becomes of a draft: published versions, what is different between them, other formats. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AuditLog } from '../../audit/audit-log.js';
import type { Audience } from '../../comments/index.js';
import { timeOf } from '../../http/pages.js';
import { formCaller } from '../rights.js';
import { formParams } from '../schemas.js';
import type { FormService } from '../service.js';
import * as schemas from './schemas.js';

const tags = ['forms'];

export interface PublishingRoutesOptions {
  readonly forms: FormService;
  readonly audit: AuditLog;
  readonly audience: Audience;
}

export const publishingRoutes: FastifyPluginAsyncZod<PublishingRoutesOptions> = async (api, options) => {
  const { forms, audit, audience } = options;

  api.post(
    '/forms/:formId/publish',
    {
      schema: {
        tags,
        summary: 'Freeze the draft as a new version',
        params: formParams,
        querystring: schemas.publishQuery,
        response: { 200: schemas.publishedSchema, 201: schemas.publishedSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = formCaller(request, 'own');
      const { dryRun } = request.query;
      const published = await forms.publish(principal, formId, dryRun, request.headers['if-match']);
      if (!dryRun) {
        await audit.record(principal, 'form.published', { formId, version: published.version });
        await audience.published(principal, formId, published.version);
        reply.header('location', `/api/v1/forms/${formId}?version=${published.version}`);
      }
      return reply.code(dryRun ? 200 : 201).send({
        dryRun,
        version: published.version,
        publishedAt: published.publishedAt === null ? null : timeOf(published.publishedAt),
        changes: [...published.changes],
        impact: [...published.impact],
      });
    },
  );

  api.get(
    '/forms/:formId/versions',
    {
      schema: {
        tags,
        summary: 'Published versions, newest first',
        params: formParams,
        querystring: schemas.versionsQuery,
        response: { 200: schemas.versionListSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      formCaller(request, 'view');
      await forms.read(formId);
      const { data, nextCursor } = await forms.versions.list(formId, {
        limit: request.query.limit,
        cursor: request.query.cursor ?? null,
      });
      return {
        data: data.map(({ version, publishedAt, publishedBy, changes }) => ({
          version,
          publishedAt: timeOf(publishedAt),
          publishedBy,
          changes,
        })),
        nextCursor,
      };
    },
  );

  api.get(
    '/forms/:formId/diff',
    {
      schema: {
        tags,
        summary: 'What changed between two versions, snapshots or the draft, and what it means for answers',
        params: formParams,
        querystring: schemas.diffQuery,
        response: { 200: schemas.diffSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      formCaller(request, 'view');
      const { changes, impact } = await forms.diff(formId, request.query.from, request.query.to);
      return { changes: [...changes], impact };
    },
  );

  api.get(
    '/forms/:formId/export',
    {
      schema: {
        tags,
        summary: 'The form in the format of another builder, or the JSON Schema of its answers',
        params: formParams,
        querystring: schemas.exportQuery,
        response: { 200: z.unknown() },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      formCaller(request, 'view');
      const { content, report } = await forms.export(formId, request.query.format);
      // How much the format had no place for; what it was says the body of an import of it.
      reply.header('x-formloom-losses', String(report.length));
      return content;
    },
  );
};
