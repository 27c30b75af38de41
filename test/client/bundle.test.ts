import t from 'tap';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Of everything that an application cannot get around, without Yjs and what Yjs itself brings. */
const BUDGET_BYTES = 25_000;
const YJS = ['yjs', 'lib0/*', 'y-protocols/*'];

/** What an application that imports these names is given. */
async function bundled(imports: string, external: readonly string[] = YJS): Promise<{ gzipped: number; code: string }> {
  const result = await build({
    stdin: { contents: imports, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    // esbuild fails on a Node built-in where the platform is a browser.
    platform: 'browser',
    target: 'es2023',
    external: [...external, 'react'],
    write: false,
    logLevel: 'silent',
  });
  const [{ contents, text } = { contents: new Uint8Array(), text: '' }] = result.outputFiles;
  return { gzipped: gzipSync(contents, { level: 9 }).length, code: text };
}

void t.test('forms, submissions, comments and presence fit in 25 kB, and so does everything', async (t) => {
  const names = 'connect, openForm, openComments, openSubmission, startSubmission, Presence';
  const app = await bundled(`export { ${names} } from './client/index.js';`);
  const all = await bundled(`export * from './client/index.js';`);
  const withYjsParts = await bundled(`export { ${names} } from './client/index.js';`, ['yjs']);
  const everything = await bundled(`export * from './client/index.js';`, ['yjs']);
  t.comment(`gzipped: ${app.gzipped} for an application, ${all.gzipped} for all`);
  t.comment(`with lib0 and y-protocols: ${withYjsParts.gzipped} and ${everything.gzipped}`);
  for (const { gzipped } of [app, all, withYjsParts]) t.ok(gzipped <= BUDGET_BYTES, `${gzipped} bytes`);
  // It is a form, and not the shell of one.
  for (const operation of ['addField', 'moveOption', 'deleteText']) t.ok(all.code.includes(operation));
});

void t.test('what is not imported is not bundled', async (t) => {
  const one = await bundled(`export { guardLeaving } from './client/index.js';`);
  t.ok(one.gzipped < 1_000, `one function alone: ${one.gzipped} bytes`);
  const core = await bundled(`export { connect } from './client/index.js';`);
  t.ok(core.gzipped < 9_000, `documents alone: ${core.gzipped} bytes`);
  const projection = await bundled(`export { project, formIssues } from './crdt/index.js';`);
  t.ok(projection.gzipped < 6_000, `reading forms, without schemas and rules: ${projection.gzipped} bytes`);
});

void t.test('the hooks bundle for browsers too', async (t) => {
  const hooks = await bundled(`export * from './client/react/index.js';`);
  t.ok(hooks.gzipped < 2_000, `${hooks.gzipped} bytes`);
});
