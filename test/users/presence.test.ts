import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { awarenessMessage, rawClient } from '../harness/raw-client.js';
import { restClient } from '../harness/rest-client.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const SECRET = 'a secret that is long enough for HS256';

void t.test('presence belongs to connections', async (t) => {
  const server = await startServer({ env: { AUTH: 'jwt', JWT_SECRET: SECRET, ADMIN_TOKEN: 'administration-token' } });
  t.teardown(() => server.cleanup());
  await t.test('row 19: a forged name or client id is never relayed', (t) => forged(t, server));
  await t.test('row 20: a client that hangs with its connection open is gone within the idle timeout', (t) =>
    hung(t, server),
  );
});

async function forged(t: Test, server: ServerProcess): Promise<void> {
  const admin = restClient(server.http, 'administration-token');
  const tokenOf = async (sub: string, name: string): Promise<string> => {
    const grants = [{ document: 'shared', role: 'editor' }];
    return (await admin.post('/tokens', { sub, name, grants, ttlSeconds: 600 })).body.token;
  };
  const [ada, eve] = [await tokenOf('ada', 'Ada'), await tokenOf('eve', 'Eve')];
  const victim = stockClient(server.ws, 'shared', { params: { token: ada } });
  const witness = stockClient(server.ws, 'shared', { params: { token: ada } });
  t.teardown(() => [victim, witness].forEach((client) => client.destroy()));
  await Promise.all([victim.synced(), witness.synced()]);
  const seen: unknown[] = [];
  witness.provider.awareness.on('change', () => {
    for (const state of witness.provider.awareness.getStates().values()) seen.push(structuredClone(state['user']));
  });
  victim.provider.awareness.setLocalStateField('user', { id: 'ada', name: 'Ada' });
  await until(() => witness.provider.awareness.getStates().has(victim.doc.clientID));

  const forger = await rawClient(`${server.ws}/shared?token=${eve}`);
  t.teardown(() => forger.destroy());
  forger.send(awarenessMessage(victim.doc.clientID, 1_000, { user: { id: 'ada', name: 'Not Ada' } }));
  forger.send(awarenessMessage(4_711, 1, { user: { id: 'ada', name: 'Ada', role: 'owner' }, cursor: 5 }));
  await until(() => witness.provider.awareness.getStates().has(4_711), { what: 'the own id of the forger is shown' });
  t.strictSame(witness.provider.awareness.getStates().get(4_711), {
    user: { id: 'eve', name: 'Eve', role: 'editor' },
    cursor: 5,
  });
  t.match(witness.provider.awareness.getStates().get(victim.doc.clientID), { user: { id: 'ada', name: 'Ada' } });
  t.notMatch(JSON.stringify(seen), /Not Ada/);
}

async function hung(t: Test, server: ServerProcess): Promise<void> {
  const admin = restClient(server.http, 'administration-token');
  // Half of the default, which newcomers get no more.
  t.equal((await admin.put('/optimization/pools/default', { idleTimeoutSeconds: 15 })).status, 200);
  const grants = [{ document: 'room', role: 'editor' }];
  const { token } = (await admin.post('/tokens', { sub: 'hung', grants, ttlSeconds: 600 })).body;
  const witness = stockClient(server.ws, 'room', { params: { token: 'administration-token' } });
  t.teardown(() => witness.destroy());
  await witness.synced();
  // A process of its own, so that it can be stopped: its kernel keeps the connection open and nothing answers.
  const script = `
    const { WebSocket } = await import('ws');
    const { WebsocketProvider } = await import('y-websocket');
    const Y = await import('yjs');
    const provider = new WebsocketProvider(process.argv[1], 'room', new Y.Doc(), { WebSocketPolyfill: WebSocket, disableBc: true, params: { token: process.argv[2] } });
    provider.awareness.setLocalState({ here: true });`;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, server.ws, token], { cwd: root });
  t.teardown(() => child.kill('SIGKILL'));
  const others = (): number => [...witness.provider.awareness.getStates().values()].filter((s) => s['here']).length;
  await until(() => others() === 1, { what: 'the other client is shown' });
  child.kill('SIGSTOP');
  await until(() => others() === 0, { what: 'its presence is gone within 35 s', limitMs: 35_000 });
  t.equal(others(), 0);
}
