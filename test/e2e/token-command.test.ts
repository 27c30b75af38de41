/** `formloom token` as an operator types it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeJwt } from 'jose';
import t from 'tap';
import { temporaryFolder } from '../harness/server-process.js';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const SECRET = 'a-secret-of-at-least-32-characters!!';

const folder = await temporaryFolder();
t.teardown(() => rm(folder, { recursive: true }));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function token(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, 'token', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

void t.test('the secret is taken from .env, as the server takes it', async (t) => {
  await writeFile(path.join(folder, '.env'), `JWT_SECRET=${SECRET}\nHOST=0.0.0.0\n`);
  const { code, out, err } = await token(['--sub', 'ada', '--role', 'viewer', '--document', 'form/*', '--ttl', '60']);
  t.strictSame([code, err], [0, '']);
  const { sub, grants, exp = 0, iat = 0 } = decodeJwt(out.trim());
  t.strictSame([sub, grants], ['ada', [{ document: 'form/*', role: 'viewer' }]]);
  t.equal(exp - Math.floor(iat), 60);
});

void t.test('what is wrong is one clear line and exit code 2', async (t) => {
  const wrong: [string[], RegExp][] = [
    [
      ['--sub', 'ada', '--ttl', '400000000'],
      /^formloom: --ttl: a whole number of seconds from 1 to \d+ \(10 years\)\n$/,
    ],
    [['--sub', 'ada', '--ttl', '1h'], /^formloom: --ttl: .*\n$/],
    [['--sub', 'ada', '--role', 'god'], /^formloom: --role: must be one of admin, owner.*\n$/],
    [['--sub', ''], /^formloom: --sub: must have 1 to 128 printable characters\n$/],
    [['--sub', 'ada', '--document', ''], /^formloom: --document: must have 1 to 256 characters\n$/],
  ];
  const outcomes = await Promise.all(wrong.map(([args]) => token(args)));
  for (const [i, [args, line]] of wrong.entries()) {
    t.match(outcomes[i], { code: 2, out: '', err: line }, args.join(' '));
  }
});
