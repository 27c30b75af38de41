/** `/alert-rules`: when somebody is to be told. Built-in rules can be changed, and set back by deleting them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { METRICS, type Rule } from '../../server/alerts/index.js';
import { callerOf } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import type { AlertRoutesOptions } from './routes.js';
import * as schemas from './schemas.js';

const tags = ['alerts'];

export const ruleRoutes: FastifyPluginAsyncZod<AlertRoutesOptions> = async (api, { alerts, audit }) => {
  api.get(
    '/alert-rules',
    { schema: { tags, summary: 'Alert rules, built-in ones first', response: { 200: schemas.ruleListSchema } } },
    async () => ({ data: alerts.listRules().map(shown), nextCursor: null, metrics: METRICS }),
  );

  api.post(
    '/alert-rules',
    {
      schema: {
        tags,
        summary: 'Make a rule on a metric or on a pattern of events',
        body: schemas.ruleRequestSchema,
        response: { 201: schemas.ruleSchema },
      },
    },
    async (request, reply) => {
      const principal = callerOf(request);
      const { id, ...settings } = request.body;
      const rule = await alerts.createRule(principal, id, settings);
      await audit.record(principal, 'alert-rule.created', { rule: rule.id });
      return reply.code(201).header('location', `/api/v1/alert-rules/${rule.id}`).send(shown(rule));
    },
  );

  api.get(
    '/alert-rules/:id',
    { schema: { tags, summary: 'A rule', params: schemas.idParams, response: { 200: schemas.ruleSchema } } },
    async (request) => shown(alerts.getRule(request.params.id)),
  );

  api.put(
    '/alert-rules/:id',
    {
      schema: {
        tags,
        summary: 'Replace the settings of a rule; in force on every node at once',
        params: schemas.idParams,
        body: schemas.ruleChangeSchema,
        response: { 200: schemas.ruleSchema },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const rule = await alerts.changeRule(principal, request.params.id, request.body);
      await audit.record(principal, 'alert-rule.changed', { rule: rule.id });
      return shown(rule);
    },
  );

  api.delete(
    '/alert-rules/:id',
    {
      schema: {
        tags,
        summary: 'Delete a rule, and resolve its alerts; a built-in one is as it was made again',
        params: schemas.idParams,
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await alerts.deleteRule(id);
      await audit.record(callerOf(request), 'alert-rule.deleted', { rule: id });
      return reply.code(204).send();
    },
  );

  api.post(
    '/alert-rules/:id/test',
    {
      schema: {
        tags,
        summary: 'What the rule sees now, on this node; nothing fires',
        params: schemas.idParams,
        response: { 200: schemas.ruleTestSchema },
      },
    },
    async (request) => {
      const observations = await alerts.testRule(request.params.id);
      return {
        isOver: observations.some(({ isOver }) => isOver),
        observations: observations.map(({ labels, value, isOver, evidence }) => ({
          labels: { ...labels },
          value,
          isOver,
          evidence: { ...evidence },
        })),
      };
    },
  );
};

function shown({ changedAt, ...rule }: Rule): z.infer<typeof schemas.ruleSchema> {
  return { ...rule, changedAt: changedAt === null ? null : timeOf(changedAt) };
}
