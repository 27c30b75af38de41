// Builds the tests, each with all that it imports of the sources, into .tests/: a test process then loads a few files in
// place of a compiler and a thousand sources, which is most of what a small test costs. Packages stay where they are.
import { readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const FOLDERS = ['api', 'cli', 'crdt', 'loadtest', 'server', 'test', 'web'];
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const tests = FOLDERS.flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.test\.tsx?$/.test(file))
    .map((file) => path.join(root, folder, file)),
);

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
  entryPoints: tests,
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
