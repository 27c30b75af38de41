/** The OpenAPI 3.1 document, generated from the schemas of the routes, and a page to browse it that loads nothing from elsewhere. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PROBLEMS } from '../http/problem.js';
import { completed, type OpenApiDocument } from './completed.js';

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as [string, ...string[]]),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' });

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted',
  204: 'Done; nothing to say',
  503: 'Not available',
};

/**
 * The page's own scripts and styles, nothing from elsewhere. Without `upgrade-insecure-requests`, which the plugin's own
 * policy has: a server on plain HTTP would be asked for its scripts over HTTPS.
 */
const DOCS_POLICY = {
  'default-src': "'self'",
  'base-uri': "'self'",
  'font-src': ["'self'", 'data:'],
  'frame-ancestors': "'self'",
  'img-src': ["'self'", 'data:'],
  'object-src': "'none'",
  'script-src': "'self'",
  'script-src-attr': "'none'",
  'style-src': "'self'",
};

/** Before the routes are registered. */
export async function addOpenApi(api: FastifyInstance, version: string): Promise<void> {
  const transform = createJsonSchemaTransform({ skipList: ['/metrics', '/'] });
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Formloom',
        version,
        description: 'Collaboration server for form documents: the REST surface beside the WebSocket sync.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'forms', description: 'Drafts, versions, history' },
        { name: 'comments', description: 'Threads on forms, reactions, presence without a socket, subscriptions' },
        { name: 'notifications', description: 'What concerns you, and what you want to hear' },
        { name: 'submissions', description: 'Answer sheets, from their start to what becomes of them' },
        { name: 'documents', description: 'Any Yjs document, as bytes and facts' },
        { name: 'sync', description: 'The sync protocol where no WebSocket passes' },
        { name: 'snapshots', description: 'Named versions and the way back' },
        { name: 'backups', description: 'Archives of the whole installation' },
        { name: 'tokens', description: 'Access tokens' },
        { name: 'analytics', description: 'Figures of forms, and who uses them' },
        { name: 'events', description: 'What happens, as a feed and by webhooks' },
        { name: 'optimization', description: 'Pools, queues, dead letters, breakers and the tuner' },
        { name: 'alerts', description: 'Rules, what they found wrong, and silences' },
        { name: 'operations', description: 'What operators see and steer' },
        { name: 'health', description: 'Liveness and readiness' },
      ],
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
      security: [{ token: [] }],
    },
    hideUntagged: true,
    transform: (input) => {
      const { schema, url } = transform(input);
      const shown = schema as { response?: Record<string, unknown>; operationId?: string };
      shown.operationId ??= operationId(String(input.route.method), url);
      shown.response = Object.fromEntries(
        Object.entries(shown.response ?? { 200: { type: 'string', format: 'binary' } }).map(([status, content]) => [
          status,
          { description: STATUS_TEXT[Number(status)] ?? 'An answer', ...(content as object) },
        ]),
      );
      shown.response['default'] = {
        description: 'A problem document (RFC 9457)',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      };
      // A wildcard has no name in the router; here it stands for a document, whose name may hold slashes.
      return { schema: shown, url: url.replace(/\*$/, ':document') };
    },
    transformObject: (input) => {
      const object = createJsonSchemaTransformObject({})(input) as {
        components?: { schemas?: Record<string, unknown> };
      };
      object.components ??= {};
      object.components.schemas ??= {};
      object.components.schemas['Problem'] ??= z.toJSONSchema(problemSchema, { target: 'draft-2020-12' });
      return completed(object as OpenApiDocument);
    },
  });
  await api.register(swaggerUi, {
    routePrefix: '/api/v1/docs',
    staticCSP: DOCS_POLICY,
    uiConfig: { docExpansion: 'list', deepLinking: true },
    theme: { title: 'Formloom API' },
  });
  api.get('/api/v1/openapi.json', { config: { isPublic: true }, schema: { hide: true } }, async () => api.swagger());
}

/** Such as `getFormsByFormId`. */
function operationId(method: string, url: string): string {
  const parts = url
    .replace('/api/v1', '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part.startsWith(':') || part.startsWith('{') ? `By-${part.replace(/[:{}]/g, '')}` : part));
  const name = parts
    .flatMap((part) => part.split(/[^A-Za-z0-9]+/))
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return method.toLowerCase() + name.join('');
}
