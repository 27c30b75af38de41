/** `/forms`: create, import, list, read, change, re-import, erase, who is here. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newId, type LossReportEntry } from '../../crdt/index.js';
import { can } from '../../server/auth/index.js';
import type { AuditLog } from '../audit/audit-log.js';
import type { ActivityBoard } from '../comments/index.js';
import { callerOf } from '../http/caller.js';
import { isUnchanged } from '../http/etag.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import { parse } from '../http/validation.js';
import { localized } from './localized.js';
import { shownPresence } from './presence.js';
import type { FormState } from './projections.js';
import * as schemas from './schemas.js';
import { formCaller } from './rights.js';
import type { FormService } from './service.js';

const tags = ['forms'];

export interface FormRoutesOptions {
  readonly forms: FormService;
  readonly audit: AuditLog;
  readonly activities: ActivityBoard;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
}

/** Which of the two a body is; the errors of a union would tell of both. */
const isImport = (body: unknown): boolean => typeof body === 'object' && body !== null && 'import' in body;

export const formRoutes: FastifyPluginAsyncZod<FormRoutesOptions> = async (api, options) => {
  const { forms, audit, activities, clock } = options;
  api.post(
    '/forms',
    {
      schema: {
        tags,
        summary: 'Create a form from its JSON, or import one of another builder',
        body: z.union([schemas.importRequestSchema, schemas.newFormSchema]),
        response: { 201: schemas.createdFormSchema },
      },
      validatorCompiler: () => (value: unknown) => ({ value }),
    },
    async (request, reply) => {
      const principal = callerOf(request);
      const body: unknown = request.body;
      let created: FormState & { readonly report: LossReportEntry[] };
      if (isImport(body)) {
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
      formCaller(request, 'read');
      const { version, lang } = request.query;
      const { form, etag } =
        version === undefined ? await forms.read(formId) : await forms.readVersion(formId, version);
      reply.header('etag', etag).header('cache-control', 'no-cache').header('vary', 'origin, authorization, cookie');
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
      const principal = formCaller(request, 'write');
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
        description: 'With `import`, as when creating: the answer is `form` and `report` then.',
        params: schemas.formParams,
        body: z.union([schemas.importIntoSchema, schemas.putSchema]),
        response: { 200: z.union([schemas.createdFormSchema, schemas.putSchema.required({ id: true })]) },
      },
      validatorCompiler: () => (value: unknown) => ({ value }),
    },
    async (request, reply) => {
      const { formId } = parse(schemas.formParams, request.params, 'params');
      const principal = formCaller(request, 'write');
      const ifMatch = request.headers['if-match'];
      if (isImport(request.body)) {
        const { format, source } = parse(schemas.importIntoSchema, request.body).import;
        const { form, etag, report } = await forms.importInto(principal, formId, format, source, ifMatch);
        reply.header('etag', etag);
        return { form, report };
      }
      const body = parse(schemas.putSchema, request.body);
      if (body.id !== undefined && body.id !== formId) {
        throw new Problem('validation_failed', 'The id of the body is not that of the path.', {
          errors: [{ path: 'id', message: `is "${body.id}", not "${formId}"` }],
        });
      }
      const { form, etag } = await forms.replace(principal, { ...body, id: formId }, ifMatch);
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
      const principal = formCaller(request, 'own');
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
      formCaller(request, 'view');
      const states = await forms.presence(formId);
      return {
        data: shownPresence(states, activities.activities(formId), clock()),
        nextCursor: null,
      };
    },
  );
};
