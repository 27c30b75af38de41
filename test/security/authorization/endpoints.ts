/**
 * Every endpoint of the OpenAPI document with who may call it: the column "who" of the REST contract, kept as data and
 * written down independently of the code that enforces it.
 *
 * A call is made on a `Place`. In the order in which they stand here, calls build on each other: what deletes comes last.
 */

/** Roles of the contract: v viewer, c commenter, r respondent (own), e editor, o owner, a administrator. */
export type Who = 'public' | 'any' | 'v' | 'c' | 'r' | 'r v' | 'e' | 'o' | 'a' | 'author' | 'author o';

/** What a call is about; it decides by which grant it is judged. */
export type Subject =
  /** The server, or what belongs to the caller: places do not matter. */
  | 'server'
  /** The draft. */
  | 'form'
  /** A new form, named in the body. */
  | 'new form'
  /** What is known of a form behind its back: authors, figures. Who fills it does not see that. */
  | 'backstage'
  | 'threads'
  | 'sheets'
  | 'sheet'
  /** The document of the form, by its name. */
  | 'document';

export interface Place {
  readonly formId: string;
  readonly submissionId: string;
  readonly fileId: string;
  readonly resumeToken: string;
  readonly threadId: string;
  /** By the actor where it may comment. */
  readonly commentId: string;
  readonly snapshotId: string;
}

export interface Endpoint {
  /** As in the OpenAPI document. */
  readonly call: string;
  readonly who: Who;
  readonly on: Subject;
  readonly query?: string;
  readonly body?: (place: Place) => unknown;
  /** Path parameters that are not members of the place. */
  readonly params?: Readonly<Record<string, string>>;
  /** Statuses for who may, where that is not 2xx: what it names is not there, or was used up by a call before. */
  readonly answers?: readonly number[];
}

/** What is named is not there: 404 for who may, as the right comes first. */
const gone = { params: { id: 'no-such-thing' }, answers: [404] };
const empty = (): unknown => ({});
const pages = [{ id: 'p1', fields: [{ id: 'f1', type: 'text' }] }];
const rule = {
  name: 'Many',
  condition: { kind: 'metric', metric: 'connections.open', comparison: 'above', threshold: 9e9 },
};

const forms: readonly Endpoint[] = [
  { call: 'GET /forms', who: 'any', on: 'server' },
  { call: 'POST /forms', who: 'e', on: 'new form', body: ({ formId }) => ({ id: formId, pages }), answers: [201, 409] },
  { call: 'GET /forms/{formId}', who: 'v', on: 'form' },
  { call: 'GET /forms/{formId}/versions', who: 'v', on: 'backstage' },
  { call: 'GET /forms/{formId}/export', who: 'v', on: 'backstage', query: '?format=formloom' },
  { call: 'GET /forms/{formId}/policy', who: 'v', on: 'backstage' },
  { call: 'GET /forms/{formId}/diff', who: 'v', on: 'backstage', query: '?from=1&to=draft' },
  { call: 'GET /forms/{formId}/presence', who: 'v', on: 'backstage' },
  { call: 'GET /forms/{formId}/changes', who: 'v', on: 'backstage' },
  { call: 'GET /forms/{formId}/fields/{fieldId}/history', who: 'v', on: 'backstage' },
  { call: 'GET /forms/{formId}/conflicts', who: 'v', on: 'backstage' },
  {
    ...{ call: 'POST /forms/{formId}/conflicts/{conflictId}/resolution', who: 'e', on: 'form', answers: gone.answers },
    ...{ params: { conflictId: 'f1.required' }, body: () => ({ value: true }) },
  },
  { call: 'PUT /forms/{formId}/policy', who: 'o', on: 'form', body: () => ({ default: 'merge', fields: {} }) },
  { call: 'PUT /forms/{formId}/fields/{fieldId}/lock', who: 'e', on: 'form', body: () => ({ seconds: 5 }) },
  { call: 'DELETE /forms/{formId}/fields/{fieldId}/lock', who: 'e', on: 'form' },
  {
    ...{ call: 'PATCH /forms/{formId}', who: 'e', on: 'form' },
    body: () => ({ operations: [{ op: 'setTitle', target: 'form', language: 'en', value: 'harmless' }] }),
  },
  { call: 'PUT /forms/{formId}', who: 'e', on: 'form', body: ({ formId }) => ({ id: formId, pages }) },
  { call: 'POST /forms/{formId}/publish', who: 'o', on: 'form', query: '?dryRun=true' },
  { call: 'POST /forms/{formId}/submissions/migration', who: 'o', on: 'form', answers: [202, 409] },
];

