/** `/forms/:formId/submissions`: answer sheets from their start to what becomes of them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { ClientAddresses } from '../../server/limits/index.js';
import { callerOf, requireRight } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { deviceOf, locationIn } from './device.js';
import { fileRoutes } from './files/routes.js';
import type { SubmissionListing } from './lists/listing.js';
import { listRoutes } from './lists/routes.js';
import type { BulkMigrations } from './migration/bulk-migration.js';
import type { SubmissionMigrations } from './migration/migration.js';
import { migrationRoutes } from './migration/routes.js';
import { requireReviewer, requireSheetRight } from './access/rights.js';
import * as schemas from './schemas.js';
import type { SubmissionService } from './service.js';
import { shown, shownProgress, shownStart } from './shown.js';
import type { AuditLog } from '../audit/audit-log.js';

const tags = ['submissions'];
const submissions = '/forms/:formId/submissions';
const one = `${submissions}/:submissionId`;

export interface SubmissionRoutesOptions {
  readonly submissions: SubmissionService;
  readonly listing: SubmissionListing;
  readonly migrations: SubmissionMigrations;
  readonly bulk: BulkMigrations;
  readonly audit: AuditLog;
  readonly addresses: ClientAddresses;
  /** Where trusted proxies say where a client is; in lower case. */
  readonly locationHeaders: readonly string[];
}

export const submissionRoutes: FastifyPluginAsyncZod<SubmissionRoutesOptions> = async (api, options) => {
  const { submissions: service, listing, migrations, bulk, audit, addresses, locationHeaders } = options;
  await api.register(listRoutes, { listing });
  await api.register(fileRoutes, { submissions: service });
  await api.register(migrationRoutes, { migrations, bulk, audit });

  api.post(
    submissions,
    {
      schema: {
        tags,
        summary: 'Start an answer sheet, pinned to the newest published version',
        params: schemas.formParams,
        body: schemas.startSchema,
        response: { 201: schemas.startedSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireRight(principal, `form/${formId}`, 'respond', 'form_not_found');
      const { answers = {}, timeZone } = request.body ?? {};
      const place = addresses.isThroughProxy(request.raw) ? locationIn(request.headers, locationHeaders) : null;
      const started = await service.start(principal, formId, answers, deviceOf(request.headers, timeZone, place));
      return reply
        .code(201)
        .header('location', `/api/v1/forms/${formId}/submissions/${started.record.id}`)
        .header('etag', started.etag)
        .header('cache-control', 'no-store')
        .send(shownStart(started));
    },
  );

  api.post(
    '/submissions/resume',
    {
      config: { isPublic: true },
      schema: {
        tags,
        summary: 'A fresh access token for a sheet, by its resume token',
        security: [],
        body: schemas.resumeSchema,
        response: { 200: schemas.startedSchema },
      },
    },
    async (request, reply) => {
      const resumed = await service.resume(request.body.resumeToken);
      return reply.header('etag', resumed.etag).header('cache-control', 'no-store').send(shownStart(resumed));
    },
  );

  api.get(
    one,
    {
      schema: {
        tags,
        summary: 'A submission: answers, progress, errors, status, device, timeline',
        params: schemas.submissionParams,
        response: { 200: schemas.submissionSchema },
      },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      requireSheetRight(callerOf(request), formId, submissionId, 'read');
      const view = await service.get(formId, submissionId);
      reply
        .header('etag', view.etag)
        .header('cache-control', 'no-cache')
        .header('vary', 'origin, authorization, cookie');
      return shown(view);
    },
  );

  api.patch(
    `${one}/answers`,
    {
      schema: {
        tags,
        summary: 'Answer; whoever has the sheet open sees it at once. A wrong answer is kept, and told of',
        params: schemas.submissionParams,
        body: schemas.patchSchema,
        response: { 200: schemas.progressWithErrorsSchema },
      },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      const principal = callerOf(request);
      requireSheetRight(principal, formId, submissionId, 'write');
      const { answers, page } = request.body;
      const view = await service.patch(principal, formId, submissionId, { answers, page }, request.headers['if-match']);
      reply.header('etag', view.etag);
      return { progress: shownProgress(view.progress), errors: [...view.errors] };
    },
  );

  api.get(
    `${one}/progress`,
    {
      schema: {
        tags,
        summary: 'How far a sheet has come',
        params: schemas.submissionParams,
        response: { 200: schemas.progressSchema },
      },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      requireSheetRight(callerOf(request), formId, submissionId, 'read');
      const { progress, etag } = await service.get(formId, submissionId);
      reply.header('etag', etag);
      return shownProgress(progress);
    },
  );

  api.post(
    `${one}/validate`,
    {
      schema: {
        tags,
        summary: 'What would keep it from being handed in; nothing changes',
        params: schemas.submissionParams,
        response: { 200: schemas.validationSchema },
      },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      requireSheetRight(callerOf(request), formId, submissionId, 'write');
      const { errors, missing, etag } = await service.get(formId, submissionId);
      const all = [...missing, ...errors];
      reply.header('etag', etag);
      return { valid: all.length === 0, errors: all };
    },
  );

  api.post(
    `${one}/submit`,
    {
      schema: {
        tags,
        summary: 'Hand it in: once, however often it is asked for',
        params: schemas.submissionParams,
        response: { 200: schemas.submissionSchema },
      },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      const principal = callerOf(request);
      requireSheetRight(principal, formId, submissionId, 'write');
      const view = await service.submit(principal, formId, submissionId, request.headers['if-match']);
      reply.header('etag', view.etag);
      return shown(view);
    },
  );

  api.post(
    `${one}/status`,
    {
      schema: {
        tags,
        summary: 'What becomes of it: submitted → processing → completed or rejected',
        params: schemas.submissionParams,
        body: schemas.statusSchema,
        response: { 200: schemas.submissionSchema },
      },
    },
    async (request, reply) => {
      const { formId, submissionId } = request.params;
      const principal = callerOf(request);
      requireReviewer(principal, formId, submissionId);
      const { status, note = null } = request.body;
      const view = await service.setStatus(
        principal,
        formId,
        submissionId,
        { status, note },
        request.headers['if-match'],
      );
      reply.header('etag', view.etag);
      return shown(view);
    },
  );

  api.delete(
    one,
    {
      schema: {
        tags,
        summary: 'Erase a submission: sheet, snapshots, history and record',
        params: schemas.submissionParams,
        response: { 200: schemas.receiptSchema },
      },
    },
    async (request) => {
      const { formId, submissionId } = request.params;
      const principal = callerOf(request);
      requireSheetRight(principal, formId, submissionId, 'own');
      const receipt = await service.erase(principal, formId, submissionId, request.headers['if-match']);
      await audit.record(principal, 'submission.erased', { formId, submissionId });
      return { ...receipt, erasedAt: timeOf(receipt.erasedAt) };
    },
  );
};
