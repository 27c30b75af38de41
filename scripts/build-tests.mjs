// Builds the tests, each with all that it imports of the sources, into .tests/: a test process then loads a few files in
// place of a compiler and a thousand sources, which is most of what a small test costs. Packages stay where they are.
import { readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const FOLDERS = ['api', 'cli', 'crdt', 'loadtest', 'server', 'test', 'web'];
/**
 * Those that take ten seconds and more, mostly waiting: they run first (in the order of their names), beside others that work. The
 * last one would run alone.
 */
const LONG = [
  'server/storage/encrypted/encrypted-storage',
  'server/storage/redis/faults',
  'server/storage/redis/ports',
  'test/api/analytics',
  'test/api/built-in-alerts',
  'test/api/comments',
  'test/api/forms',
  'test/api/optimization',
  'test/api/submission-life',
  'test/e2e/commands',
  'test/e2e/main-job',
  'test/faults/medium',
  'test/faults/stalled-disk',
  'test/redis/cluster',
  'test/redis/failover',
  'test/redis/faults',
  'test/redis/node-death',
  'test/redis/nodes',
  'test/redis/operations',
  'test/security/authorization',
  'test/users/joins',
  'test/users/leaks',
  'test/users/presence',
  'test/users/restarts',
];
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const tests = FOLDERS.flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.test\.tsx?$/.test(file))
    .map((file) => path.join(root, folder, file)),
);

const missing = LONG.filter((name) => !tests.includes(path.join(root, `${name}.test.ts`)));
if (missing.length > 0) throw new Error(`There is no test ${missing.join(', ')}`);
const entryPoints = tests.map((file) => {
  const name = path.relative(root, file).replace(/\.tsx?$/, '');
  return { in: file, out: LONG.includes(name.replace(/\.test$/, '')) ? path.join('0-first', name) : name };
});

/** A source finds its neighbours (fixtures, scripts, other programs) by where it lies, not by where its build does. */
const whereItLies = {
  name: 'where-it-lies',
  setup({ onLoad }) {
    onLoad({ filter: /\.tsx?$/ }, async ({ path: file }) => {
      const contents = (await readFile(file, 'utf8'))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href))
        .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)));
      return { contents, loader: file.endsWith('x') ? 'tsx' : 'ts' };
    });
  },
};

const outdir = path.join(root, '.tests');
rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints,
  outdir,
  outbase: root,
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  plugins: [whereItLies],
  logLevel: 'warning',
});
