/** `formloom import` and `formloom export`. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { callApi } from '../api-client.js';
import { CommandError, EXIT, type Output } from '../output.js';
import { targetOf, withRemoteOptions, type RemoteOptions } from './remote-options.js';

const FORMATS = ['formloom', 'gcforms', 'surveyjs'] as const;
const createdSchema = z.object({
  form: z.object({ id: z.string(), pages: z.array(z.unknown()) }),
  report: z.array(z.object({ path: z.string(), message: z.string() })),
});

interface ImportOptions extends RemoteOptions {
  readonly format?: (typeof FORMATS)[number];
  readonly id?: string;
}

interface ExportOptions extends RemoteOptions {
  readonly format: string;
  readonly output?: string;
}

export function addFormCommands(program: Command, output: () => Output): void {
  withRemoteOptions(
    program
      .command('import')
      .description('create a form from a file: Formloom, GC Forms or SurveyJS JSON')
      .argument('<file>', 'a JSON file, or - for standard input'),
  )
    .addOption(new Option('--format <format>', 'told from the content when absent').choices(FORMATS))
    .option('--id <id>', "the form's id; a new one when absent")
    .action(async (file: string, options: ImportOptions) => importForm(file, options, output()));

  withRemoteOptions(program.command('export').description('write a form as JSON').argument('<formId>', "the form's id"))
    .addOption(
      new Option('--format <format>', 'of the output').choices([...FORMATS, 'json-schema']).default('formloom'),
    )
    .option('-o, --output <file>', 'where to write; standard output when absent')
    .action(async (formId: string, options: ExportOptions) => exportForm(formId, options, output()));
}

async function importForm(file: string, options: ImportOptions, output: Output): Promise<void> {
  const source = await readJson(file);
  const format = options.format ?? guessFormat(source);
  const response = await callApi(targetOf(options), {
    method: 'POST',
    path: '/forms',
    body: { import: { format, source }, ...(options.id === undefined ? {} : { id: options.id }) },
  });
  const { form, report } = createdSchema.parse(await response.json());
  output.result({ id: form.id, format, report }, [
    `Created form ${form.id} from ${format} (${form.pages.length} pages).`,
    ...(report.length === 0 ? [] : [`${report.length} things were not carried over as they were:`]),
    ...report.map((entry) => `  ${entry.path}: ${entry.message}`),
  ]);
}

async function exportForm(formId: string, options: ExportOptions, output: Output): Promise<void> {
  const response = await callApi(targetOf(options), {
    method: 'GET',
    path: `/forms/${encodeURIComponent(formId)}/export?format=${options.format}`,
  });
  const content: unknown = await response.json();
  const text = JSON.stringify(content, null, 2);
  if (options.output === undefined) {
    output.result(content, [text]);
    return;
  }
  await writeFile(options.output, `${text}\n`);
  output.result({ file: options.output }, [`Wrote ${path.resolve(options.output)}.`]);
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = file === '-' ? await readStandardInput() : await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      EXIT.usage,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(
      `${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      EXIT.usage,
    );
  }
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** GC Forms has `layout` or `titleEn`; Formloom's pages have `fields`; SurveyJS' have `elements` or `questions`. */
function guessFormat(source: unknown): (typeof FORMATS)[number] {
  const has = (value: unknown, key: string): boolean => typeof value === 'object' && value !== null && key in value;
  if (has(source, 'layout') || has(source, 'titleEn')) return 'gcforms';
  const pages = has(source, 'pages') ? (source as { pages: unknown }).pages : undefined;
  const first: unknown = Array.isArray(pages) ? pages[0] : undefined;
  return has(first, 'fields') || has(source, 'languages') ? 'formloom' : 'surveyjs';
}
