/** The guides are what people copy from: their code is run as it stands, against a real server. */
import t from 'tap';
import { spawn } from 'node:child_process';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../harness/server-process.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const GUIDES = path.join(ROOT, 'docs/guides');
const server = await startServer();
t.teardown(() => server.cleanup());

async function blocksOf(guide: string, language: string): Promise<string[]> {
  const text = await readFile(path.join(GUIDES, guide), 'utf8');
  return Array.from(text.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g')), (match) => match[1]!);
}

async function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, NODE_OPTIONS: '', FORMLOOM_URL: server.ws };
  const child = spawn(command, args, { env, cwd: ROOT });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

const here = (commands: string): string => commands.replaceAll('http://127.0.0.1:1234', server.http);

void t.test('the back end of the REST guide goes from a form to an erased submission', async (t) => {
  const { code, output } = await run('sh', ['-ec', here((await blocksOf('rest-consumer.md', 'sh')).join('\n'))]);
  t.equal(code, 0, output);
  const lines = output.trim().split(/\r?\n/);
  const said = ['Visite', 'the same again: 412', '1', '1', 'minLength', '422', '100', 'submitted'];
  t.same(lines.slice(0, said.length), said);
  const moved = ['loss', '2', 'dropped', '7', 'processing', 'completed', '1'];
  t.same(lines.slice(said.length, said.length + moved.length), moved);
  t.match(lines.at(-5), /^id,version,status,startedAt,submittedAt,startedBy,name,age$/);
  t.match(lines.at(-4), /in_progress/);
  t.equal(lines.at(-1)?.startsWith('form/guide/submission/'), true, output);
});

void t.test('the editor of the form guide edits, and sees undone what cannot stand', async (t) => {
  const made = await run('sh', ['-ec', here((await blocksOf('form-editors.md', 'sh')).join('\n'))]);
  t.equal(made.code, 0, made.output);
  // In the project's folder, as a module resolves its imports from where it lies.
  const file = path.join(ROOT, `.guide-example-${process.pid}.mjs`);
  await writeFile(file, (await blocksOf('form-editors.md', 'js')).join('\n'));
  t.teardown(() => rm(file, { force: true }));
  const { code, output } = await run(process.execPath, [file]);
  t.equal(code, 0, output);
  t.match(output, 'undone: the type is text again');
  t.match(output, 'title: Please: Your name');
  const form = (await (await fetch(`${server.http}/api/v1/forms/desk`)).json()) as {
    pages: { fields: { id: string; required: boolean }[] }[];
  };
  t.match(form.pages[0]?.fields, [{ id: 'name', required: true }, { id: 'when' }]);
});

void t.test('every link of the guides leads somewhere', async (t) => {
  for (const guide of ['rest-consumer.md', 'form-editors.md']) {
    for (const [, target] of (await readFile(path.join(GUIDES, guide), 'utf8')).matchAll(/\]\(([^)#]+)/g)) {
      await t.resolves(access(path.join(GUIDES, target!)), target!);
    }
  }
});
