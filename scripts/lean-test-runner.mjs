// Builds tap without its TypeScript plugin, as .taprc says: tests run through tsx, and the plugin would load a compiler in each
// of 150 processes. A fresh installation does not do it by itself. Where it cannot be done, tests run all the same, slower.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
if (!existsSync(path.join(root, 'node_modules/@tapjs/test/test-built'))) {
  try {
    execFileSync(path.join(root, 'node_modules/.bin/tap'), ['build'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch (error) {
    process.stderr.write(`tap could not be built without its TypeScript plugin: ${error.message}\n`);
  }
}
