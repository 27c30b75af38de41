import t from 'tap';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { composeServer } from '../harness/composed-server.js';

/** The examples as they stand; `formloom/client` is built from the sources, as an application's bundler would do it. */
void t.test('the examples do what they say', async (t) => {
  const server = await composeServer();
  const folder = await mkdtemp(path.resolve('node_modules', '.examples-'));
  t.teardown(async () => {
    await server.cleanup();
    await rm(folder, { recursive: true, force: true });
  });
  const run = async (example: string, url: string): Promise<string> => {
    const outfile = path.join(folder, example);
    await build({
      entryPoints: [path.resolve('examples', example)],
      alias: { 'formloom/client': path.resolve('client/index.ts') },
      external: ['yjs', 'ws', 'y-websocket', 'lib0', 'y-protocols'],
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
    });
    return (await promisify(execFile)(process.execPath, [outfile, url], { timeout: 30_000 })).stdout;
  };
  t.equal(await run('plain-yjs.mjs', server.ws), 'bob reads: hello\n');
  t.equal(await run('sdk-form.mjs', server.http), 'saved: Visit asks for "Your name"\n');
});
