/** The README is what people try first: its code is run as it stands. */
import t from 'tap';
import { spawn } from 'node:child_process';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8');
const blocks = (language: string): string[] =>
  Array.from(readme.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g')), (match) => match[1]!);

void t.test('the client example of ten lines talks to another client', async (t) => {
  const [example] = blocks('js');
  t.ok(example!.trim().split('\n').length <= 10, 'it is short');
  const server = await startServer();
  t.teardown(() => server.cleanup());
  // In the project's folder, as a module resolves its imports from where it lies.
  const file = path.join(ROOT, `.readme-example-${process.pid}.mjs`);
  await writeFile(file, example!);
  t.teardown(() => rm(file, { force: true }));
  const child = spawn(process.execPath, [file], { env: { ...process.env, NODE_OPTIONS: '', FORMLOOM_URL: server.ws } });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const peer = stockClient(server.ws, 'notes/hello');
  t.teardown(() => peer.destroy());
  await until(() => peer.doc.getText('text').toString().startsWith('Hello from '), { what: () => output });
  peer.doc.getText('text').insert(0, 'And hello back. ');
  await until(() => output.includes('And hello back. Hello from '), { what: () => output });
});

void t.test('the curl commands answer what they should', async (t) => {
  const server = await startServer();
  t.teardown(() => server.cleanup());
  const commands = blocks('sh').find((block) => block.startsWith('curl'))!;
  const child = spawn('sh', ['-ec', commands.replaceAll('http://127.0.0.1:1234', server.http)]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  t.equal(code, 0);
  t.match(output, '"report":[]');
  t.match(output, '"required":true');
});

void t.test('every link to a file leads somewhere', async (t) => {
  for (const [, target] of readme.matchAll(/\]\(([^)#]+)\)/g)) {
    if (/^https?:/.test(target!)) continue;
    await t.resolves(access(path.join(ROOT, target!)), target!);
  }
});
