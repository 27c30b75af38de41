import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { FORMLOOM, startServer, temporaryFolder } from '../harness/server-process.js';
import { until } from '../harness/until.js';

const run = (args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [FORMLOOM, 'loadtest', ...args], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });

void t.test('the load test runs its scenarios against a server of its own and reports', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { out, err } = await run([
    ...['--scenario', 'basic,queue', '--connections', '4', '--duration', '500', '--output', folder, '--json'],
  ]);
  const { results, files, verdict } = JSON.parse(out);
  t.equal(results.length, 2, err);
  t.match(verdict, /^\d\/2 scenarios passed/);
  for (const { figures, name } of results) {
    t.equal(figures.success, 1, `${name}: every connection got every edit`);
    t.strictSame(figures.problems, []);
    t.ok(figures.edits > 0 && figures.cpuShare > 0 && figures.memoryShare > 0);
  }
  const [json, html] = await Promise.all(files.map((file: string) => readFile(file, 'utf8')));
  t.equal(JSON.parse(json).results.length, 2);
  t.match(html, /<svg/);
});

void t.test('against a running server, one scenario; wrong use is one clear line', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const common = ['--connections', '4', '--duration', '500', '--output', folder];
  const { out } = await run(['--url', server.http, '--scenario', 'basic', ...common]);
  t.match(out, /100\.0 % of 4 connections/);
  const unknown = await run(['--scenario', 'nonsense', ...common]);
  t.equal(unknown.code, 2);
  t.match(unknown.err, /^formloom: there is no scenario "nonsense"; there are basic, /);
  const nobody = await run(['--url', 'http://127.0.0.1:9', '--scenario', 'basic', ...common]);
  t.equal(nobody.code, 3);
  t.match(nobody.err, /no server answers at http:\/\/127\.0\.0\.1:9/);
});

void t.test('cut off in the middle it leaves no server and no folder', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'formloom-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, [FORMLOOM, 'loadtest', '--connections', '2', '--duration', '60000'], {
    env: { ...process.env, TMPDIR: folder },
    cwd: folder,
  });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  await until(() => told.includes('typing'));
  const [own] = await readdir(folder);
  t.match(own, /^formloom-load-test-/);
  child.kill('SIGINT');
  // Its standard error ends with the last process that has it: the server has it too.
  const [, signal] = await once(child, 'close');
  t.equal(signal, 'SIGINT');
  t.same(await readdir(folder), []);
});

void t.test('a soak judges memory by its slope, the capacity search finds what holds a goal', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const small = ['--connections', '10', '--duration', '500', '--output', folder, '--json'];
  const soaked = JSON.parse((await run(['--soak', '2s', ...small])).out);
  t.match(soaked.verdict, /^soak of 0\.\d minutes (passed: memory is flat|FAILED)$/);
  t.ok(soaked.result.rounds >= 1 && soaked.result.samples.length >= 1);
  t.same(soaked.result.problems, []);
  t.match(await readFile(soaked.files[1], 'utf8'), /Resident memory/);

  // A goal that nothing misses, and one that nothing holds: the search ends in both.
  const nothing = await run(['--capacity', '--goal-p99', '0.001', ...small]);
  t.equal(nothing.code, 1);
  t.match(JSON.parse(nothing.out).verdict, /^no load was found that holds a p99 of 0\.001 ms$/);
  const wrong = await Promise.all([
    run(['--soak', 'forever']),
    run(['--goal-p99', '5']),
    run(['--soak', '1s', '--capacity']),
  ]);
  t.same(
    wrong.map(({ code }) => code),
    [2, 2, 2],
  );
});
