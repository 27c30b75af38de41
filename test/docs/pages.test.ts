/** The pages of the documentation: links lead somewhere, the guide's code runs, the map is the territory. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { VARIABLES } from '../../server/config/variables.js';
import { startServer } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

const ROOT = path.join(import.meta.dirname, '../..');
/** Made by a tool from the sources. */
const GENERATED = /^docs\/sdk\//;
const within = async (folder: string): Promise<string[]> =>
  (await readdir(path.join(ROOT, folder), { recursive: true })).map((name) => path.join(folder, name));
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'docker/README.md', 'examples/README.md', 'test/data/README.md'],
  ...(await within('docs')).filter((name) => name.endsWith('.md') && !GENERATED.test(name)),
];
const read = (page: string): Promise<string> => readFile(path.join(ROOT, page), 'utf8');

void t.test('every link leads to a file, and to a heading in it', async (t) => {
  t.ok(pages.length > 20);
  for (const page of pages) {
    // Code is no text: brackets in it are no links.
    const text = (await read(page)).replace(/```[^]*?```/g, '').replace(/`[^`\n]*`/g, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target)) continue;
      const [file = '', heading] = target.split('#');
      const full = file === '' ? page : path.join(path.dirname(page), decodeURIComponent(file));
      if (!existsSync(path.join(ROOT, full))) t.fail(`${page}: ${target} is not there`);
      else if (heading !== undefined && full.endsWith('.md') && !GENERATED.test(full)) {
        if (!headingsOf(await read(full)).includes(heading)) t.fail(`${page}: ${target} has no such heading`);
      }
    }
  }
});

void t.test('every page is reached from the index', async (t) => {
  const index = await read('docs/README.md');
  const listed = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md');
  const missing = listed.filter((page) => !index.includes(`](${path.basename(page)})`));
  t.same(missing, []);
  const decisions = await readdir(path.join(ROOT, 'docs/decisions'));
  t.same(
    decisions.filter((decision) => !index.includes(`](decisions/${decision})`)),
    [],
  );
});

void t.test('the code of the first steps runs as it stands', async (t) => {
  const guide = await read('docs/getting-started.md');
  const blocks = (language: string): string[] =>
    Array.from(guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g')), (match) => match[1]!);
  const server = await startServer({ env: { AUTH: 'off' } });
  t.teardown(() => server.cleanup());
  const file = path.join(ROOT, `.guide-example-${process.pid}.mjs`);
  await writeFile(file, blocks('js')[0]!);
  t.teardown(() => rm(file, { force: true }));
  const env = { ...process.env, NODE_OPTIONS: '', FORMLOOM_URL: server.ws };
  const program = spawn(process.execPath, [file], { env, stdio: 'ignore' });
  t.teardown(() => program.kill('SIGKILL'));
  const peer = stockClient(server.ws, 'notes/start');
  t.teardown(() => peer.destroy());
  await until(() => peer.doc.getArray('visitors').length === 1, { what: 'the example is in the document' });
  const commands = blocks('sh').find((block) => block.startsWith('curl'))!;
  const shell = spawn('sh', ['-ec', commands.replaceAll('http://127.0.0.1:1234', server.http)]);
  let output = '';
  shell.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  t.equal(await new Promise((resolve) => shell.once('exit', resolve)), 0, 'every command was answered with success');
  t.match(output, /Ada/);
});

void t.test('the code of the SDK page is right by its types', async (t) => {
  const page = await read('docs/sdk.md');
  const blocks = [...page.matchAll(/```js\n([^]*?)```/g)].map(([, code = '']) => code);
  t.ok(blocks.length > 2);
  const imports = /^import .*$/gm;
  const code = [
    ...new Set(blocks.flatMap((block) => block.match(imports) ?? [])),
    'declare function fetchToken(): Promise<string>;',
    'declare function offer(...values: unknown[]): void;',
    // Each goes on where those before it left off, and may use their names anew.
    ...blocks.map((block) => `{ ${block.replaceAll(imports, '')}`),
    '}'.repeat(blocks.length),
  ].join('\n');
  const file = path.join(ROOT, 'sdk-page.ts');
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'] },
    ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext },
  };
  const host = ts.createCompilerHost(options);
  const fromDisk = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, code, ts.ScriptTarget.ES2022) : fromDisk(name, ...rest);
  const program = ts.createProgram([file], options, host);
  const found = [...program.getSyntacticDiagnostics(), ...program.getSemanticDiagnostics(program.getSourceFile(file))];
  t.same(
    found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
    [],
  );
});

void t.test('the map of the architecture names each folder, and what it imports', async (t) => {
  const map = await read('docs/architecture.md');
  const section = (title: string): string => new RegExp(`## ${title}\n([^]*?)\n##`).exec(map)![1]!;
  const rows = [...section('Folders').matchAll(/^\| `(\w+)\/` \|.*\| ([^|]+) \|$/gm)].map(
    ([, folder = '', allowed = '']) => ({ folder, allowed }),
  );
  const there = (await readdir(ROOT, { withFileTypes: true }))
    .filter(
      (entry) =>
        entry.isDirectory() && !/^\.|^(node_modules|dist|data|docs|examples|coverage|release)$/.test(entry.name),
    )
    .map(({ name }) => name);
  t.same(rows.map(({ folder }) => folder).sort(), there.sort());
  for (const top of ['server', 'api', 'crdt', 'client', 'web', 'loadtest']) {
    const folders = (await readdir(path.join(ROOT, top), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory() && entry.name !== 'results')
      .map(({ name }) => name);
    const cells = [...section(`Inside \`${top}/\``).matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell);
    const mapped = cells.flatMap((cell) => Array.from(cell.matchAll(/`([\w-]+)\/`/g), ([, folder]) => folder!));
    t.same(mapped.sort(), folders.sort(), `the folders of ${top}/`);
  }

  for (const { folder, allowed } of rows) {
    if (/everything|nothing/.test(allowed)) continue;
    const sources = (await within(folder)).filter(
      (name) => /\.tsx?$/.test(name) && !/\.test\.|\.contract\.|\/testing\/|node_modules/.test(name),
    );
    const others = new Set<string>();
    for (const name of sources) {
      for (const [, climbed = ''] of (await read(name)).matchAll(/(?:from|import\() ?['"](\.[^'"]+)['"]/g)) {
        const [top = ''] = path.join(path.dirname(name), climbed).split('/');
        if (top !== folder && there.includes(top)) others.add(top);
      }
    }
    const refused = [...others].filter((other) => !allowed.includes(`\`${other}\``));
    t.same(refused, [], `${folder}/ imports ${[...others].join(', ') || 'itself alone'}; may: ${allowed}`);
  }
});

void t.test('every dependency has its line, and every line its dependency', async (t) => {
  const { dependencies, devDependencies, peerDependencies } = JSON.parse(await read('package.json')) as Record<
    'dependencies' | 'devDependencies' | 'peerDependencies',
    Record<string, string>
  >;
  const wanted = Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies });
  const rows = [...(await read('docs/dependencies.md')).matchAll(/^\| (`[^|]+) \|/gm)];
  const told = rows.flatMap(([, names = '']) => Array.from(names.matchAll(/`([^`]+)`/g), ([, name]) => name!));
  t.same(told.sort(), wanted.sort());
});

void t.test('the figures of the comparison are those of the measurements', async (t) => {
  const cells = (row: string): string[] => row.split('|').map((cell) => cell.replace(/\*| ²/g, '').trim());
  const measured = new Map<string, string[]>();
  for (const [row] of (await read('docs/performance.md')).matchAll(/^\| S[^|]+\| (µs|s) per .+$/gm)) {
    const [, scenario = '', , ...figures] = cells(row);
    measured.set(scenario, figures);
  }
  // With two digits: the runs differ by more.
  const ratio = (one: string, ours: string): string => {
    if (one === '–') return one;
    const share = Number(one.replace(',', '')) / Number(ours.replace(',', ''));
    return share < 10 ? share.toPrecision(2) : String(Math.round(share));
  };
  const rows = [...(await read('docs/comparison.md')).matchAll(/^\| (S[\w-]+): .+$/gm)];
  t.ok(rows.length > 5);
  for (const [row, scenario = ''] of rows) {
    const [ours = '', ...others] = measured.get(scenario)!;
    t.same(cells(row).slice(2, 6), ['1', ...others.slice(0, 3).map((one) => ratio(one, ours))], scenario);
  }
});

void t.test('every file of the sources that a page names is there', async (t) => {
  const folders = 'api|cli|client|crdt|docker|docs|examples|loadtest|scripts|server|test|web';
  for (const page of pages) {
    for (const [, file = ''] of (await read(page)).matchAll(new RegExp(`\`((?:${folders})/[\\w./-]+\\.\\w+)\``, 'g'))) {
      if (!existsSync(path.join(ROOT, file))) t.fail(`${page}: ${file} is not there`);
    }
  }
});

/** In names of others: of this project's scripts and examples, of other programs, in the code of the sources. */
const OTHER_NAMES =
  /^(FORMLOOM|GF|GRAFANA)_|^(NODE_(ENV|VERSION|EXTRA_CA_CERTS)|DEBIAN_FRONTEND|MAY_IMPORT|STALE_COPY)$/;

void t.test('every setting that is named exists, and every setting is in the table of operations', async (t) => {
  const settings = new Set(Object.keys(VARIABLES));
  const files = [
    ...pages,
    ...(await within('docker')).filter((name) => /Dockerfile$|\.(ya?ml|conf)$|Caddyfile$/.test(name)),
  ];
  for (const file of files) {
    for (const [name] of (await read(file)).matchAll(/\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b/g)) {
      if (!settings.has(name) && !OTHER_NAMES.test(name)) t.fail(`${file}: ${name} is no setting`);
    }
  }
  const rows = new Map(
    Array.from(
      (await read('docs/operations.md')).matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \| .+ \|$/gm),
      ([, name, value]) => [name!, value!.replace(/[`\s]/g, '')],
    ),
  );
  for (const [name, { default: value }] of Object.entries(VARIABLES)) {
    // The default of AUTH depends on HOST.
    if (name !== 'AUTH') t.equal(rows.get(name), value?.replace(/\s/g, '') ?? '–', name);
  }
});

/** As forges make them: lower case, no punctuation, a hyphen for each space. */
function headingsOf(text: string): string[] {
  return [...text.replace(/```[^]*?```/g, '').matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}