const threads: readonly Endpoint[] = [
  { call: 'GET /forms/{formId}/threads', who: 'v', on: 'threads' },
  {
    call: 'POST /forms/{formId}/threads',
    who: 'c',
    on: 'threads',
    body: () => ({ anchor: { type: 'form' }, body: 'x' }),
  },
  { call: 'GET /forms/{formId}/threads/{threadId}', who: 'v', on: 'threads' },
  { call: 'PATCH /forms/{formId}/threads/{threadId}', who: 'c', on: 'threads', body: () => ({ assignee: null }) },
  { call: 'POST /forms/{formId}/threads/{threadId}/comments', who: 'c', on: 'threads', body: () => ({ body: 'x' }) },
  { call: 'GET /forms/{formId}/threads/{threadId}/comments/{commentId}', who: 'v', on: 'threads' },
  {
    call: 'PUT /forms/{formId}/threads/{threadId}/comments/{commentId}/reactions/{reaction}',
    ...{ who: 'c', on: 'threads', params: { reaction: 'like' } },
  },
  {
    call: 'DELETE /forms/{formId}/threads/{threadId}/comments/{commentId}/reactions/{reaction}',
    ...{ who: 'c', on: 'threads', params: { reaction: 'like' } },
  },
  { call: 'POST /forms/{formId}/activity', who: 'c', on: 'threads', body: () => ({ activity: 'viewing' }) },
  { call: 'GET /forms/{formId}/subscription', who: 'c', on: 'threads' },
  { call: 'PUT /forms/{formId}/subscription', who: 'c', on: 'threads', body: () => ({ mode: 'follow' }) },
  { call: 'DELETE /forms/{formId}/subscription', who: 'c', on: 'threads' },
  { call: 'GET /forms/{formId}/threads/{threadId}/subscription', who: 'c', on: 'threads' },
  {
    call: 'PUT /forms/{formId}/threads/{threadId}/subscription',
    ...{ who: 'c', on: 'threads', body: () => ({ mode: 'mute' }) },
  },
  { call: 'DELETE /forms/{formId}/threads/{threadId}/subscription', who: 'c', on: 'threads' },
  {
    call: 'PATCH /forms/{formId}/threads/{threadId}/comments/{commentId}',
    ...{ who: 'author', on: 'threads', body: () => ({ body: 'y' }) },
  },
  { call: 'DELETE /forms/{formId}/threads/{threadId}/comments/{commentId}', who: 'author o', on: 'threads' },
  { call: 'DELETE /forms/{formId}/threads/{threadId}', who: 'o', on: 'threads' },
];

const sheet = '/forms/{formId}/submissions/{submissionId}';
const submissions: readonly Endpoint[] = [
  { call: 'GET /forms/{formId}/submissions', who: 'v', on: 'sheets' },
  { call: 'GET /forms/{formId}/submissions/export', who: 'v', on: 'sheets', query: '?format=csv' },
  { call: 'POST /forms/{formId}/submissions', who: 'r', on: 'form', body: () => ({}) },
  { call: `GET ${sheet}`, who: 'r v', on: 'sheet' },
  { call: `GET ${sheet}/progress`, who: 'r v', on: 'sheet' },
  { call: `GET ${sheet}/files/{fileId}`, who: 'r v', on: 'sheet' },
  { call: `GET ${sheet}/migration`, who: 'r v', on: 'sheet', answers: [422] },
  { call: `POST ${sheet}/migration`, who: 'r', on: 'sheet', query: '?dryRun=true', answers: [422] },
  { call: `POST ${sheet}/validate`, who: 'r', on: 'sheet' },
  { call: `POST ${sheet}/files`, who: 'r', on: 'sheet', answers: [415] },
  { call: `PATCH ${sheet}/answers`, who: 'r', on: 'sheet', body: () => ({ answers: { f1: 'changed' } }) },
  { call: `POST ${sheet}/submit`, who: 'r', on: 'sheet' },
  // Not handed in where the grant is on the form alone.
  {
    ...{ call: `POST ${sheet}/status`, who: 'e', on: 'sheet', answers: [200, 409] },
    body: () => ({ status: 'processing' }),
  },
  { call: `DELETE ${sheet}`, who: 'o', on: 'sheet' },
  {
    ...{ call: 'POST /submissions/resume', who: 'public', on: 'server', answers: [401] },
    body: () => ({ resumeToken: 'guessed' }),
  },
];

