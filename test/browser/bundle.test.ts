/** What a browser loads first, as the build has made it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import t from 'tap';

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

const folder = fileURLToPath(new URL('../../dist/web/', import.meta.url));
const manifest = JSON.parse(readFileSync(`${folder}manifest.json`, 'utf8')) as Readonly<Record<string, Chunk>>;

/** Of the chunks, the entry, and all they import, gzipped. */
function firstLoad(...pages: readonly string[]): number {
  const files = new Set<string>();
  const add = (name: string): void => {
    const chunk = manifest[name];
    if (chunk === undefined) throw new Error(`The build has no ${name}.`);
    if (files.has(chunk.file)) return;
    files.add(chunk.file);
    chunk.css?.forEach((file) => files.add(file));
    chunk.imports?.forEach(add);
  };
  add('index.html');
  pages.forEach(add);
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(folder + file)).length, 0);
}

t.test('a respondent loads at most 250 kB', async (t) => {
  const bytes = firstLoad('respond/respond-page.tsx');
  t.ok(bytes > 0 && bytes <= 250_000, `${bytes} bytes`);
});

t.test('an editor loads at most 500 kB, with what rich texts need', async (t) => {
  const bytes = firstLoad('editor/editor-page.tsx', 'editor/texts/rich-text-editor.tsx');
  t.ok(bytes > 0 && bytes <= 500_000, `${bytes} bytes`);
});
