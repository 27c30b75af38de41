/** Who changed what in a form, and who wrote each property of a field as it is. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { RecordedChange } from '../../../server/history/index.js';
import { timeOf } from '../../http/pages.js';
import { Problem } from '../../http/problem.js';
import { formCaller } from '../rights.js';
import { fieldParams, formParams } from '../schemas.js';
import { formDocument, type FormService } from '../service.js';
import * as schemas from './schemas.js';

const tags = ['forms'];

export const historyRoutes: FastifyPluginAsyncZod<{ readonly forms: FormService }> = async (api, { forms }) => {
  api.get(
    '/forms/:formId/changes',
    {
      schema: {
        tags,
        summary: 'Who changed what, newest first',
        params: formParams,
        querystring: schemas.changesQuery,
        response: { 200: schemas.changesSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      formCaller(request, 'view');
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
        params: fieldParams,
        querystring: schemas.changesQuery.omit({ fieldId: true }),
        response: { 200: schemas.fieldHistorySchema },
      },
    },
    async (request) => {
      const { formId, fieldId } = request.params;
      formCaller(request, 'view');
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
  const { id, at, user, source, kind, target, property, before, after, position } = change;
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
    ...(position === undefined ? {} : { position }),
  };
}
