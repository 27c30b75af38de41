/**
 * What the schemas of the routes do not say by themselves, added to the generated document: examples, the problems that
 * an operation answers with, headers that all share. Schemas that nothing refers to are left out.
 */
import { PROBLEMS, type ProblemCode } from '../http/problem.js';
import { BODIES } from './bodies.js';
import { sample, type Components, type Schema } from './sample.js';

interface Media {
  schema?: Schema;
  example?: unknown;
}
interface Parameter {
  $ref?: string;
  name?: string;
  in?: string;
  schema?: Schema;
  example?: unknown;
}
interface Answer {
  $ref?: string;
  content?: Record<string, Media>;
  headers?: Record<string, unknown>;
}
interface Operation {
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Media> };
  responses: Record<string, Answer>;
  security?: readonly unknown[];
}
export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> } & Record<string, unknown>;
}

/** The code that stands for its status in examples. */
const EXAMPLES: Readonly<Record<string, { readonly code: ProblemCode; readonly detail: string }>> = {
  400: { code: 'malformed_json', detail: 'The body is not JSON.' },
  401: { code: 'token_missing', detail: 'A token is needed.' },
  403: { code: 'forbidden', detail: 'The token does not give the right to change "form/visit".' },
  404: { code: 'form_not_found', detail: 'There is no form "visit".' },
  409: { code: 'conflict', detail: 'Version 2 was published meanwhile.' },
  412: { code: 'stale', detail: 'It is "q5zXQm1n…" now; read it again, then repeat the change.' },
  413: { code: 'too_large', detail: 'Request body is too large' },
  415: { code: 'unsupported_media_type', detail: 'Unsupported Media Type' },
  422: { code: 'validation_failed', detail: 'limit: Too big: expected number to be <=200' },
  429: { code: 'rate_limited', detail: 'The budget of this user is spent.' },
  503: { code: 'storage_unavailable', detail: 'The store cannot be reached.' },
};
const PROBLEM_REF = { $ref: '#/components/schemas/Problem' };
const RETRY_AFTER = { 'Retry-After': { schema: { type: 'integer', minimum: 1 }, description: 'Seconds.' } };
const RATE_LIMIT = Object.fromEntries(
  ['Limit', 'Remaining', 'Reset'].map((name) => [`RateLimit-${name}`, { schema: { type: 'integer' } }]),
);
const WRITES: ReadonlySet<string> = new Set(['post', 'put', 'patch', 'delete']);
/** Where a tag is answered and compared: of what is there. What is made new has none yet. */
const TAGGED =
  /^\/api\/v1\/forms\/\{formId\}(?!.*\/(?:activity|subscription|lock|files|validate|threads|submissions(?:\/migration)?)$)/;

/** @param generated it is not changed */
export function completed(generated: OpenApiDocument): OpenApiDocument {
  const document = withoutShared(generated);
  const { schemas } = document.components;
  document.components['responses'] = problemResponses();
  document.components['parameters'] = sharedParameters();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      complete(operation, method, path, schemas);
    }
  }
  document.components.schemas = referenced(document);
  return document;
}

/** What recursive schemas share is generated below `__shared`, at a place that no reference can name. */
function withoutShared(generated: OpenApiDocument): OpenApiDocument {
  const text = JSON.stringify(generated).replaceAll('/__shared#/$defs/schema', '/Shared');
  const document = JSON.parse(text) as OpenApiDocument;
  const { __shared: shared, ...schemas } = document.components.schemas;
  for (const [name, schema] of Object.entries(shared?.$defs ?? {})) schemas[name.replace('schema', 'Shared')] = schema;
  document.components.schemas = schemas;
  return document;
}

