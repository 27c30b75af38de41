// npm run example -- <name> [--server <url>] [--port <number>]
//
// Runs an example: a program in Node, or a page that Vite serves. When no server answers there, one is started, and what
// is written to it is gone afterwards.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PROGRAMS = ['plain-yjs', 'sdk-form'];
const PAGES = ['codemirror', 'react', 'surveyjs', 'tiptap'];
const here = path.dirname(fileURLToPath(import.meta.url));
const main = path.join(here, '../dist/cli/main.js');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { server: { type: 'string', default: 'http://127.0.0.1:1234' }, port: { type: 'string', default: '5173' } },
});
const [name = ''] = positionals;
if (![...PROGRAMS, ...PAGES].includes(name)) {
  console.error(
    `Usage: npm run example -- <${[...PROGRAMS, ...PAGES].join(' | ')}> [--server <url>] [--port <number>]`,
  );
  process.exit(2);
}

const isUp = async (url) => (await fetch(`${url}/api/v1/health/live`).catch(() => undefined))?.ok === true;

/** A server of our own, whose data ends with it. */
async function startServer(url) {
  if (!existsSync(main)) throw new Error('There is no build yet: npm run build');
  const data = await mkdtemp(path.join(tmpdir(), 'formloom-example-'));
  const { port } = new URL(url);
  const server = spawn(
    process.execPath,
    [main, 'serve', '--port', port, '--data-dir', data, '--log-level', 'warn', '--drain-seconds', '0'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  for (let tries = 0; !(await isUp(url)); tries += 1) {
    if (server.exitCode !== null || tries > 200) throw new Error('The server did not start.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill();
    await ended;
    await rm(data, { recursive: true, force: true });
  };
}

const url = values.server;
const stopServer = (await isUp(url)) ? async () => {} : await startServer(url);

if (PROGRAMS.includes(name)) {
  const program = spawn(process.execPath, [path.join(here, `${name}.mjs`), url], { stdio: 'inherit' });
  process.exitCode = await new Promise((resolve) => program.once('exit', resolve));
  await stopServer();
} else {
  const { createServer } = await import('vite');
  const pages = await createServer({
    configFile: path.join(here, 'vite.config.mjs'),
    root: here,
    logLevel: 'warn',
    server: {
      host: '127.0.0.1',
      port: Number(values.port),
      // Page and server on one origin, as behind any reverse proxy.
      proxy: { '/formloom': { target: url, ws: true, rewrite: (given) => given.replace(/^\/formloom/, '') } },
    },
  });
  await pages.listen();
  const { port } = pages.httpServer.address();
  console.log(`Open http://127.0.0.1:${port}/${name}/ in two windows.`);
  const stop = async () => {
    await pages.close();
    await stopServer();
    process.exit(0);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}
