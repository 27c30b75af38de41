/**
 * The matrix of authorization: every endpoint that the running server describes, called by every role on what is its
 * own, on what is foreign and on what does not exist. An endpoint without an entry in `endpoints.ts` fails here.
 */
import t from 'tap';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { castActors, makeForm, SECRET, type Actor } from './authorization/cast.js';
import { ELSEWHERE, ENDPOINTS, type Endpoint, type Place } from './authorization/endpoints.js';
import { expected } from './authorization/expected.js';

const ADMIN = 'an-administrator-token-of-32-bytes!!';
const server = await startServer({
  env: { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters!!', ADMIN_TOKEN: ADMIN },
});
t.teardown(() => server.cleanup());
const admin = restClient(server.http, ADMIN);

interface Reply {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
}

async function call(endpoint: Endpoint, { token }: Pick<Actor, 'token'>, place: Place): Promise<Reply> {
  const [method = 'GET', template = ''] = endpoint.call.split(' ');
  const names: Record<string, string> = { ...place, fieldId: 'f1', name: `form/${place.formId}`, id: place.snapshotId };
  const path = template.replace(/\{(\w+)\}/g, (_whole, key: string) =>
    encodeURIComponent(endpoint.params?.[key] ?? names[key] ?? `no-${key}`),
  );
  const body = endpoint.body?.(place);
  const isBinary = body instanceof Uint8Array;
  const response = await fetch(`${server.http}/api/v1${path}${endpoint.query ?? ''}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': isBinary ? 'application/octet-stream' : 'application/json' }),
      ...(template === '/feed' ? { accept: 'text/event-stream' } : {}),
    },
    ...(body === undefined ? {} : { body: isBinary ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  // A stream has no end.
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    await response.body?.cancel();
    return { status: response.status, code: undefined, text: '' };
  }
  const text = await response.text();
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  return { status: response.status, code: isProblem ? (JSON.parse(text) as { code: string }).code : undefined, text };
}

const HIDDEN = ['form_not_found', 'submission_not_found', 'document_not_found'];

function outcomeOf({ status, code }: Reply, endpoint: Endpoint, { isAdministrator }: Actor): string {
  // To the administrator nothing is hidden: what it does not find is not there.
  if (status === 404 && HIDDEN.includes(code ?? '') && !isAdministrator) return 'hidden';
  if (endpoint.answers?.includes(status) ?? (status >= 200 && status < 300)) return 'allowed';
  if (status === 401) return 'unauthenticated';
  if (status === 403 && code === 'forbidden') return 'forbidden';
  return `${status} ${code ?? ''}`;
}

void t.test('every endpoint that the server describes has its entry, and no entry is left over', async (t) => {
  const { paths } = (await admin.get('/openapi.json')).body as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
  );
  t.ok(described.length > 100);
  t.same([...ENDPOINTS.map((endpoint) => endpoint.call), ...ELSEWHERE].sort(), described.sort());
});

void t.test('what belongs to one person in a form is not another person’s', async (t) => {
  const make = (commenter: string): Promise<Place> =>
    makeForm({ http: server.http, adminToken: ADMIN, commenter, formId: 'shared', word: SECRET });
  const as = async (sub: string, ...grants: readonly { document: string; role: string }[]): Promise<string> =>
    (await admin.post('/tokens', { sub, grants, ttlSeconds: 600 })).body.token as string;
  const form = 'form/shared';
  const [ann, ben, owner] = await Promise.all([
    as('ann', { document: form, role: 'commenter' }),
    as('ben', { document: form, role: 'commenter' }),
    as('owner', { document: form, role: 'owner' }),
  ]);
  const place = await make(ann);
  const comment = `/forms/shared/threads/${place.threadId}/comments/${place.commentId}`;
  for (const token of [ben, owner, ADMIN]) {
    const edited = await admin.patch(comment, { body: 'put into your mouth' }, { token });
    t.match(edited, { status: 403, body: { code: 'forbidden' } }, 'only an author edits');
  }
  t.equal((await admin.delete(comment, { token: ben })).status, 403);

  // Two people fill the same form: each sees its own sheet, and the list holds nothing else.
  const mine = await admin.post('/forms/shared/submissions', { answers: { f1: 'my own' } });
  const cid = await as(
    'cid',
    ...[form, `${form}/submission/${mine.body.id}`].map((document) => ({ document, role: 'respondent' })),
  );
  const other = `/forms/shared/submissions/${place.submissionId}`;
  for (const path of ['', '/progress', `/files/${place.fileId}`]) {
    t.equal((await admin.get(`${other}${path}`, { token: cid })).status, 404);
  }
  t.equal((await admin.patch(`${other}/answers`, { answers: { f1: 'x' } }, { token: cid })).status, 404);
  t.equal((await admin.post(`${other}/submit`, undefined, { token: cid })).status, 404);
  const list = await admin.get('/forms/shared/submissions', { token: cid });
  t.same(
    list.body.data.map(({ id }: { id: string }) => id),
    [mine.body.id],
  );
  const csv = await admin.get('/forms/shared/submissions/export?format=csv', { token: cid });
  t.ok(csv.text.includes('my own') && !csv.text.includes(SECRET));

  // A notification is its reader's alone.
  await admin.post(`/forms/shared/threads/${place.threadId}/comments`, { body: 'Look, @[ann]' }, { token: ben });
  const [note] = (await admin.get('/notifications', { token: ann })).body.data;
  t.equal(note.reason, 'mention');
  t.same((await admin.get('/notifications', { token: ben })).body.data, []);
  t.equal((await admin.delete(`/notifications/${note.id}`, { token: ben })).status, 404);
  t.equal((await admin.post('/notifications/read', { ids: [note.id] }, { token: ben })).body.read, 0);
  t.equal((await admin.get('/notifications?unread=true', { token: ann })).body.data.length, 1);

  // And what one did oneself is shown to oneself.
  t.equal((await admin.get('/analytics/users/ben', { token: ben })).status, 200);
  t.equal((await admin.get('/analytics/users/ann', { token: ben })).status, 403);
});

void t.test('role × endpoint × own, foreign and absent', async (t) => {
  const actors = await castActors(server.http, ADMIN);
  const foreign = await makeForm({
    ...{ http: server.http, adminToken: ADMIN, commenter: ADMIN, formId: 'mx-foreign', word: SECRET },
  });
  const absent: Place = Object.assign({ ...foreign }, { formId: 'mx-absent' });
  const wrong: string[] = [];
  let calls = 0;
  const check = async (endpoint: Endpoint, actor: Actor, where: 'own' | 'foreign', place: Place): Promise<Reply> => {
    const reply = await call(endpoint, actor, place);
    calls += 1;
    const [want, got] = [expected(endpoint, actor, where), outcomeOf(reply, endpoint, actor)];
    if (got !== want) {
      wrong.push(
        `${actor.name}, ${where}: ${endpoint.call}: expected ${want}, got ${got}: ${reply.text.slice(0, 160)}`,
      );
    }
    return reply;
  };

  // On what is foreign first, while all of it is there; nobody changes anything, so all at once.
  const strangers = actors.filter(({ isAdministrator }) => !isAdministrator);
  const isPlaced = ({ on }: Endpoint): boolean => on !== 'server';
  // Who has sheets too has all rights that a role gives: the others could do no more.
  const travellers = strangers.filter(({ token, sheetRole }) => token === undefined || sheetRole !== undefined);
  await Promise.all(
    travellers.map(async (actor) => {
      for (const endpoint of ENDPOINTS.filter(isPlaced)) {
        const reply = await check(endpoint, actor, 'foreign', foreign);
        if (reply.text.includes(SECRET))
          wrong.push(`${actor.name}: ${endpoint.call} tells a secret of the foreign form`);
        if (endpoint.on === 'new form') continue;
        // What exists and is hidden is answered as what does not exist.
        const other = await call(endpoint, actor, absent);
        const same = reply.text.replaceAll('mx-foreign', 'mx-absent') === other.text && reply.status === other.status;
        if (!same)
          wrong.push(`${actor.name}: ${endpoint.call} tells that a form exists: ${reply.text} / ${other.text}`);
      }
    }),
  );
  t.same(wrong, [], `foreign: seen in ${calls} calls`);

  // With the right to the form of the path, and ids of another form in it: rights must not be lent.
  wrong.length = 0;
  const named = ENDPOINTS.filter(({ call, on }) => on !== 'server' && /\{(submissionId|threadId|id)\}/.test(call));
  const lent = [...travellers, ...actors.slice(-1)].flatMap((actor) => named.map((endpoint) => ({ actor, endpoint })));
  await Promise.all(
    lent.map(async ({ actor, endpoint }) => {
      const reply = await call(endpoint, actor, { ...foreign, formId: actor.own.formId });
      const isRefused = [401, 403, 404, 415].includes(reply.status);
      if (isRefused && !reply.text.includes(SECRET)) return;
      wrong.push(
        `${actor.name}: ${endpoint.call} with ids of another form: ${reply.status} ${reply.text.slice(0, 160)}`,
      );
    }),
  );
  t.same(wrong, [], `ids of another form: ${lent.length} calls`);

  // The administrator last: it may drain the server.
  const inTurn = async (actor: Actor): Promise<void> => {
    for (const endpoint of ENDPOINTS) {
      const { text } = await check(endpoint, actor, 'own', actor.own);
      // Lists hold what one may see.
      if (!actor.isAdministrator && (text.includes(SECRET) || text.includes('mx-foreign'))) {
        wrong.push(`${actor.name}: ${endpoint.call} tells of the foreign form`);
      }
    }
  };
  await Promise.all(strangers.map(inTurn));
  for (const actor of actors.filter(({ isAdministrator }) => isAdministrator)) await inTurn(actor);
  t.same(wrong, [], `own: seen in ${calls} calls`);
  t.comment(`${calls} calls, ${actors.length} actors, ${ENDPOINTS.length} endpoints`);
});