function complete(operation: Operation, method: string, path: string, schemas: Components): void {
  const { parameters = [], requestBody, responses } = operation;
  for (const parameter of parameters) {
    parameter.example ??= sample(parameter.schema ?? {}, schemas, parameter.name);
  }
  const curated = BODIES[`${method.toUpperCase()} ${path.replace('/api/v1', '')}`];
  for (const [type, media] of Object.entries(requestBody?.content ?? {})) {
    if (!type.includes('json')) continue;
    media.example ??= curated ?? sample(media.schema ?? {}, schemas);
    if (requestBody !== undefined && isNullable(media.schema ?? {})) requestBody.required = false;
  }
  for (const [status, answer] of Object.entries(responses)) {
    for (const [type, media] of Object.entries(answer.content ?? {})) {
      if (type === 'application/json') media.example ??= sample(media.schema ?? {}, schemas);
    }
    if (status === '201') {
      answer.headers = { Location: { schema: { type: 'string' }, description: 'Where it is.' }, ...answer.headers };
    }
  }
  const isWrite = WRITES.has(method);
  const isTagged = isWrite && TAGGED.test(path);
  if (isWrite) parameters.push({ $ref: '#/components/parameters/IdempotencyKey' });
  if (isTagged) parameters.push({ $ref: '#/components/parameters/IfMatch' });
  if (parameters.length > 0) operation.parameters = parameters;
  const hasBody = requestBody !== undefined;
  const isPublic = operation.security?.length === 0;
  const statuses = [
    ...(hasBody ? [400, 413, 415] : []),
    ...(isPublic ? [] : [401, 403]),
    ...(path.includes('{') ? [404] : []),
    ...(isWrite ? [409] : []),
    ...(isTagged ? [412] : []),
    ...(hasBody || parameters.some(({ in: place }) => place === 'query') ? [422] : []),
    ...[429, 503],
  ];
  for (const status of statuses) {
    if (!Object.hasOwn(responses, status)) responses[status] = { $ref: `#/components/responses/Problem${status}` };
  }
}

function problemResponses(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(EXAMPLES).map(([status, { code, detail }]) => {
      const { title } = PROBLEMS[code];
      const errors =
        status === '422' ? [{ path: 'querystring.limit', message: 'Too big: expected number to be <=200' }] : [];
      const example = {
        ...{ type: `urn:formloom:problem:${code}`, title, status: Number(status), detail },
        ...{ instance: '/api/v1/forms/visit', code },
        ...(errors.length > 0 ? { errors } : {}),
      };
      const headers = { ...(status === '429' ? RATE_LIMIT : {}), ...(Number(status) >= 429 ? RETRY_AFTER : {}) };
      return [
        `Problem${status}`,
        {
          description: title,
          ...(Object.keys(headers).length > 0 ? { headers } : {}),
          content: { 'application/problem+json': { schema: PROBLEM_REF, example } },
        },
      ];
    }),
  );
}

function sharedParameters(): Record<string, unknown> {
  return {
    IdempotencyKey: {
      ...{ name: 'Idempotency-Key', in: 'header', required: false, example: 'add-when-1' },
      description: 'Repeated with the same request it gets the same answer for 24 hours; with another one: 409.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
    IfMatch: {
      ...{ name: 'If-Match', in: 'header', required: false, example: '"hz9TMeWJwgRXonutOvWn9OqKASV"' },
      description: 'The ETag that the change is meant for; 412 when it is another one. Without it, changes merge.',
      schema: { type: 'string' },
    },
  };
}

const isNullable = ({ type, anyOf = [] }: Schema): boolean =>
  type === 'null' || (Array.isArray(type) && type.includes('null')) || anyOf.some(isNullable);

/** The schemas that something refers to, directly or through others. */
function referenced(document: OpenApiDocument): Record<string, Schema> {
  const { schemas, ...others } = document.components;
  const found = new Map<string, Schema>();
  const visit = (part: unknown): void => {
    for (const [, id = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"/]+)/g)) {
      const schema = schemas[id];
      if (schema === undefined || found.has(id)) continue;
      found.set(id, schema);
      visit(schema);
    }
  };
  visit([document.paths, others]);
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
