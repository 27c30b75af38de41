/** `/analytics`: figures, and what clients tell for them. */
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { mayAdminister, seesBackstage, type Principal } from '../../server/auth/index.js';
import { callerOf, requireAdmin, requireBackstage } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { Problem } from '../http/problem.js';
import type { ClientEvents } from './client-events.js';
import { sendCsv, wantsCsv } from './csv-answer.js';
import { csvLive, csvOverview, csvReport, csvUser, type CsvQuestion } from './csv-report.js';
import * as schemas from './schemas.js';
import type { AnalyticsService } from './service.js';

const tags = ['analytics'];
const ofForm = '/analytics/forms/:formId';

export interface AnalyticsRoutesOptions {
  readonly service: AnalyticsService;
  readonly clientEvents: ClientEvents;
}

type Question = Pick<CsvQuestion, 'report'> & Partial<CsvQuestion>;
const NO_QUESTION: Omit<CsvQuestion, 'report'> = {
  ...{ fieldId: undefined, userId: undefined, metric: undefined, from: undefined, to: undefined },
  step: 'hour',
};

export const analyticsRoutes: FastifyPluginAsyncZod<AnalyticsRoutesOptions> = async (api, options) => {
  const { service, clientEvents } = options;
  /** One report of a form as CSV. */
  const csvOf = async (reply: FastifyReply, formId: string, question: Question): Promise<FastifyReply> =>
    sendCsv(reply, `${formId}-${question.report}`, await csvReport(service, formId, { ...NO_QUESTION, ...question }));

  api.get(
    '/analytics/overview',
    {
      schema: {
        tags,
        summary: 'All forms: totals, live counts, the busiest',
        querystring: schemas.answerQuery,
        response: { 200: schemas.overviewSchema },
      },
    },
    async (request, reply) => {
      requireAdmin(callerOf(request));
      const overview = await service.overview();
      return wantsCsv(request) ? sendCsv(reply, 'overview', csvOverview(overview)) : overview;
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
    async (request, reply) => {
      const principal = callerOf(request);
      const live = service.live((formId) => seesBackstage(principal, `form/${formId}`), request.query.limit);
      return wantsCsv(request) ? sendCsv(reply, 'live', csvLive(live)) : live;
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
        querystring: schemas.answerQuery,
        response: { 200: schemas.userReportSchema },
      },
    },
    async (request, reply) => {
      const { userId } = request.params;
      requireSelf(callerOf(request), userId);
      const user = await service.user(userId);
      return wantsCsv(request) ? sendCsv(reply, `user-${userId}`, csvUser(user)) : user;
    },
  );

  api.get(
    ofForm,
    {
      schema: {
        tags,
        summary: 'A form: views, starts, submissions, rates, median time',
        params: schemas.formParams,
        querystring: schemas.answerQuery,
        response: { 200: schemas.formReportSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      return wantsCsv(request) ? csvOf(reply, formId, { report: 'summary' }) : service.form(formId);
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
    async (request, reply) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      const { metric, step, ...range } = request.query;
      if (wantsCsv(request)) return csvOf(reply, formId, { report: 'timeseries', metric, step, ...timesOf(range) });
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
        querystring: schemas.answerQuery,
        response: { 200: schemas.funnelSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      return wantsCsv(request) ? csvOf(reply, formId, { report: 'funnel' }) : service.funnel(formId);
    },
  );

  api.get(
    `${ofForm}/fields/:fieldId`,
    {
      schema: {
        tags,
        summary: 'A field: how its answers are distributed, errors, corrections, time',
        params: schemas.fieldParams,
        querystring: schemas.answerQuery,
        response: { 200: schemas.fieldReportSchema },
      },
    },
    async (request, reply) => {
      const { formId, fieldId } = request.params;
      requireFigures(callerOf(request), formId);
      return wantsCsv(request) ? csvOf(reply, formId, { report: 'field', fieldId }) : service.field(formId, fieldId);
    },
  );

  api.get(
    `${ofForm}/collaboration`,
    {
      schema: {
        tags,
        summary: 'Who works on a form: authors, edits, concurrent editors, conflicts',
        params: schemas.formParams,
        querystring: schemas.answerQuery,
        response: { 200: schemas.collaborationSchema },
      },
    },
    async (request, reply) => {
      const { formId } = request.params;
      requireFigures(callerOf(request), formId);
      return wantsCsv(request) ? csvOf(reply, formId, { report: 'collaboration' }) : service.collaboration(formId);
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
      const { view = 'summary', report = view, fieldId, userId, metric, step, ...range } = request.query;
      if (report === 'user' && userId !== undefined) requireSelf(callerOf(request), userId);
      return csvOf(reply, formId, { report, fieldId, userId, metric, step, ...timesOf(range) });
    },
  );
};

/** @throws Problem `form_not_found`, `forbidden` for who fills the form */
function requireFigures(principal: Principal, formId: string): void {
  requireBackstage(principal, `form/${formId}`, 'form_not_found');
}

/** @throws Problem `forbidden` */
function requireSelf(principal: Principal, userId: string): void {
  if (principal.id === userId || mayAdminister(principal)) return;
  throw new Problem('forbidden', 'Only an administrator sees what somebody else did.');
}

const timesOf = (range: {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}): { from: number | undefined; to: number | undefined } => ({
  from: range.from === undefined ? undefined : Date.parse(range.from),
  to: range.to === undefined ? undefined : Date.parse(range.to),
});
