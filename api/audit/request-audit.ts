/**
 * An entry for every change through the API. A route that knows more writes an entry of its own (`audit.record`); all
 * others get one here, before the answer leaves: who, which route, and which things its path names.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuditLog, AuditScope } from './audit-log.js';

declare module 'fastify' {
  interface FastifyRequest {
    auditScope: AuditScope | undefined;
  }
}

const VERBS = new Map([
  ['POST', 'created'],
  ['PUT', 'changed'],
  ['PATCH', 'changed'],
  ['DELETE', 'deleted'],
]);

/**
 * Below the prefix. What changes nothing that an operator has to answer for, or is kept elsewhere with its author:
 * answers and edits in the log of their document, events and figures in streams of their own.
 */
const UNAUDITED = new Set([
  'POST /analytics/events',
  'POST /events',
  'POST /alert-rules/:id/test',
  'POST /forms/:formId/activity',
  'POST /forms/:formId/submissions',
  'PATCH /forms/:formId/submissions/:id/answers',
  'POST /forms/:formId/submissions/:id/validate',
  'POST /forms/:formId/submissions/:id/submit',
  'POST /submissions/resume',
  'POST /notifications/read',
  'DELETE /notifications/:id',
  'PUT /notifications/settings',
  'POST /sync/*',
]);

/** After `addCaller` and `addIdempotency`: an answer that is given again changes nothing. */
export function addAudit(api: FastifyInstance, audit: AuditLog, prefix: string): void {
  api.decorateRequest('auditScope', undefined);

  api.addHook('preHandler', (request, reply, done) => {
    if (request.caller === undefined || !VERBS.has(request.method) || reply.sent) {
      done();
      return;
    }
    const scope = { isRecorded: false };
    request.auditScope = scope;
    audit.within(scope, done);
  });

  api.addHook('onSend', async (request, reply, payload: unknown) => {
    const { auditScope: scope, caller } = request;
    if (scope === undefined || scope.isRecorded || caller === undefined) return payload;
    if (reply.statusCode < 200 || reply.statusCode >= 300 || isDryRun(request)) return payload;
    const route = (request.routeOptions.url ?? '').slice(prefix.length);
    if (UNAUDITED.has(`${request.method} ${route}`)) return payload;
    scope.isRecorded = true;
    const location = reply.getHeader('location');
    await audit.record(caller, actionOf(request.method, route), {
      ...(request.params as object),
      ...(typeof location === 'string' ? { location } : {}),
    });
    return payload;
  });
}

/** `PATCH /forms/:formId/threads/:threadId` is `forms.threads.changed`. */
function actionOf(method: string, route: string): string {
  const names = route.split('/').filter((part) => part !== '' && !part.startsWith(':'));
  return [...names, VERBS.get(method)].join('.');
}

function isDryRun({ query }: FastifyRequest): boolean {
  return String((query as { dryRun?: unknown }).dryRun) === 'true';
}
