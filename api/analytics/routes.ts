/** `/analytics`: figures, and what clients tell for them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { mayAdminister, seesBackstage, type Principal } from '../../server/auth/index.js';
import { callerOf, requireAdmin, requireBackstage } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import type { ClientEvents } from './client-events.js';
import { csvReport } from './csv-report.js';
import * as schemas from './schemas.js';
import type { AnalyticsService } from './service.js';

const tags = ['analytics'];
const ofForm = '/analytics/forms/:formId';

export interface AnalyticsRoutesOptions {
  readonly service: AnalyticsService;
  readonly clientEvents: ClientEvents;
}

export const analyticsRoutes: FastifyPluginAsyncZod<AnalyticsRoutesOptions> = async (api, options) => {
  const { service, clientEvents } = options;

  api.get(
    '/analytics/overview',
    {
      schema: {
        tags,
        summary: 'All forms: totals, live counts, the busiest',
        response: { 200: schemas.overviewSchema },
      },
    },
    async (request) => {
      requireAdmin(callerOf(request));
      return service.overview();
    },
  );

  api.get(
    '/analytics/live',
    {
      schema: {
        tags,
        summary: 'Now: editors, respondents, edits per minute, by form',
        querystring: schemas.liveQuery,
        response: { 200: schemas.liveSchema },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      return service.live((formId) => seesBackstage(principal, `form/${formId}`), request.query.limit);
    },
  );

  api.post(
    '/analytics/events',
    {
      schema: {
        tags,
        summary: 'What a client saw: views, focus and leaving; all of the batch or nothing',
        body: schemas.clientEventsSchema,
        response: { 202: schemas.acceptedSchema },
      },
    },
    async (request, reply) => {
      const { events } = request.body;
      await clientEvents.take(callerOf(request), events);
      return reply.code(202).send({ accepted: events.length });
    },
  );

  api.get(
    '/analytics/users/:userId',
    {
      schema: {
        tags,
        summary: 'What a user did, by form and day',
        params: schemas.userParams,
        response: { 200: schemas.userReportSchema },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { userId } = request.params;
      if (principal.id !== userId && !mayAdminister(principal)) {
        throw new Problem('forbidden', 'Only an administrator sees what somebody else did.');
      }
      return service.user(userId);
    },
  );

  api.get(
    ofForm,
    {
      schema: {
        tags,
        summary: 'A form: views, starts, submissions, rates, median time',
        params: schemas.formParams,
        response: { 200: schemas.formReportSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      return service.form(formId);
    },
  );

  api.get(
    `${ofForm}/timeseries`,
    {
      schema: {
        tags,
        summary: 'One figure over time',
        params: schemas.formParams,
        querystring: schemas.seriesQuery,
        response: { 200: schemas.seriesSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      const { metric, step, ...range } = request.query;
      const { from, to, points } = await service.series(formId, { ...timesOf(range), step });
      return {
        ...{ formId, metric, step, from: timeOf(from), to: timeOf(to) },
        points: points.map(({ time, values }) => ({ time: timeOf(time), value: values[metric] })),
      };
    },
  );

  api.get(
    `${ofForm}/funnel`,
    {
      schema: {
        tags,
        summary: 'How many reached, answered and left each page and field',
        params: schemas.formParams,
        response: { 200: schemas.funnelSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      return service.funnel(formId);
    },
  );

  api.get(
    `${ofForm}/fields/:fieldId`,
    {
      schema: {
        tags,
        summary: 'A field: how its answers are distributed, errors, corrections, time',
        params: schemas.fieldParams,
        response: { 200: schemas.fieldReportSchema },
      },
    },
    async (request) => {
      const { formId, fieldId } = request.params;
      requireFigures(callerOf(request), formId);
      return service.field(formId, fieldId);
    },
  );

  api.get(
    `${ofForm}/collaboration`,
    {
      schema: {
        tags,
        summary: 'Who works on a form: authors, edits, concurrent editors, conflicts',
        params: schemas.formParams,
        response: { 200: schemas.collaborationSchema },
      },
    },
    async (request) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      return service.collaboration(formId);
    },
  );

  api.get(
    `${ofForm}/export`,
    {
      schema: {
        tags,
        summary: 'Any of these as CSV',
        params: schemas.formParams,
        querystring: schemas.exportQuery,
        produces: ['text/csv'],
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      const { view = 'summary', report = view, fieldId, metric, step, ...range } = request.query;
      const csv = await csvReport(service, formId, { report, fieldId, metric, step, ...timesOf(range) });
      return reply
        .type('text/csv; charset=utf-8; header=present')
        .header('content-disposition', `attachment; filename="${formId}-${report}.csv"`)
        .header('cache-control', 'no-store')
        .send(csv);
    },
  );
};

/** @throws Problem `form_not_found`, `forbidden` for who fills the form */
function requireFigures(principal: Principal, formId: string): void {
  requireBackstage(principal, `form/${formId}`, 'form_not_found');
}

const timesOf = (range: {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}): { from: number | undefined; to: number | undefined } => ({
  from: range.from === undefined ? undefined : Date.parse(range.from),
  to: range.to === undefined ? undefined : Date.parse(range.to),
});
