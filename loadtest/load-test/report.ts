/** What a load test says at its end: lines for a person, JSON, and a self-contained page. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { escapeHtml } from '../load/escape-html.js';
import { PAGE_STYLE } from '../load/page-style.js';
import type { ScenarioResult } from './load-test.js';
import { LATENCY_LIMITS_MS, type ScenarioFigures } from './run-scenario.js';

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const ms = (value: number): string => `${value.toFixed(1)} ms`;

/** One line: what was asked for, and what it came to. */
export function lineOf({ title, hasPassed, figures, threshold, untuned, remark, failures }: ScenarioResult): string {
  const facts = [
    `${percent(figures.success)} of ${figures.connections} connections (at least ${percent(threshold)})`,
    `latency mean ${ms(figures.meanMs)}, p99 ${ms(figures.p99Ms)}`,
    `${figures.messagesPerMinute} messages a minute`,
    `CPU ${percent(figures.cpuShare)}, memory ${percent(figures.memoryShare)}`,
    ...(untuned === undefined ? [] : [`tuner off: mean ${ms(untuned.meanMs)}, CPU ${percent(untuned.cpuShare)}`]),
    ...(remark === undefined ? [] : [remark]),
  ];
  const lines = [`${hasPassed ? 'passed' : 'FAILED'}  ${title}: ${facts.join('; ')}`];
  for (const failure of failures) lines.push(`        ${failure}`);
  for (const problem of figures.problems.slice(0, 5)) lines.push(`        ${problem}`);
  return lines.join('\n');
}

/** `5/5 scenarios passed`, or which failed. */
export function verdictOf(results: readonly ScenarioResult[]): string {
  const failed = results.filter(({ hasPassed }) => !hasPassed);
  const verdict = `${results.length - failed.length}/${results.length} scenarios passed`;
  return failed.length === 0 ? verdict : `${verdict}; failed: ${failed.map(({ name }) => name).join(', ')}`;
}

/** Answers where the files are. */
export async function writeReport(folder: string, results: readonly ScenarioResult[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const at = new Date().toISOString();
  const base = path.join(folder, `load-test-${at.slice(0, 19).replaceAll(':', '-')}`);
  await writeFile(
    `${base}.json`,
    `${JSON.stringify({ takenAt: at, verdict: verdictOf(results), results }, null, 2)}\n`,
  );
  await writeFile(`${base}.html`, pageOf(at, results));
  return [`${base}.json`, `${base}.html`];
}

function pageOf(at: string, results: readonly ScenarioResult[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Formloom load test</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>Formloom load test</h1>
<p class="soft">${at.slice(0, 16).replace('T', ' ')} UTC</p>
<p><strong>${escapeHtml(verdictOf(results))}</strong></p>
${results.map(section).join('\n')}
</body>
</html>
`;
}

function section(result: ScenarioResult): string {
  const { title, hasPassed, failures, figures, untuned } = result;
  const rows: [string, string][] = [
    ['connections that succeeded', `${percent(figures.success)} of ${figures.connections}`],
    ['edits', String(figures.edits)],
    ['messages a minute', String(figures.messagesPerMinute)],
    ['latency: mean, p50, p99, most', [figures.meanMs, figures.p50Ms, figures.p99Ms, figures.maxMs].map(ms).join(', ')],
    ['CPU of all cores', percent(figures.cpuShare)],
    ['memory of the machine', percent(figures.memoryShare)],
  ];
  if (untuned !== undefined) {
    rows.push(['with the tuner off', `mean ${ms(untuned.meanMs)}, CPU ${percent(untuned.cpuShare)}`]);
  }
  const table = rows.map(([name, value]) => `<tr><td>${name}</td><td class="text">${escapeHtml(value)}</td></tr>`);
  const notes = [...failures, ...figures.problems].map((text) => `<li class="wrong">${escapeHtml(text)}</li>`);
  return `<h2>${escapeHtml(title)} <span class="${hasPassed ? 'met' : 'missed'}">${hasPassed ? 'passed' : 'failed'}</span></h2>
<table>${table.join('')}</table>
${notes.length === 0 ? '' : `<ul>${notes.join('')}</ul>`}
${histogram(figures)}`;
}

const [WIDTH, HEIGHT, LABELS] = [960, 180, 40];

/** Deliveries by latency. */
function histogram({ histogram: counts }: ScenarioFigures): string {
  const most = Math.max(1, ...counts);
  const step = WIDTH / counts.length;
  const bars = counts.map((count, i) => {
    const height = (count / most) * (HEIGHT - LABELS - 20);
    const limit = LATENCY_LIMITS_MS[i];
    const label = limit === undefined ? 'more' : `≤ ${limit} ms`;
    const [x, bottom] = [i * step, HEIGHT - LABELS];
    return (
      `<rect class="bar own" x="${(x + 6).toFixed(1)}" y="${(bottom - height).toFixed(1)}" width="${(step - 12).toFixed(1)}" height="${height.toFixed(1)}" rx="3"/>` +
      `<text x="${(x + step / 2).toFixed(1)}" y="${HEIGHT - LABELS + 20}" text-anchor="middle">${label}</text>` +
      `<text x="${(x + step / 2).toFixed(1)}" y="${(bottom - height - 4).toFixed(1)}" text-anchor="middle">${count}</text>`
    );
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Deliveries by latency"><title>Deliveries by latency</title>${bars.join('')}</svg>`;
}
