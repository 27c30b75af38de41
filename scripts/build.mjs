// Builds dist/ from the sources with the TypeScript compiler, and the web app into dist/web with Vite.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
rmSync(path.join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
// Redis runs them as they are.
cpSync(path.join(root, 'server/storage/redis/scripts'), path.join(root, 'dist/server/storage/redis/scripts'), {
  recursive: true,
});
chmodSync(path.join(root, 'dist/cli/main.js'), 0o755);
execFileSync(
  process.execPath,
  [path.join(root, 'node_modules/vite/bin/vite.js'), 'build', 'web', '--logLevel', 'warn'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
