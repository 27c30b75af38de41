// A release: checks that everything is in order, packs with a bill of materials, and publishes with provenance.
//
//   npm run release                 checks and packs into release/, publishes nothing
//   npm run release -- --publish    publishes too: in CI, whose identity the provenance statement names
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const isPublished = process.argv.includes('--publish');
const out = path.join(root, 'release');
const run = (command, args, options = {}) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', ...options });
const say = (line) => process.stdout.write(`${line}\n`);
function fail(reason) {
  process.stderr.write(`release: ${reason}\n`);
  process.exit(1);
}

const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
if (run('git', ['status', '--porcelain']).trim() !== '') fail('there are changes that are not committed');
const changelog = readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8');
if (!changelog.split('\n').some((line) => /^## (\S+)/.exec(line)?.[1] === version))
  fail(`CHANGELOG.md has no section "## ${version}"`);
if (isPublished) {
  const tag = run('git', ['tag', '--points-at', 'HEAD']).split('\n');
  if (!tag.includes(`v${version}`)) fail(`HEAD has no tag v${version}`);
  if (process.env.ACTIONS_ID_TOKEN_REQUEST_URL === undefined && process.env.SIGSTORE_ID_TOKEN === undefined) {
    fail('a provenance statement needs the identity of a CI run; publish from there');
  }
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
run('node', ['scripts/build.mjs'], { stdio: 'inherit' });
const [{ filename, files }] = JSON.parse(
  run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out], { maxBuffer: 64 * 1024 ** 2 }),
);
// What is in it, by CycloneDX: the packages that an installation brings along, with licences and hashes.
const bill = JSON.parse(run('npm', ['run', '--silent', 'sbom'], { maxBuffer: 64 * 1024 ** 2 }));
// npm names the root after the folder that it runs in.
bill.metadata.component.name = name;
const billName = `${name}-${version}.cdx.json`;
writeFileSync(path.join(out, billName), `${JSON.stringify(bill, null, 2)}\n`);
const digestOf = (file) =>
  createHash('sha256')
    .update(readFileSync(path.join(out, file)))
    .digest('hex');
const sums = [filename, billName].map((file) => `${digestOf(file)}  ${file}\n`).join('');
writeFileSync(path.join(out, 'SHA256SUMS'), sums);
say(`release/${filename}: ${files.length} files`);
say(`release/${billName}: ${bill.components.length} components`);
say(sums.trimEnd());
if (!isPublished) {
  say('Nothing was published: --publish does, in CI.');
} else {
  run('npm', ['publish', path.join(out, filename), '--provenance', '--access', 'public'], { stdio: 'inherit' });
}
