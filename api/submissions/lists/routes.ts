/** Lists and exports of submissions. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { Readable } from 'node:stream';
import type { SubmissionStatus } from '../../../crdt/submission/index.js';
import { callerOf } from '../../http/caller.js';
import { Problem } from '../../http/problem.js';
import type { SubmissionFilter, SubmissionListing } from './listing.js';
import { requireSomeSheets } from '../access/rights.js';
import * as schemas from '../schemas.js';
import { shown } from '../shown.js';

const tags = ['submissions'];
const FIELD = 'field.';
const TYPES = { csv: 'text/csv; charset=utf-8; header=present', ndjson: 'application/x-ndjson' } as const;

export const listRoutes: FastifyPluginAsyncZod<{ readonly listing: SubmissionListing }> = async (api, { listing }) => {
  api.get(
    '/forms/:formId/submissions',
    {
      schema: {
        tags,
        summary: 'Submissions of a form, newest first; `field.<id>=` looks for an answer',
        params: schemas.formParams,
        querystring: schemas.listQuery,
        response: { 200: schemas.submissionListSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireSomeSheets(principal, formId);
      const { limit, cursor } = request.query;
      const page = await listing.page(principal, formId, filterOf(request.query), { limit, cursor: cursor ?? null });
      return { data: page.data.map(shown), nextCursor: page.nextCursor };
    },
  );

  api.get(
    '/forms/:formId/submissions/export',
    {
      schema: {
        tags,
        summary: 'All submissions, as CSV or as one JSON object a line; streamed',
        params: schemas.formParams,
        querystring: schemas.exportQuery,
        produces: ['text/csv', 'application/x-ndjson'],
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      const principal = callerOf(request);
      requireSomeSheets(principal, formId);
      await listing.requireForm(formId);
      const { format } = request.query;
      const lines = listing[format](principal, formId, filterOf(request.query));
      return reply
        .type(TYPES[format])
        .header('content-disposition', `attachment; filename="${formId}-submissions.${format}"`)
        .header('cache-control', 'no-store')
        .send(Readable.from(lines));
    },
  );
};

interface FilterQuery {
  readonly status?: SubmissionStatus | undefined;
  readonly since?: string | undefined;
  readonly [name: string]: unknown;
}

/** @throws Problem `validation_failed` for a name that comes twice */
function filterOf(query: FilterQuery): SubmissionFilter {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(query)) {
    if (!name.startsWith(FIELD)) continue;
    if (typeof value === 'string') fields.set(name.slice(FIELD.length), value);
    else
      throw new Problem('validation_failed', `${name} is given more than once.`, {
        errors: [{ path: `querystring.${name}`, message: 'is given more than once' }],
      });
  }
  const { status, since } = query;
  return { status, since: since === undefined ? undefined : Date.parse(since), fields };
}
