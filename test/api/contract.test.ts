/**
 * What holds for every endpoint, whatever it is for: generated from the OpenAPI document of the running server, so that
 * a new endpoint is asked the same.
 */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import t from 'tap';
import { composeServer } from '../harness/composed-server.js';
import { restClient } from '../harness/rest-client.js';

const ADMIN = 'an-administrators-token-for-tests';
const server = await composeServer({
  env: {
    AUTH: 'jwt',
    JWT_SECRET: 'a-secret-that-signs-tokens-in-tests!',
    ADMIN_TOKEN: ADMIN,
    MAX_FRAME_BYTES: '64 KiB',
  },
});
t.teardown(() => server.cleanup());

interface Media {
  readonly schema: object;
  readonly example?: unknown;
}
interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: { readonly type?: string; readonly enum?: readonly unknown[] };
  readonly example: unknown;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
  readonly security?: readonly unknown[];
}
interface Document {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

/** Streams answer first, and say what is wrong in the stream: `test/security/sockets.test.ts` asks them. */
const isStream = (path: string): boolean => path.startsWith('/api/v1/sync/');

const document = (await restClient(server.http).get('/openapi.json')).body as Document;
const described = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({
    ...{
      path,
      method: method.toUpperCase(),
      operation,
      call: `${method.toUpperCase()} ${path.replace('/api/v1', '')}`,
    },
    jsonBody: operation.requestBody?.content['application/json'],
    own: (operation.parameters ?? []).filter(({ $ref }) => $ref === undefined),
  })),
);
type Endpoint = (typeof described)[number];
const endpoints = described.filter(({ path }) => !isStream(path));

interface Sent {
  readonly token?: string | undefined;
  readonly type?: string;
  readonly body?: string;
  readonly query?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of what is there, instead of the examples, by the names of parameters. */
  readonly ids?: Readonly<Record<string, string>>;
  /** Another server. */
  readonly at?: string;
}

interface Answered {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly { readonly path: string }[];
  readonly response: Response;
}

/** With the ids of the examples: nothing of that name is there. */
async function call(endpoint: Endpoint, sent: Sent): Promise<Answered> {
  const { ids = {}, at = server.http } = sent;
  const path = endpoint.own
    .filter((parameter) => parameter.in === 'path')
    .reduce(
      (filled, { name, example }) => filled.replace(`{${name}}`, encodeURIComponent(ids[name] ?? String(example))),
      endpoint.path,
    );
  const { token = ADMIN, type = 'application/json', body, query = '', method = endpoint.method } = sent;
  const response = await fetch(`${at}${path}${query}`, {
    method,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': type }),
      ...sent.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  if (!isProblem) await response.body?.cancel();
  const { code, errors = [] } = isProblem ? ((await response.json()) as Partial<Answered>) : {};
  return { status: response.status, code: code ?? '', errors, response };
}

/** Calls all of them and names those that answer something else. */
async function expectEach(
  those: readonly Endpoint[],
  sent: (endpoint: Endpoint) => Sent,
  expected: string,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const endpoint of those) {
    const { status, code } = await call(endpoint, sent(endpoint));
    if (`${status} ${code}` !== expected) wrong.push(`${endpoint.call}: ${status} ${code}`);
  }
  return wrong;
}

void t.test('the document is valid, and every operation shows examples that its schemas take', async (t) => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
  t.ok(valid, JSON.stringify(errors));
  t.equal(new Set(described.map(({ operation }) => operation.operationId)).size, described.length);
  const tags = new Set(document.tags.map(({ name }) => name));
  const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true });
  formats.default(ajv);
  ajv.addSchema({ $id: 'all', components: document.components });
  const wrong: string[] = [];
  const check = (where: string, schema: object, example: unknown): void => {
    if (example === undefined) return void wrong.push(`${where} has no example`);
    const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"all#/components')) as object;
    const validate = ajv.compile(local);
    if (!validate(example)) wrong.push(`${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(example)}`);
  };
  for (const { call, operation, own, path } of described) {
    if (operation.summary === '') wrong.push(`${call} has no summary`);
    if (operation.tags.some((tag) => !tags.has(tag))) wrong.push(`${call} has a tag of its own`);
    for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
      if (!own.some((parameter) => parameter.in === 'path' && parameter.name === name)) wrong.push(`${call}: ${name}`);
    }
    for (const { name, schema, example } of own) check(`${call} ${name}`, schema, example);
    for (const [type, { schema, example }] of Object.entries(operation.requestBody?.content ?? {})) {
      if (type.includes('json')) check(`${call} body`, schema, example);
    }
    for (const [status, { content = {} }] of Object.entries(operation.responses)) {
      const json = content['application/json'];
      if (json !== undefined) check(`${call} ${status}`, json.schema, json.example);
    }
    const statuses = Object.keys(operation.responses);
    if (!statuses.some((status) => status.startsWith('2'))) wrong.push(`${call} has no success`);
    if (!statuses.includes('429')) wrong.push(`${call} has no problems`);
  }
  t.same(wrong, []);
});

