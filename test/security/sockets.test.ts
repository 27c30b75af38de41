/** The matrix of authorization for live documents: role × kind of document, over both transports. */
import t from 'tap';
import * as Y from 'yjs';
import { rawClient, syncStep1, updateMessage } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { startServer } from '../harness/server-process.js';
import { streamClient } from '../harness/stream-client.js';
import { until } from '../harness/until.js';
import { castActors, makeForm, type Actor, type Role } from './authorization/cast.js';

const ADMIN = 'an-administrator-token-of-32-bytes!!';
const server = await startServer({
  env: { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters!!', ADMIN_TOKEN: ADMIN },
});
t.teardown(() => server.cleanup());

type Door = 'writes' | 'reads' | 'no token (4401)' | 'no right (4403)';
const KINDS = ['form', 'comments', 'sheet', 'foreign form', 'foreign comments', 'foreign sheet', 'opaque'] as const;
type Kind = (typeof KINDS)[number];

/** The rights table of the contract, for live documents. */
function expected({ token, role, sheetRole, isSheetByForm, isAdministrator }: Actor, kind: Kind): Door {
  if (token === undefined) return 'no token (4401)';
  const writers: readonly (Role | undefined)[] = ['editor', 'owner', 'admin'];
  // Threads are written by the server alone.
  if (isAdministrator) return kind.endsWith('comments') ? 'reads' : 'writes';
  switch (kind) {
    case 'form':
      return writers.includes(role) ? 'writes' : 'reads';
    case 'comments':
      return role === 'respondent' ? 'no right (4403)' : 'reads';
    case 'sheet':
      if (sheetRole === undefined) return 'no right (4403)';
      if (isSheetByForm) return sheetRole === 'admin' ? 'writes' : 'reads';
      return sheetRole === 'respondent' || writers.includes(sheetRole) ? 'writes' : 'reads';
    default:
      return 'no right (4403)';
  }
}

void t.test('role × kind of document, over WebSockets and over streams', async (t) => {
  const actors = await castActors(server.http, ADMIN);
  const foreign = await makeForm({
    ...{ http: server.http, adminToken: ADMIN, commenter: ADMIN, formId: 'mx-foreign', word: 'secret' },
  });
  const nameOf = ({ own }: Actor, kind: Kind): string =>
    ({
      form: `form/${own.formId}`,
      comments: `form/${own.formId}/comments`,
      sheet: `form/${own.formId}/submission/${own.submissionId}`,
      'foreign form': 'form/mx-foreign',
      'foreign comments': 'form/mx-foreign/comments',
      'foreign sheet': `form/mx-foreign/submission/${foreign.submissionId}`,
      opaque: 'notes/nobodys',
    })[kind];
  const wrong: string[] = [];
  const pairs = actors.flatMap((actor) => KINDS.map((kind) => ({ actor, kind })));
  await Promise.all(
    pairs.map(async ({ actor, kind }) => {
      const name = nameOf(actor, kind);
      const [socket, stream] = await Promise.all([overSocket(name, actor.token), overStream(name, actor.token)]);
      const want = expected(actor, kind);
      if (socket !== want) wrong.push(`${actor.name} on ${kind}, WebSocket: expected ${want}, got ${socket}`);
      const read = want === 'writes' ? 'reads' : want;
      if (stream !== read) wrong.push(`${actor.name} on ${kind}, stream: expected ${read}, got ${stream}`);
    }),
  );
  t.same(wrong, [], `${pairs.length} pairs`);
});

void t.test('a message on somebody else’s stream is refused, with or without its secret', async (t) => {
  const admin = restClient(server.http, ADMIN);
  const as = async (sub: string): Promise<string> =>
    (await admin.post('/tokens', { sub, grants: [{ document: 'notes/*', role: 'editor' }], ttlSeconds: 600 })).body
      .token;
  const [ann, ben] = await Promise.all([as('ann'), as('ben')]);
  const stream = await streamClient(server.http, 'notes/shared', { token: ann });
  t.teardown(() => stream.cut());
  await stream.synced();
  const update = Buffer.from(updateMessage(anEdit()));
  const headers = { authorization: `Bearer ${ben}` };
  const [guessed, stolen] = await Promise.all([
    stream.post(update, { headers: { ...headers, 'x-connection-secret': 'guess' } }),
    stream.post(update, { headers }),
  ]);
  t.same([guessed.status, stolen.status], [404, 404]);
  t.equal((await stream.post(update)).status, 204);
});

async function overSocket(name: string, token: string | undefined): Promise<Door> {
  const query = token === undefined ? '' : `?token=${token}`;
  const client = await rawClient(`${server.ws}/${name}${query}`);
  try {
    client.send(syncStep1());
    const has = (type: number, step: number): boolean =>
      client.frames.some((frame) => frame[0] === type && frame[1] === step);
    await until(() => client.closed !== undefined || has(0, 1), { what: `an answer on ${name}` });
    if (client.closed !== undefined) return doorOf(client.closed.code);
    client.send(updateMessage(anEdit()));
    await until(() => client.closed !== undefined || has(0, 2) || client.ofType(2).length > 0, {
      what: `an echo or a refusal on ${name}`,
    });
    return client.ofType(2).length > 0 ? 'reads' : 'writes';
  } finally {
    client.destroy();
  }
}

async function overStream(name: string, token: string | undefined): Promise<Door> {
  const stream = await streamClient(server.http, name, token === undefined ? {} : { token });
  try {
    await until(() => stream.isSynced || stream.closed !== undefined, { what: `a stream of ${name}` });
    return stream.closed === undefined ? 'reads' : doorOf(stream.closed.code);
  } finally {
    stream.cut();
  }
}

function doorOf(code: number): Door {
  if (code === 4401) return 'no token (4401)';
  if (code === 4403) return 'no right (4403)';
  throw new Error(`closed with ${code}`);
}

function anEdit(): Uint8Array {
  const doc = new Y.Doc();
  doc.getText('scratch').insert(0, 'x');
  return Y.encodeStateAsUpdate(doc);
}
