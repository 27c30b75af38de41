import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

void t.test('the stress test judges each scenario and counts those that passed', async (t) => {
  const [help, wrong, quick] = await Promise.all([
    run('--help'),
    run('--scenario', 'nothing'),
    run('--scenario', 'rooms', '--quick'),
  ]);
  t.equal(help.code, 0);
  t.match(help.stdout, /fan-out[\s\S]*fuzzed-frames/);
  t.equal(wrong.code, 2);
  t.match(wrong.stderr, /no scenario "nothing"; there are fan-out, /);
  const lines = quick.stdout.trim().split('\n');
  t.equal(lines.length, 2, quick.stdout + quick.stderr);
  t.match(lines[0], /^passed {2}rooms .*lost 0 of \d+ deliveries/);
  t.equal(lines[1], '1/1 scenarios passed');
  t.equal(quick.code, 0);
});