void t.test('without a token: 401, but where none is needed', async (t) => {
  const guarded = endpoints.filter(({ operation }) => operation.security?.length !== 0);
  t.ok(guarded.length > 100);
  t.same(await expectEach(guarded, () => ({ token: '' }), '401 token_missing'), []);
  t.same(await expectEach(guarded.slice(0, 5), () => ({ token: 'no.such.token' }), '401 token_invalid'), []);
});

void t.test('a method that a path does not have: 405, and Allow says which it has', async (t) => {
  const wrong: string[] = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    const has = Object.keys(operations).map((method) => method.toUpperCase());
    const method = ['PATCH', 'PUT', 'DELETE', 'POST'].find((name) => !has.includes(name));
    const endpoint = described.find((each) => each.path === path);
    if (method === undefined || endpoint === undefined) continue;
    const { status, code, response } = await call(endpoint, { method, body: '{}' });
    const allow = response.headers.get('allow')?.split(', ') ?? [];
    if (status !== 405 || code !== 'method_not_allowed' || !has.every((name) => allow.includes(name)))
      wrong.push(`${method} ${path}: ${status} ${code}, ${allow.join()}`);
  }
  t.same(wrong, []);
});

void t.test('a body of the wrong kind: 400, 413, 415, 422', async (t) => {
  const withBody = endpoints.filter(({ jsonBody }) => jsonBody !== undefined);
  t.ok(withBody.length > 30);
  t.same(await expectEach(withBody, () => ({ body: '{"a":', type: 'application/json' }), '400 malformed_json'), []);
  t.same(await expectEach(withBody, () => ({ body: 'hello', type: 'text/plain' }), '415 unsupported_media_type'), []);
  t.same(
    await expectEach(withBody, () => ({ body: '<a/>', type: 'application/xml' }), '415 unsupported_media_type'),
    [],
  );
  t.same(await expectEach(withBody, () => ({ body: '"nonsense"' }), '422 validation_failed'), []);
  t.same(await expectEach(withBody, () => ({ body: '{"nonsense":1}' }), '422 validation_failed'), []);
  const deep = `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`;
  t.same(await expectEach(withBody, () => ({ body: deep }), '422 validation_failed'), []);
  const large = JSON.stringify({ a: 'x'.repeat(100_000) });
  t.same(await expectEach(withBody, () => ({ body: large }), '413 too_large'), []);
});

void t.test('a query of the wrong kind: 422', async (t) => {
  const wrong: string[] = [];
  let asked = 0;
  for (const endpoint of endpoints) {
    for (const { name, in: place, schema } of endpoint.own) {
      const isTold = schema.enum !== undefined || ['integer', 'number', 'boolean'].includes(schema.type ?? '');
      if (place !== 'query' || !isTold) continue;
      for (const value of name === 'limit' ? ['0', '201', 'x'] : ['%F0%9F%98%80']) {
        const { status, code } = await call(endpoint, { query: `?${name}=${value}` });
        asked += 1;
        if (status !== 422 || code !== 'validation_failed') wrong.push(`${endpoint.call}?${name}: ${status} ${code}`);
      }
    }
  }
  t.same(wrong, []);
  t.ok(asked > 60, `${asked} queries`);
});

