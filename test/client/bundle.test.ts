import t from 'tap';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What an application that imports these names is given, without Yjs. */
async function bundled(imports: string): Promise<{ gzipped: number; inputs: string[] }> {
  const result = await build({
    stdin: { contents: imports, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    external: ['yjs', 'react'],
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return {
    gzipped: gzipSync(result.outputFiles[0]!.contents, { level: 9 }).length,
    inputs: Object.keys(result.metafile.inputs),
  };
}

const BUDGET_BYTES = 25_000;

void t.test(
  'connection, local copy, presence, saved state and REST fit in 25 kB, and none of it drags in the form model',
  async (t) => {
    const { gzipped, inputs } = await bundled(
      `export { connect, guardLeaving, openLocalCopy, Presence, httpTransport, webSocketTransport } from './client/index.js';`,
    );
    t.comment(`${gzipped} bytes gzipped`);
    t.ok(gzipped <= BUDGET_BYTES, `${gzipped} bytes`);
    const one = await bundled(`export { guardLeaving } from './client/index.js';`);
    t.ok(one.gzipped < 1_000, `one function alone: ${one.gzipped} bytes`);
    t.notOk(inputs.some((input) => input.includes('server/rooms')));
  },
);

void t.test('all of the SDK bundles for browsers: no Node built-in is imported', async (t) => {
  // esbuild fails on a Node built-in where the platform is a browser.
  const all = await bundled(`export * from './client/index.js'; export * from './client/react/index.js';`);
  t.comment(`all of it, with the form model: ${all.gzipped} bytes gzipped`);
  t.notOk(all.inputs.some((input) => /^(server|api|cli)\//.test(input)));
});
