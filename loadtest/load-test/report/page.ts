/** The files of a report: JSON for programs, and a self-contained page. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { escapeHtml } from '../../load/escape-html.js';
import { PAGE_STYLE } from '../../load/page-style.js';

export interface ReportContent {
  /** Of the files, such as `load-test`. */
  readonly kind: string;
  readonly title: string;
  readonly verdict: string;
  /** What the JSON holds besides the verdict. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Markup, escaped. */
  readonly sections: readonly string[];
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
export const ms = (value: number): string => `${value.toFixed(1)} ms`;
export const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

/** Answers where the files are. */
export async function writePage(folder: string, content: ReportContent): Promise<string[]> {
  const { kind, verdict, facts } = content;
  await mkdir(folder, { recursive: true });
  const at = new Date().toISOString();
  const base = path.join(folder, `${kind}-${at.slice(0, 19).replaceAll(':', '-')}`);
  await writeFile(`${base}.json`, `${JSON.stringify({ takenAt: at, verdict, ...facts }, null, 2)}\n`);
  await writeFile(`${base}.html`, pageOf(at, content));
  return [`${base}.json`, `${base}.html`];
}

function pageOf(at: string, { title, verdict, sections }: ReportContent): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Formloom ${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>Formloom ${escapeHtml(title)}</h1>
<p class="soft">${at.slice(0, 16).replace('T', ' ')} UTC</p>
<p><strong>${escapeHtml(verdict)}</strong></p>
${sections.join('\n')}
</body>
</html>
`;
}

/** Two columns; values are escaped. */
export function tableOf(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, value]) => `<tr><td>${name}</td><td class="text">${escapeHtml(value)}</td></tr>`);
  return `<table>${lines.join('')}</table>`;
}

export function notesOf(notes: readonly string[]): string {
  if (notes.length === 0) return '';
  return `<ul>${notes.map((text) => `<li class="wrong">${escapeHtml(text)}</li>`).join('')}</ul>`;
}
