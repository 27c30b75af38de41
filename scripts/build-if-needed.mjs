// Runs before `npm start`: builds when dist/ is missing or older than a source file.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(full) : statSync(full).mtimeMs);
  }
  return latest;
}

const built = statSync(path.join(root, 'dist/cli/main.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
const sources = Math.max(
  ...['crdt', 'client', 'server', 'api', 'cli', 'web'].map((folder) => newest(path.join(root, folder))),
);
if (built < sources) {
  process.stderr.write('Building Formloom …\n');
  await import('./build.mjs');
}
