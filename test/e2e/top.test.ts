/** `formloom top` against a real server, as an operator runs it from elsewhere: with a URL and a token alone. */
import { spawn } from 'node:child_process';
import t from 'tap';
import { FORMLOOM, startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';

const ADMIN = 'an-admin-token-that-is-long-enough-1';
const server = await startServer({
  env: { AUTH: 'jwt', JWT_SECRET: 'a-secret-of-at-least-32-characters-xx', ADMIN_TOKEN: ADMIN },
});
t.teardown(() => server.cleanup());

function top(args: readonly string[], url = server.http): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [FORMLOOM, 'top', '--url', url, ...args], { env: {} });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

void t.test('people, edits, latencies, pools, queues, alerts and documents', async (t) => {
  const writer = stockClient(server.ws, 'form/busy', { params: { token: ADMIN } });
  t.teardown(() => writer.destroy());
  await writer.synced();
  const typing = setInterval(() => writer.doc.getText('text').insert(0, 'x'), 20);
  t.teardown(() => clearInterval(typing));
  const { code, out, err } = await top(['--once', '--interval', '0.5', '--json', '--token', ADMIN]);
  t.equal(code, 0, err);
  const look = JSON.parse(out);
  t.match(look, { isReady: true, faults: {}, connections: 1, rooms: { live: 1 }, isStoreOk: true, alerts: [] });
  t.ok(look.perSecond.edits > 0 && look.latencyMs.echoP99 > 0 && look.latencyMs.appendP99 > 0, out);
  t.ok(look.process.residentBytes > 0 && look.diskFreeBytes > 0);
  t.match(
    look.overview.queues.map(({ name, capacity }: Record<string, unknown>) => [name, capacity]),
    [
      ['realtime', 5_000],
      ['broadcast', 10_000],
      ['notification', 15_000],
      ['system', 2_000],
    ],
  );
  t.match(look.documents, [{ document: 'form/busy', connections: 1, health: 100 }]);

  const text = await top(['--once', '--interval', '0.5', '--token', ADMIN]);
  t.match(text.out, /ready .*\n\nconnections 1 .*1 live/);
  t.match(text.out, /priority .* 1 of 500/);
  t.match(text.out, /form\/busy +1 /);

  t.notMatch(text.out, /\u001b/, 'no colours into a pipe');
});

void t.test('less without a token; one line when something is wrong', async (t) => {
  const anybody = await top(['--once', '--interval', '0.5', '--json']);
  t.match(JSON.parse(anybody.out), { isReady: true, overview: null, alerts: null, documents: null });
  const wrong = await top(['--once', '--interval', '0.5', '--token', 'wrong']);
  t.equal(wrong.code, 1);
  t.match(wrong.err, /^formloom: 401 token_invalid: [^\n]+\n$/);
  const nobody = await top(['--once'], 'http://127.0.0.1:1');
  t.equal(nobody.code, 3);
  t.match(nobody.err, /^formloom: no server answers at [^\n]+\n$/);
  t.equal((await top(['--once', '--interval', 'soon'])).code, 2);
});