void t.test('a cursor that no page of the list has given: 422', async (t) => {
  const rest = restClient(server.http, ADMIN);
  const { example } = endpoints.find((each) => each.call === 'POST /forms')?.jsonBody ?? {};
  for (const id of ['leafed-a', 'leafed-b', 'leafed-c']) {
    t.equal((await rest.post('/forms', { ...(example as object), id })).status, 201);
  }
  const first = (await rest.get('/forms?limit=1')).body;
  const next = await rest.get(`/forms?limit=1&cursor=${String(first.nextCursor)}`);
  t.equal(next.status, 200, next.text);
  t.not(next.body.data[0].id, first.data[0].id, 'its own cursor leads on');
  const lists = endpoints.filter(
    ({ method, own, operation }) =>
      method === 'GET' &&
      (own.some(({ name }) => name === 'cursor') ||
        JSON.stringify(operation.responses['200']?.content?.['application/json']?.example ?? {}).includes(
          'nextCursor',
        )),
  );
  t.ok(lists.length > 25, `${lists.length} lists`);
  const wrong: string[] = [];
  const cut = String(first.nextCursor).slice(0, -1);
  for (const endpoint of lists) {
    const foreign = endpoint.call === 'GET /forms' ? cut : String(first.nextCursor);
    for (const cursor of ['', 'x', '../x', '%00', first.data[0].id, '1-1', '1.a', 'x'.repeat(2_000), foreign]) {
      const { status, code, errors } = await call(endpoint, { query: `?cursor=${String(cursor)}` });
      if (`${status} ${code} ${errors.map(({ path }) => path).join()}` !== '422 validation_failed querystring.cursor')
        wrong.push(`${endpoint.call}?cursor=${String(cursor).slice(0, 40)}: ${status} ${code}`);
    }
  }
  t.same(wrong, []);
});

/** These make what is not there, or know nothing of it and say so. */
const MAKES: ReadonlySet<string> = new Set([
  'PUT /optimization/pools/{name}',
  'POST /documents/{name}/updates',
  'GET /analytics/users/{userId}',
]);

void t.test('what is not there: 404', async (t) => {
  const wrong: string[] = [];
  for (const endpoint of endpoints) {
    const takesId = endpoint.own.some((parameter) => parameter.in === 'path');
    if (!takesId || MAKES.has(endpoint.call)) continue;
    const body = endpoint.jsonBody === undefined ? {} : { body: JSON.stringify(endpoint.jsonBody.example) };
    const needed = endpoint.own.filter((parameter) => parameter.in === 'query' && parameter.required === true);
    const query = new URLSearchParams(needed.map(({ name, example }): [string, string] => [name, String(example)]));
    const { status, code } = await call(endpoint, { ...body, query: `?${query.toString()}` });
    // A file is asked for before it is asked where it belongs.
    if (status !== 404 && !(endpoint.path.endsWith('/files') && status === 415))
      wrong.push(`${endpoint.call}: ${status} ${code}`);
  }
  t.same(wrong, []);
});

/** What the forms, their sheets, comments and notifications are changed by. */
const COLLABORATION: ReadonlySet<string> = new Set(['forms', 'submissions', 'comments', 'notifications']);
const writes = endpoints.filter(
  ({ method, operation }) => method !== 'GET' && operation.tags.some((tag) => COLLABORATION.has(tag)),
);
const answersWith = (status: string) => (endpoint: Endpoint) => endpoint.operation.responses[status] !== undefined;
const exampleOf = ({ jsonBody }: Endpoint): string | undefined =>
  jsonBody === undefined ? undefined : JSON.stringify(jsonBody.example);