const own: readonly Endpoint[] = [
  { call: 'GET /notifications', who: 'any', on: 'server' },
  { call: 'POST /notifications/read', who: 'any', on: 'server', body: () => ({ all: true }) },
  {
    ...{ call: 'DELETE /notifications/{id}', who: 'any', on: 'server', answers: gone.answers },
    params: { id: '00000000-0000-7000-8000-000000000000' },
  },
  { call: 'GET /notifications/settings', who: 'any', on: 'server' },
  { call: 'PUT /notifications/settings', who: 'any', on: 'server', body: empty, answers: [200, 422] },
  { call: 'GET /feed', who: 'any', on: 'server' },
  { call: 'GET /analytics/live', who: 'any', on: 'server' },
  {
    ...{ call: 'POST /analytics/events', who: 'v', on: 'form' },
    body: ({ formId }) => ({ events: [{ type: 'view', formId }] }),
  },
];

const figures = '/analytics/forms/{formId}';
const analytics: readonly Endpoint[] = [
  { call: 'GET /analytics/overview', who: 'a', on: 'server' },
  // Somebody else's; what one did oneself is shown: see the test.
  { call: 'GET /analytics/users/{userId}', who: 'a', on: 'server', params: { userId: 'somebody-else' } },
  { call: `GET ${figures}`, who: 'v', on: 'backstage' },
  { call: `GET ${figures}/timeseries`, who: 'v', on: 'backstage', query: '?metric=views' },
  { call: `GET ${figures}/funnel`, who: 'v', on: 'backstage' },
  { call: `GET ${figures}/fields/{fieldId}`, who: 'v', on: 'backstage' },
  { call: `GET ${figures}/collaboration`, who: 'v', on: 'backstage' },
  { call: `GET ${figures}/export`, who: 'v', on: 'backstage', query: '?report=summary', answers: [200, 422] },
];

const admin = (call: string, more: Partial<Endpoint> = {}): Endpoint => ({ call, who: 'a', on: 'server', ...more });
const operations: readonly Endpoint[] = [
  ...['GET /system/metrics', 'GET /events', 'GET /security/events', 'GET /audit', 'GET /documents'].map((call) =>
    admin(call),
  ),
  admin('POST /events', { body: () => ({ type: 'login' }) }),
  ...['GET /connections', 'GET /backups', 'GET /webhooks', 'GET /alerts', 'GET /alert-rules'].map((call) =>
    admin(call),
  ),
  admin('DELETE /connections/{id}', gone),
  admin('GET /operations/{id}', gone),
  admin('POST /backups', { body: () => ({ keep: 1 }) }),
  admin('GET /backups/{id}/archive', gone),
  admin('POST /backups/{id}/verify', gone),
  admin('POST /tokens', { body: () => ({ sub: 'x', grants: [{ document: '*', role: 'admin' }] }) }),
  admin('POST /tokens/revoke', { body: () => ({ jti: 'no-such-token' }) }),
  admin('POST /webhooks', { body: () => ({ url: 'https://example.org/hook', isEnabled: false }) }),
  admin('GET /webhooks/{id}', gone),
  admin('PUT /webhooks/{id}', { ...gone, body: () => ({ url: 'https://example.org/hook', isEnabled: false }) }),
  admin('GET /webhooks/{id}/deliveries', gone),
  admin('POST /webhooks/{id}/deliveries/{deliveryId}/replay', {
    ...gone,
    params: { id: 'no-such-thing', deliveryId: '1' },
  }),
  admin('DELETE /webhooks/{id}', gone),
  admin('POST /alert-rules', { body: () => rule }),
  admin('GET /alert-rules/{id}', gone),
  admin('PUT /alert-rules/{id}', { ...gone, body: () => rule }),
  admin('POST /alert-rules/{id}/test', gone),
  admin('DELETE /alert-rules/{id}', gone),
  admin('GET /alerts/silences'),
  admin('POST /alerts/silences', {
    body: () => ({ labels: { rule: 'none' }, until: new Date(Date.now() + 60_000).toISOString() }),
  }),
  admin('DELETE /alerts/silences/{id}', gone),
  admin('GET /alerts/{id}', gone),
  admin('POST /alerts/{id}/acknowledge', gone),
  admin('POST /alerts/{id}/resolve', gone),
];

