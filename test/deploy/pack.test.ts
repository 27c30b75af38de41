/**
 * The package as others get it: packed, installed into an empty folder, and run by somebody who may write nothing but its
 * data. With this Node; `npm run test:pack` does it with 20, 22 and 24.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import * as Y from 'yjs';
import { restClient } from '../harness/rest-client.js';
import { freePort } from '../harness/free-port.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ROOT = path.join(import.meta.dirname, '../..');
/** Majors, comma-separated; this Node when empty. */
const MAJORS = (process.env['FORMLOOM_TEST_NODES'] ?? '').split(',').filter((major) => major !== '');
const exec = promisify(execFile);
/** When root runs the tests, the server runs as nobody. */
const OTHER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

const home = await mkdtemp(path.join(tmpdir(), 'formloom-pack-'));
t.teardown(() => rm(home, { recursive: true, force: true, maxRetries: 10 }));
await chmod(home, 0o755);
const app = path.join(home, 'app');
const installed = path.join(app, 'node_modules/formloom');

void t.test('it packs what is needed and nothing else, and installs without running anything', async (t) => {
  const { stdout } = await exec('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', home], {
    ...{ cwd: ROOT, maxBuffer: 64 * 1024 ** 2 },
  });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  const files = packed.files.map((file) => file.path);
  for (const needed of [
    ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'dist/cli/main.js', 'dist/web/index.html'],
    ...['dist/client/index.d.ts', 'dist/server/storage/redis/scripts/append-3.lua'],
  ]) {
    t.ok(files.includes(needed), needed);
  }
  t.same(
    files.filter(
      (file) => /\.test\.|\/testing\/|\.contract\.|^test\/|\.env|\.tsx?$/.test(file) && !file.endsWith('.d.ts'),
    ),
    [],
  );
  await mkdir(app);
  await writeFile(path.join(app, 'package.json'), '{"private": true, "type": "module"}');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await exec('npm', ['install', ...options, path.join(home, packed.filename)], { cwd: app });
  t.notOk(existsSync(path.join(app, 'node_modules/typescript')), 'no tools for development');
  t.ok(existsSync(path.join(app, 'node_modules/.bin/formloom')));
});

for (const node of MAJORS.length === 0 ? [process.execPath] : await Promise.all(MAJORS.map(nodeOf))) {
  const { stdout: version } = await exec(node, ['--version']);
  void t.test(`Node ${version.trim()}: commands, server, exports`, async (t) => {
    const main = path.join(installed, 'dist/cli/main.js');
    const { version: ours } = JSON.parse(
      (await exec(node, ['-p', `JSON.stringify(require('${installed}/package.json'))`])).stdout,
    );
    t.equal((await exec(node, [main, '--version'])).stdout.trim(), ours);
    t.match((await exec(node, [main, 'serve', '--help'])).stdout, /--data-dir/);

    const data = await mkdtemp(path.join(home, 'data-'));
    if (OTHER.uid !== undefined) await chown(data, OTHER.uid, OTHER.gid);
    const first = await serve(node, main, data);
    const client = stockClient(first.ws, 'notes/packed');
    client.doc.getText('text').insert(0, 'from a package');
    await client.saved();
    client.destroy();
    const made = await restClient(first.http).post('/forms', { id: 'packed', pages: [] });
    t.equal(made.status, 201, made.text);
    t.equal((await fetch(`${first.http}/app/`)).status, 200, 'the app is there');
    t.equal((await fetch(`${first.http}/api/v1/docs`)).status, 200, 'and the pages about the interface');
    if (Number(/^v(\d+)/.exec(version)?.[1]) >= 22) await importsFromSqlite(t, node, main, first.http);
    t.equal(await first.terminate(), 0, 'SIGTERM ends it in order');
    const second = await serve(node, main, data);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await restClient(second.http).bytes('/documents/notes%2Fpacked/state'));
    t.equal(doc.getText('text').toString(), 'from a package', 'what was saved is there after a restart');
    t.equal(await second.terminate(), 0);
    // Its exit code says whether there is something to improve.
    const doctor = await exec(node, [main, 'doctor', '--json'], { env: { PATH: '', DATA_DIR: data } }).catch(
      (error: unknown) => error as { stdout: string },
    );
    t.type(JSON.parse(doctor.stdout), 'object');

    const program = path.join(app, 'program.mjs');
    await writeFile(
      program,
      `import { readFileSync } from 'node:fs';
       const { exports } = JSON.parse(readFileSync('${installed}/package.json', 'utf8'));
       // React is the application's own, and not here.
       const names = Object.keys(exports).filter((name) => !/react|json$/.test(name));
       const found = {};
       for (const name of names) found[name] = Object.keys(await import('formloom' + name.slice(1))).length > 0;
       console.log(JSON.stringify(found));`,
    );
    const found = JSON.parse((await exec(node, [program])).stdout) as Record<string, boolean>;
    t.same(
      Object.keys(found).filter((name) => !found[name]),
      [],
    );
    for (const name of ['./client', './crdt', './server']) t.ok(found[name], name);
  });
}

/** By Node's own SQLite: `sql.js` is not installed here. */
async function importsFromSqlite(t: Test, node: string, main: string, url: string): Promise<void> {
  const file = path.join(home, `hocuspocus-${path.basename(await mkdtemp(path.join(home, 'sqlite-')))}.db`);
  const doc = new Y.Doc();
  doc.getText('text').insert(0, 'from SQLite');
  const state = Buffer.from(Y.encodeStateAsUpdate(doc)).toString('hex');
  await exec(node, [
    '-e',
    `const db = new (require('node:sqlite').DatabaseSync)(${JSON.stringify(file)});
     db.exec('CREATE TABLE "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))');
     db.exec("INSERT INTO documents VALUES ('moved', x'${state}')");
     db.close();`,
  ]);
  const args = ['import-documents', '--from', 'hocuspocus-sqlite', file, '--url', url, '--json'];
  const { stdout } = await exec(node, [main, ...args]);
  t.match(JSON.parse(stdout), { documents: [{ document: 'moved', outcome: 'equal' }] });
}

interface Served {
  readonly http: string;
  readonly ws: string;
  terminate(): Promise<number | null>;
}

async function serve(node: string, main: string, data: string): Promise<Served> {
  const port = await freePort();
  const child = spawn(node, [main, 'serve'], {
    ...OTHER,
    cwd: data,
    env: { PATH: process.env['PATH'] ?? '', PORT: String(port), DATA_DIR: data, DRAIN_SECONDS: '0', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  t.teardown(() => child.kill('SIGKILL'));
  const http = `http://127.0.0.1:${port}`;
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${output}`);
      return (await fetch(`${http}/api/v1/health/ready`).catch(() => undefined))?.status === 200;
    },
    { what: () => `the packed server is ready: ${output}` },
  );
  return {
    http,
    ws: http.replace('http', 'ws'),
    terminate: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** A Node of that major, from npm's package of its binary; kept for the next time. */
async function nodeOf(major: string): Promise<string> {
  const folder = path.join(ROOT, 'node_modules/.cache/formloom-nodes', major);
  const name = `node-linux-${process.arch}`;
  const binary = path.join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(binary)) return binary;
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{"private": true}');
  await exec('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${major}`], { cwd: folder });
  return binary;
}