void t.test('an idempotency key that came with another request: 409', async (t) => {
  const wrong: string[] = [];
  const asked = writes.filter(answersWith('409')).filter(({ path }) => !path.endsWith('/files'));
  for (const [i, endpoint] of asked.entries()) {
    const body = exampleOf(endpoint);
    const sent = { ...(body === undefined ? {} : { body }), headers: { 'idempotency-key': `contract-${i}` } };
    const first = await call(endpoint, sent);
    const again = await call(endpoint, sent);
    const other = await call(endpoint, { ...sent, query: '?another=request' });
    if (again.status !== first.status || again.response.headers.get('idempotency-replayed') !== 'true')
      wrong.push(`${endpoint.call} again: ${again.status} after ${first.status}`);
    if (`${other.status} ${other.code}` !== '409 idempotency_key_reused')
      wrong.push(`${endpoint.call}: ${other.status} ${other.code} after ${first.status} ${first.code}`);
  }
  t.same(wrong, []);
  t.ok(asked.length > 30, `${asked.length} endpoints`);
});

void t.test('an entity tag that is another one: 412', async (t) => {
  const rest = restClient(server.http, ADMIN);
  const form = {
    ...(endpoints.find(({ call: name }) => name === 'POST /forms')?.jsonBody?.example as object),
    id: 'tagged',
  };
  t.equal((await rest.post('/forms', form)).status, 201);
  t.equal((await rest.post('/forms/tagged/publish')).status, 201);
  const submissionId = (await rest.post('/forms/tagged/submissions', {})).body.id as string;
  const thread = (await rest.post('/forms/tagged/threads', { anchor: { type: 'form' }, body: 'Here' })).body;
  const title = { op: 'setTitle', language: 'en', value: 'Another' };
  t.equal((await rest.patch('/forms/tagged', { operations: [title] })).status, 200);
  t.equal((await rest.post('/forms/tagged/publish')).body.version, 2);
  const ids = {
    formId: 'tagged',
    submissionId,
    threadId: thread.id,
    commentId: thread.comments[0].id,
    fieldId: 'name',
  };
  const wrong: string[] = [];
  const asked = writes.filter(answersWith('412'));
  for (const endpoint of asked) {
    const body = exampleOf(endpoint)?.replace('"id":"visit"', '"id":"tagged"');
    const headers = { 'if-match': '"another"' };
    const { status, code } = await call(endpoint, { ...(body === undefined ? {} : { body }), headers, ids });
    if (`${status} ${code}` !== '412 stale') wrong.push(`${endpoint.call}: ${status} ${code}`);
  }
  t.same(wrong, []);
  t.ok(asked.length > 10, `${asked.length} endpoints`);
});

void t.test('a budget that is spent: 429, and when to come back', async (t) => {
  const env = { AUTH: 'jwt', JWT_SECRET: 'a-secret-that-signs-tokens-in-tests!', ADMIN_TOKEN: ADMIN };
  const narrow = await composeServer({ env, requestLimits: { user: { burst: 1, perSecond: 0.001 } } });
  t.teardown(() => narrow.cleanup());
  t.equal((await restClient(narrow.http, ADMIN).get('/forms')).status, 200);
  const wrong: string[] = [];
  const asked = endpoints.filter(answersWith('429')).filter(({ operation }) => operation.security?.length !== 0);
  for (const endpoint of asked) {
    const { status, code, response } = await call(endpoint, { at: narrow.http });
    const { headers } = response;
    const told = ['retry-after', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'].map((name) =>
      headers.get(name),
    );
    if (`${status} ${code}` !== '429 rate_limited' || told.some((value) => !/^\d+$/.test(value ?? '')))
      wrong.push(`${endpoint.call}: ${status} ${code} ${told.join()}`);
  }
  t.same(wrong, []);
  t.ok(asked.length > 100, `${asked.length} endpoints`);
});
