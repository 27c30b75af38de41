/** `/alerts`: what is wrong now, or was within 30 days. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { Alert } from '../../server/alerts/index.js';
import type { AuditLog } from '../audit/audit-log.js';
import { callerOf, requireAdmin } from '../http/caller.js';
import { timeOf } from '../http/pages.js';
import { ruleRoutes } from './rule-routes.js';
import * as schemas from './schemas.js';
import type { AlertService } from './service.js';
import { silenceRoutes } from './silence-routes.js';

const tags = ['alerts'];

export interface AlertRoutesOptions {
  readonly alerts: AlertService;
  readonly audit: AuditLog;
}

export const alertRoutes: FastifyPluginAsyncZod<AlertRoutesOptions> = async (api, options) => {
  const { alerts, audit } = options;
  // Before bodies are judged: who is no administrator learns nothing of them.
  api.addHook('preValidation', async (request) => requireAdmin(callerOf(request)));
  await api.register(ruleRoutes, options);
  await api.register(silenceRoutes, options);

  api.get(
    '/alerts',
    {
      schema: {
        tags,
        summary: 'Alerts, newest first',
        querystring: schemas.alertListQuery,
        response: { 200: schemas.alertListSchema },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const { data, nextCursor } = await alerts.list(filter, { limit, cursor: cursor ?? null });
      return { data: data.map(shown), nextCursor };
    },
  );

  api.get(
    '/alerts/:id',
    { schema: { tags, summary: 'An alert', params: schemas.idParams, response: { 200: schemas.alertSchema } } },
    async (request) => shown(await alerts.get(request.params.id)),
  );

  const acts = { acknowledge: 'acknowledged', resolve: 'resolved' } as const;
  const summaries = {
    acknowledge: 'Say that somebody is at it',
    resolve: 'Resolve an alert by hand; it fires again once its condition was over and comes back',
  };
  for (const verb of ['acknowledge', 'resolve'] as const) {
    api.post(
      `/alerts/:id/${verb}`,
      {
        schema: {
          tags,
          summary: summaries[verb],
          params: schemas.idParams,
          body: schemas.noteSchema,
          response: { 200: schemas.alertSchema },
        },
      },
      async (request) => {
        const principal = callerOf(request);
        const { id } = request.params;
        const alert = await alerts.act(id, acts[verb], principal, request.body?.note ?? '');
        await audit.record(principal, `alert.${acts[verb]}`, { alert: id, rule: alert.ruleId });
        return shown(alert);
      },
    );
  }
};

function shown(alert: Alert): z.infer<typeof schemas.alertSchema> {
  const { id, ruleId, name, severity, state, labels, evidence, firedAt, resolvedAt, resolvedBy } = alert;
  return {
    ...{ id, ruleId, name, severity, state, labels, evidence },
    since: timeOf(firedAt),
    isSilenced: alert.announcedAt === null,
    resolvedAt: resolvedAt === null ? null : timeOf(resolvedAt),
    resolvedBy,
    history: alert.history.map(({ at, ...entry }) => ({ time: timeOf(at), ...entry })),
  };
}
