/** `formloom import-documents`: from y-websocket-server, Hocuspocus, a Redis or a folder of files. */
import { Option, type Command } from 'commander';
import { CommandError, EXIT, type Output } from '../output.js';
import { FORMATS, openSource, SourceError, type Format } from '../import-documents/source.js';
import type { ImportedDocument } from '../import-documents/import-documents.js';
import { targetOf, withRemoteOptions, type RemoteOptions } from './remote-options.js';

interface Flags extends RemoteOptions {
  readonly from: Format;
  readonly key: string;
  readonly prefix: string;
  readonly only: string;
  readonly dryRun?: true;
}

const PROGRESS_EVERY = 100;

export function addImportDocumentsCommand(program: Command, output: () => Output): void {
  withRemoteOptions(
    program
      .command('import-documents')
      .description('bring the documents of another Yjs server into a running one, and compare each')
      .argument('<location>', 'folder, file or URL of the source; it is only read'),
  )
    .addOption(new Option('--from <format>', 'what wrote it').choices(Object.keys(FORMATS)).makeOptionMandatory())
    .option('--key <pattern>', 'keys of documents in a Redis, with {name} for the name', '{name}:updates')
    .option('--prefix <text>', 'put before each name, such as archive/', '')
    .option('--only <text>', 'only documents whose name begins so', '')
    .option('--dry-run', 'read everything, write nothing, and say what would be done')
    .addHelpText(
      'after',
      `\nFormats:\n${Object.entries(FORMATS)
        .map(([name, what]) => `  ${name.padEnd(18)} ${what}`)
        .join('\n')}\n\nRepeating it is harmless: what is there already is merged. See docs/migration.md.`,
    )
    .action(async (location: string, flags: Flags) => run(location, flags, output()));
}

async function run(location: string, flags: Flags, output: Output): Promise<void> {
  const { importDocuments } = await import('../import-documents/import-documents.js');
  const { from, key, prefix, only, dryRun } = flags;
  const results: ImportedDocument[] = [];
  let bytes = 0;
  try {
    const source = await openSource(from, location, { keyPattern: key });
    try {
      for await (const result of importDocuments(source, targetOf(flags), {
        prefix,
        only,
        isDryRun: dryRun === true,
      })) {
        results.push(result);
        bytes += result.bytes;
        if (result.outcome === 'failed') output.note(`${result.source}: ${result.reason ?? 'failed'}`);
        if (results.length % PROGRESS_EVERY === 0) output.note(`${results.length} documents, ${bytes} bytes …`);
      }
    } finally {
      await source.close();
    }
  } catch (error) {
    if (error instanceof SourceError) throw new CommandError(error.message, EXIT.usage);
    throw error;
  }
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  output.result({ documents: results, bytes, dryRun: dryRun === true }, [
    `${results.length} documents, ${bytes} bytes: ${[...counts].map(([what, count]) => `${count} ${what}`).join(', ') || 'none'}.`,
  ]);
  if (failed.length > 0) {
    throw new CommandError(
      `${failed.length} of ${results.length} documents are not as they were at the source`,
      EXIT.failed,
      failed.map(({ source, reason = '' }) => `${source}: ${reason}`),
    );
  }
}
