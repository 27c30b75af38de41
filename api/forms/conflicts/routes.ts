/** `/forms/:formId/conflicts`, `/forms/:formId/policy`, `/forms/:formId/fields/:fieldId/lock`. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Conflict } from '../../../crdt/index.js';
import type { AuditLog } from '../../audit/audit-log.js';
import { timeOf } from '../../http/pages.js';
import { formCaller } from '../rights.js';
import { fieldParams, formParams } from '../schemas.js';
import * as schemas from './schemas.js';
import type { ConflictService } from './service.js';

const tags = ['forms'];

export interface ConflictRoutesOptions {
  readonly conflicts: ConflictService;
  readonly audit: AuditLog;
}

export const conflictRoutes: FastifyPluginAsyncZod<ConflictRoutesOptions> = async (api, { conflicts, audit }) => {
  api.get(
    '/forms/:formId/conflicts',
    {
      schema: {
        tags,
        summary: 'Open conflicts with their candidates',
        params: formParams,
        response: { 200: schemas.conflictListSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      formCaller(request, 'view');
      const { conflicts: open, etag } = await conflicts.list(formId);
      reply.header('etag', etag).header('cache-control', 'no-cache');
      return { data: open.map(shown), nextCursor: null };
    },
  );

  api.post(
    '/forms/:formId/conflicts/:conflictId/resolution',
    {
      schema: {
        tags,
        summary: 'Close a conflict with one of its candidates or another value',
        params: schemas.conflictParams,
        body: schemas.resolutionSchema,
        response: { 200: schemas.conflictListSchema.describe('What is still open.') },
      },
    },
    async (request) => {
      const { formId, conflictId } = request.params;
      const principal = formCaller(request, 'write');
      const left = await conflicts.resolve(principal, formId, conflictId, request.body, request.headers['if-match']);
      return { data: left.map(shown), nextCursor: null };
    },
  );

  api.get(
    '/forms/:formId/policy',
    {
      schema: {
        tags,
        summary: 'What becomes of concurrent writes',
        params: formParams,
        response: { 200: schemas.policySchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      formCaller(request, 'view');
      const { policy, etag } = await conflicts.policy(formId);
      reply.header('etag', etag);
      return policy;
    },
  );

  api.put(
    '/forms/:formId/policy',
    {
      schema: {
        tags,
        summary: 'Say what becomes of concurrent writes: last-writer-wins, merge or manual, per form and property',
        params: formParams,
        body: schemas.policySchema,
        response: { 200: schemas.policySchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = formCaller(request, 'own');
      const { policy, etag } = await conflicts.setPolicy(principal, formId, request.body, request.headers['if-match']);
      await audit.record(principal, 'form.policy', { formId });
      reply.header('etag', etag);
      return policy;
    },
  );

  api.put(
    '/forms/:formId/fields/:fieldId/lock',
    {
      schema: {
        tags,
        summary: 'Lock a field for yourself, or keep it locked for longer',
        params: fieldParams,
        body: schemas.lockRequestSchema,
        response: { 200: schemas.lockSchema },
      },
    },
    async (request) => {
      const { formId, fieldId } = request.params;
      const principal = formCaller(request, 'write');
      const { holder, since, until } = await conflicts.lock(principal, formId, fieldId, request.body.seconds);
      return { fieldId, holder, since: timeOf(since), expiresAt: timeOf(until) };
    },
  );

  api.delete(
    '/forms/:formId/fields/:fieldId/lock',
    { schema: { tags, summary: 'Release a field', params: fieldParams, response: { 204: z.void() } } },
    async (request, reply) => {
      const { formId, fieldId } = request.params;
      const principal = formCaller(request, 'write');
      await conflicts.unlock(principal, formId, fieldId);
      return reply.code(204).send();
    },
  );
};

function shown(conflict: Conflict): z.infer<typeof schemas.conflictSchema> {
  return {
    ...conflict,
    candidates: conflict.candidates.map((candidate) => ({
      ...candidate,
      at: candidate.at === null ? null : timeOf(candidate.at),
    })),
  };
}
