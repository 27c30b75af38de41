/** Each command as an operator runs it, against a real server. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import * as Y from 'yjs';
import { FORMLOOM, startServer, temporaryFolder } from '../harness/server-process.js';
import { until } from '../harness/until.js';

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function formloom(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
  isUnread = false,
): Promise<Run> {
  const { child, ended } = started(args, env, cwd);
  if (isUnread) child.stdout.destroy();
  return ended;
}

interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has said so far. */
  readonly stderr: () => string;
  readonly ended: Promise<Run>;
}

function started(args: readonly string[], env: Readonly<Record<string, string>>, cwd?: string): Started {
  const child = spawn(process.execPath, [FORMLOOM, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    cwd,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Run>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { child, stderr: () => stderr, ended };
}

/** Nothing on standard output, one line on standard error that begins with the command's name. */
function isOneLine({ stdout, stderr }: Run): boolean {
  return stdout === '' && /^formloom: [^\n]+\n$/.test(stderr);
}

const FORM = {
  id: 'survey',
  title: { en: 'Survey' },
  pages: [{ id: 'p', title: { en: 'P' }, fields: [{ id: 'f', type: 'text', title: { en: 'Name?' } }] }],
};

void t.test('the benchmark is a command too, with its own help', async (t) => {
  const [help, wrong] = await Promise.all([formloom(['bench', '--help']), formloom(['bench', '--scenario', 'S99'])]);
  t.match(help, { code: 0, stdout: /--scenario S1,S2[^]*S6 / });
  t.match(wrong, { code: 2, stdout: '', stderr: /^bench: no scenario "s99"/i });
});

// Some twenty processes, one after the other.
void t.test('forms, snapshots, backups and restores from the command line', { timeout: 180_000 }, async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const at = { FORMLOOM_URL: server.http };
  const file = path.join(folder, 'form.json');
  await writeFile(file, JSON.stringify(FORM));

  const imported = await formloom(['import', file, '--id', 'survey', '--format', 'formloom', '--json'], at);
  t.equal(imported.code, 0, imported.stderr);
  t.match(JSON.parse(imported.stdout), { id: 'survey', format: 'formloom' });
  t.match(
    await formloom(['import', file, '--id', 'survey', '--format', 'formloom'], at),
    { code: 1 },
    'twice is refused',
  );
  const missing = await formloom(['import', path.join(folder, 'nothing.json')], at);
  t.ok(missing.code === 2 && isOneLine(missing), missing.stderr);

  const exported = await formloom(['export', 'survey'], at);
  t.match(JSON.parse(exported.stdout), { title: { en: 'Survey' } });
  t.match(await formloom(['export', 'survey', '-o', path.join(folder, 'out.json')], at), { code: 0 });
  t.match(JSON.parse(await readFile(path.join(folder, 'out.json'), 'utf8')), { title: { en: 'Survey' } });
  const unknown = await formloom(['export', 'nobody'], at);
  t.ok(unknown.code === 1 && isOneLine(unknown), unknown.stderr);

  const taken = await formloom(['snapshot', 'take', 'form/survey', '--label', 'first', '--json'], at);
  const { id } = JSON.parse(taken.stdout) as { id: string };
  const policy = await formloom(
    ['snapshot', 'policy', '--updates', '7', '--minutes', 'off', '--daily', '3', '--json'],
    at,
  );
  t.match(JSON.parse(policy.stdout), { every: { updates: 7, minutes: null }, retention: { hourly: 24, daily: 3 } });
  const listed = await formloom(['snapshot', 'list', 'form/survey'], at);
  t.ok(listed.stdout.includes(id) && listed.stdout.includes('first'));
  const renamed = await fetch(`${server.http}/api/v1/forms/survey`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ operations: [{ op: 'setTitle', target: 'form', language: 'en', value: 'Renamed' }] }),
  });
  t.equal(renamed.status, 200);
  const title = async (): Promise<string> => {
    const answer = await formloom(['export', 'survey'], at);
    return (JSON.parse(answer.stdout) as { title: { en: string } }).title.en;
  };
  t.match(await formloom(['restore', 'form/survey', id, '--dry-run'], at), { code: 0, stdout: /This would change/ });
  t.equal(await title(), 'Renamed', 'a dry run changes nothing');
  t.match(await formloom(['restore', 'form/survey', id], at), { code: 0, stdout: /Restored form\/survey/ });
  t.equal(await title(), 'Survey');

  // More than a pipe holds.
  const large = new Y.Doc();
  large.getMap('map').set('noise', randomBytes(300_000).toString('base64'));
  const sent = await fetch(`${server.http}/api/v1/documents/noise/updates`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: Y.encodeStateAsUpdate(large),
  });
  t.equal(sent.status, 204);
  const archive = path.join(folder, 'all.formloom-backup');
  const backedUp = await formloom(['backup', '--output', archive, '--json'], at);
  t.equal(backedUp.code, 0, backedUp.stderr);
  t.match(JSON.parse(backedUp.stdout), { file: archive, unreadable: [] });
  const inUse = await formloom(['backup', path.join(folder, 'x'), '--data-dir', server.dataDir]);
  t.ok(inUse.code === 1 && isOneLine(inUse) && inUse.stderr.includes('in use'), inUse.stderr);
  const both = await formloom(['backup'], at);
  t.ok(both.code === 2 && isOneLine(both), both.stderr);

  const data = path.join(folder, 'data');
  const dry = await formloom(['restore', archive, '--dry-run', '--data-dir', data]);
  t.match(dry, { code: 0, stdout: /would be restored/ }, dry.stderr);
  const restored = await formloom(['restore', archive, '--verify', '--json', '--data-dir', data]);
  t.match(JSON.parse(restored.stdout), { dryRun: false, verified: true, differing: [] }, restored.stderr);
  const again = await formloom(['restore', archive, '--data-dir', data]);
  t.ok(again.code === 1 && isOneLine(again) && again.stderr.includes('not empty'), again.stderr);
  const offline = await formloom(['backup', path.join(folder, 'offline'), '--data-dir', data]);
  t.match(offline, { code: 0, stdout: /documents/ }, offline.stderr);

  for (const [signal, args, env] of [
    ['SIGINT', ['backup', '--output', path.join(folder, 'stopped')], at],
    ['SIGTERM', ['backup', path.join(folder, 'stopped'), '--data-dir', data], {}],
  ] as const) {
    // It is written into a pipe, so that it cannot end before it is stopped.
    const pipe = path.join(folder, 'stopped.partial');
    execFileSync('mkfifo', [pipe]);
    const stopped = started(args, env);
    const reader = createReadStream(pipe);
    await once(reader, 'readable');
    stopped.child.kill(signal);
    await until(() => stopped.stderr().includes('cleaning up'));
    reader.resume();
    const end = await stopped.ended;
    t.equal(end.code, signal === 'SIGINT' ? 130 : 143, end.stderr);
    t.match(end, { stdout: '', stderr: new RegExp(`^${signal}: .+\\nformloom: stopped by ${signal}\\n$`) });
    t.same(
      (await readdir(folder)).filter((name) => name.startsWith('stopped')),
      [],
      'nothing is left',
    );
  }

  const bytes = await readFile(archive);
  bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
  await writeFile(archive, bytes);
  const damaged = await formloom(['restore', archive, '--data-dir', path.join(folder, 'other')]);
  t.match(damaged, { code: 1, stderr: /damaged; nothing was restored\n {2}frame \d+ at byte \d+: / });
  const nothing = await formloom(['restore', path.join(folder, 'nothing')]);
  t.ok(nothing.code === 2 && isOneLine(nothing), nothing.stderr);

  const doctor = await formloom(['doctor', '--json', '--data-dir', data, '--port', String(server.port)]);
  t.equal(doctor.code, 0, doctor.stderr);
  t.match(
    (JSON.parse(doctor.stdout) as { check: string; detail: string }[]).find(({ check }) => check === 'server')?.detail,
    /is ready/,
  );
  const away = await formloom(['export', 'survey', '--url', 'http://127.0.0.1:1']);
  t.ok(away.code === 3 && isOneLine(away), away.stderr);
  t.match(await formloom(['keys', 'status', '--url', 'localhost:1234']), { code: 2, stderr: /a URL like http/ });
  const misused = await formloom(['token', '--json']);
  t.match(JSON.parse(misused.stderr), { error: /required option '--sub <id>'/ }, 'errors are JSON too');
  t.match(
    await formloom(['keys', 'status'], at, undefined, true),
    { code: 0, stderr: '' },
    'nobody reads it: no fault',
  );
  const elsewhere = await formloom(['doctor', '--json', '--data-dir', data, '--host', '::1', '--port', '1']);
  t.match(elsewhere.stdout, /none runs at http:\/\/\[::1\]:1"/);

  server.child.kill('SIGSTOP');
  const hung = await formloom(['doctor', '--json', '--data-dir', data, '--port', String(server.port)]);
  server.child.kill('SIGCONT');
  t.match(hung, { code: 1, stdout: /does not answer within 5 s/ });
});