const optimization: readonly Endpoint[] = [
  ...[
    '',
    '/pools',
    '/queues',
    '/breakers',
    '/documents',
    '/tuner',
    '/tuner/history',
    '/dead-letters',
    '/load-tests',
  ].map((path) => admin(`GET /optimization${path}`)),
  admin('PUT /optimization/pools/{name}', {
    ...{ params: { name: 'mx' }, body: () => ({ size: 1, rule: { documentPrefix: 'mx/' } }), answers: [200, 201] },
  }),
  admin('DELETE /optimization/pools/{name}', { params: { name: 'mx' } }),
  admin('PUT /optimization/queues/{name}', { params: { name: 'broadcast' }, body: () => ({ ratePerSecond: 100 }) }),
  admin('POST /optimization/breakers/{name}/reset', { params: { name: 'store' }, answers: [200, 204, 404] }),
  admin('PUT /optimization/tuner', { body: () => ({ mode: 'off' }) }),
  admin('POST /optimization/tuner/run'),
  admin('GET /optimization/load-tests/{id}', gone),
  admin('POST /optimization/load-tests', {
    body: () => ({ scenario: 'basic', connections: 1, edits: 1, seconds: 0.1 }),
  }),
  admin('POST /optimization/dead-letters/{id}/replay', gone),
  admin('DELETE /optimization/dead-letters/{id}', gone),
  admin('POST /optimization/dead-letters/replay', { body: empty }),
  admin('DELETE /optimization/dead-letters'),
];

const named = '/documents/{name}';
const documents: readonly Endpoint[] = [
  { call: `GET ${named}`, who: 'v', on: 'document' },
  { call: `GET ${named}/state`, who: 'v', on: 'document' },
  { call: `GET ${named}/snapshots`, who: 'e', on: 'document' },
  { call: `POST ${named}/snapshots`, who: 'e', on: 'document', body: () => ({ label: 'x' }) },
  { call: `GET ${named}/snapshots/{id}`, who: 'v', on: 'backstage' },
  { call: `GET ${named}/snapshots/{id}/diff`, who: 'v', on: 'backstage' },
  { call: `POST ${named}/updates`, who: 'e', on: 'document', body: () => new Uint8Array([0, 0]) },
  { call: `POST ${named}/snapshots/{id}/restore`, who: 'o', on: 'document' },
  { call: `DELETE ${named}/snapshots/{id}`, who: 'o', on: 'document' },
  { call: `POST ${named}/compact`, who: 'a', on: 'document' },
  admin('GET /encryption/keys'),
  admin('POST /encryption/rotation', { answers: [202, 409] }),
  admin('GET /snapshots/policy'),
  admin('PUT /snapshots/policy', { body: empty }),
];

const health: readonly Endpoint[] = ['', '/live', '/ready'].map((path) => ({
  ...{ call: `GET /health${path}`, who: 'public', on: 'server' },
}));

/** Judged where WebSockets are (`sockets.test.ts`): they are the same doors. */
export const ELSEWHERE: readonly string[] = ['GET /sync/{document}', 'POST /sync/{document}'];

/** In the order in which one actor calls them. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...health,
  ...own,
  ...forms,
  ...threads,
  ...analytics,
  ...documents,
  ...submissions,
  ...operations,
  ...optimization,
  { call: 'DELETE /forms/{formId}', who: 'o', on: 'form' },
  // The form is gone by now: what it left behind is not erased twice.
  { call: `DELETE ${named}`, who: 'a', on: 'document', answers: [200, 404] },
  admin('POST /drain'),
];
