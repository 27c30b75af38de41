/** `/forms`: create, import, list, read, patch, re-import, erase, export, presence, versions, history. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newId, type LossReportEntry } from '../../crdt/index.js';
import { can } from '../../server/auth/index.js';
import type { RecordedChange } from '../../server/history/index.js';
import type { AuditLog } from '../audit/audit-log.js';
import type { ActivityBoard, Audience } from '../comments/index.js';
import { callerOf, requireBackstage, requireRight } from '../http/caller.js';
import { isUnchanged } from '../http/etag.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import { parse } from '../http/validation.js';
import { localized } from './localized.js';
import { shownPresence } from './presence.js';
import type { FormState } from './projections.js';
import * as schemas from './schemas.js';
import { formDocument, type FormService } from './service.js';

const tags = ['forms'];

export interface FormRoutesOptions {
  readonly forms: FormService;
  readonly audit: AuditLog;
  readonly activities: ActivityBoard;
  readonly audience: Audience;
}

export const formRoutes: FastifyPluginAsyncZod<FormRoutesOptions> = async (api, options) => {
  const { forms, audit, activities, audience } = options;
  api.post(
    '/forms',
    {
      schema: {
        tags,
        summary: 'Create a form from its JSON, or import one of another builder',
        body: z.union([schemas.importRequestSchema, schemas.newFormSchema]),
        response: { 201: schemas.createdFormSchema },
      },
      // Which of the two it is decides `import`; the errors of a union would tell of both.
      validatorCompiler: () => (value: unknown) => ({ value }),
    },
    async (request, reply) => {
      const principal = callerOf(request);
      const body: unknown = request.body;
      const isImport = typeof body === 'object' && body !== null && 'import' in body;
      let created: FormState & { readonly report: LossReportEntry[] };
      if (isImport) {
        const wanted = parse(schemas.importRequestSchema, body);
        created = await forms.import(principal, wanted.import.format, wanted.import.source, wanted.id);
      } else {
        const content = parse(schemas.newFormSchema, body);
        created = { ...(await forms.create(principal, { ...content, id: content.id ?? newId() })), report: [] };
      }
      return reply
        .code(201)
        .header('location', `/api/v1/forms/${created.form.id}`)
        .header('etag', created.etag)
        .send({ form: created.form, report: created.report });
    },
  );

  api.get(
    '/forms',
    {
      schema: {
        tags,
        summary: 'List the forms that the token may see',
        querystring: schemas.listQuery,
        response: { 200: schemas.formListSchema },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { limit, cursor, q, status } = request.query;
      const page = await forms.summaries.list(
        { q, status, maySee: (document) => can(principal, document, 'read') },
        { limit, cursor: cursor ?? null },
      );
      return {
        ...page,
        data: page.data.map((form) => ({
          ...form,
          title: { ...form.title },
          languages: [...form.languages],
          createdAt: timeOf(form.createdAt),
          changedAt: timeOf(form.changedAt),
        })),
      };
    },
  );

  api.get(
    '/forms/:formId',
    {
      schema: {
        tags,
        summary: 'The draft of a form, or a published version',
        params: schemas.formParams,
        querystring: schemas.readQuery,
        response: { 200: schemas.putSchema.required({ id: true }) },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      requireRight(callerOf(request), formDocument(formId), 'read', 'form_not_found');
      const { version, lang } = request.query;
      const { form, etag } =
        version === undefined ? await forms.read(formId) : await forms.readVersion(formId, version);
      reply.header('etag', etag).header('cache-control', 'no-cache').header('vary', 'authorization, cookie');
      if (lang === undefined && isUnchanged(request.headers['if-none-match'], etag))
        return reply.code(304 as 200).send(undefined as never);
      return lang === undefined ? form : localized(form, lang);
    },
  );

  api.patch(
    '/forms/:formId',
    {
      schema: {
        tags,
        summary: 'Apply operations to the live draft: all of them or none',
        params: schemas.formParams,
        body: schemas.patchSchema,
        response: { 200: schemas.putSchema.required({ id: true }) },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireRight(principal, formDocument(formId), 'write', 'form_not_found');
      const { form, etag } = await forms.patch(principal, formId, request.body.operations, request.headers['if-match']);
      reply.header('etag', etag);
      return form;
    },
  );

  api.put(
    '/forms/:formId',
    {
      schema: {
        tags,
        summary: 'Reach the given JSON by minimal edits; cursors and untouched texts keep their identity',
        params: schemas.formParams,
        body: schemas.putSchema,
        response: { 200: schemas.putSchema.required({ id: true }) },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireRight(principal, formDocument(formId), 'write', 'form_not_found');
      const { body } = request;
      if (body.id !== undefined && body.id !== formId) {
        throw new Problem('validation_failed', 'The id of the body is not that of the path.', {
          errors: [{ path: 'id', message: `is "${body.id}", not "${formId}"` }],
        });
      }
      const { form, etag } = await forms.replace(principal, { ...body, id: formId }, request.headers['if-match']);
      reply.header('etag', etag);
      return form;
    },
  );

  api.delete(
    '/forms/:formId',
    {
      schema: {
        tags,
        summary: 'Delete a form with everything that belongs to it',
        params: schemas.formParams,
        response: { 200: schemas.receiptSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireRight(principal, formDocument(formId), 'own', 'form_not_found');
      const receipt = await forms.erase(principal, formId, request.headers['if-match']);
      await audit.record(principal, 'form.erased', { formId });
      return {
        ...receipt,
        erasedAt: timeOf(receipt.documents[0]?.erasedAt ?? Date.now()),
        documents: receipt.documents.map(({ document, updates, bytes }) => ({ document, updates, bytes })),
      };
    },
  );

  api.get(
    '/forms/:formId/presence',
    { schema: { tags, summary: 'Who is here', params: schemas.formParams, response: { 200: schemas.presenceSchema } } },
    async (request) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireRight(principal, formDocument(formId), 'read', 'form_not_found');
      const states = await forms.presence(formId);
      return {
        data: shownPresence(principal, formId, states, activities.activities(formId)),
        nextCursor: null,
      };
    },
  );

  api.get(
    '/forms/:formId/export',
    {
      schema: {
        tags,
        summary: 'The form in the format of another builder, or the JSON Schema of its answers',
        params: schemas.formParams,
        querystring: schemas.exportQuery,
        response: { 200: z.unknown() },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      requireRight(callerOf(request), formDocument(formId), 'read', 'form_not_found');
      const { content, report } = await forms.export(formId, request.query.format);
      // How much the format had no place for; what it was says the body of an import of it.
      reply.header('x-formloom-losses', String(report.length));
      return content;
    },
  );

  api.post(
    '/forms/:formId/publish',
    {
      schema: {
        tags,
        summary: 'Freeze the draft as a new version',
        params: schemas.formParams,
        querystring: schemas.publishQuery,
        response: { 200: schemas.publishedSchema, 201: schemas.publishedSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireRight(principal, formDocument(formId), 'own', 'form_not_found');
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
        params: schemas.formParams,
        querystring: schemas.listQuery.pick({ limit: true, cursor: true }),
        response: { 200: schemas.versionListSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      requireRight(callerOf(request), formDocument(formId), 'read', 'form_not_found');
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
        params: schemas.formParams,
        querystring: schemas.diffQuery,
        response: { 200: schemas.diffSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      requireRight(callerOf(request), formDocument(formId), 'read', 'form_not_found');
      const { changes, impact } = await forms.diff(formId, request.query.from, request.query.to);
      return { changes: [...changes], impact };
    },
  );

  api.get(
    '/forms/:formId/changes',
    {
      schema: {
        tags,
        summary: 'Who changed what, newest first',
        params: schemas.formParams,
        querystring: schemas.changesQuery,
        response: { 200: schemas.changesSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      requireBackstage(callerOf(request), formDocument(formId), 'form_not_found');
      await forms.read(formId);
      const { limit, cursor, fieldId, userId, since } = request.query;
      const page = await forms.history.changes(
        formDocument(formId),
        { fieldId, userId, since: since === undefined ? undefined : Date.parse(since) },
        { limit, cursor: cursor ?? null },
      );
      return { data: page.data.map(shownChange), nextCursor: page.nextCursor };
    },
  );

  api.get(
    '/forms/:formId/fields/:fieldId/history',
    {
      schema: {
        tags,
        summary: 'Who changed a field, newest first, and who wrote each property as it is',
        params: schemas.fieldParams,
        querystring: schemas.changesQuery.omit({ fieldId: true }),
        response: { 200: schemas.fieldHistorySchema },
      },
    },
    async (request) => {
      const { formId, fieldId } = request.params;
      requireBackstage(callerOf(request), formDocument(formId), 'form_not_found');
      await forms.read(formId);
      const { limit, cursor, userId, since } = request.query;
      const document = formDocument(formId);
      const page = await forms.history.changes(
        document,
        { fieldId, userId, since: since === undefined ? undefined : Date.parse(since) },
        { limit, cursor: cursor ?? null },
      );
      const blame = await forms.history.blame(document, fieldId);
      if (Object.keys(blame).length === 0)
        throw new Problem('field_not_found', `The form never had a field "${fieldId}".`);
      return {
        data: page.data.map(shownChange),
        nextCursor: page.nextCursor,
        blame: Object.fromEntries(
          Object.entries(blame).map(([name, { user, at }]) => [name, { user, at: timeOf(at) }]),
        ),
      };
    },
  );
};

function shownChange(change: RecordedChange): z.infer<typeof schemas.loggedChangeSchema> {
  const { id, at, user, source, kind, target, property, before, after } = change;
  const [area, fieldId] = target.split('/');
  return {
    id,
    at: timeOf(at),
    user,
    source,
    kind,
    target,
    fieldId: area === 'fields' ? (fieldId ?? null) : null,
    property: property ?? null,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}
