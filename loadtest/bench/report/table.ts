/** The results as text for a terminal. */
import { formatNumber } from './format.js';
import type { ScenarioSummary, ServerSummary } from './summary.js';

export function tableOf(summaries: readonly ScenarioSummary[]): string {
  return `${summaries.map(scenarioTable).join('\n')}\n`;
}

function scenarioTable(summary: ScenarioSummary): string {
  const { figures, servers } = summary;
  const [main] = figures;
  const head = ['server', ...figures.map(({ label, unit }) => `${label} [${unit}]`), 'min–max', '× formloom'];
  const rows = servers.map((server) => [
    server.name,
    ...figures.map(({ id }) => formatNumber(server.figures[id]?.median)),
    main === undefined ? '' : rangeOf(server, main.id),
    formatNumber(server.ratio),
  ]);
  const lines = ['', summary.title, ...aligned([head, ...rows])];
  for (const { text, value, isMet } of summary.goals) {
    lines.push(`  ${isMet ? 'reached' : 'MISSED '}  ${text}: ${formatNumber(value)}`);
  }
  for (const { name, problems, remarks } of servers) {
    for (const problem of problems) lines.push(`  WRONG    ${name}: ${problem}`);
    for (const remark of remarks) lines.push(`  note     ${name}: ${remark}`);
  }
  if (summary.profile !== undefined) {
    lines.push('  CPU profile of formloom, self time in the measured phase:');
    for (const { name, location, share } of summary.profile.slice(0, 20)) {
      lines.push(`  ${(share * 100).toFixed(1).padStart(6)} %  ${name}  ${location}`);
    }
  }
  return lines.join('\n');
}

function rangeOf(server: ServerSummary, figure: string): string {
  const spread = server.figures[figure];
  return spread === undefined ? '' : `${formatNumber(spread.min)}–${formatNumber(spread.max)}`;
}

/** First column to the left, figures to the right; long headings are broken at spaces. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const widths = head.map((title, column) =>
    Math.max(...title.split(' ').map((word) => word.length), ...body.map((row) => (row[column] ?? '').length)),
  );
  const wrapped = head.map((title, column) => wrap(title, widths[column] ?? 0));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`;
  const headLines = Array.from({ length: height }, (_, i) =>
    line(wrapped.map((lines) => lines[i - (height - lines.length)] ?? '')),
  );
  return [...headLines, ...body.map(line)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
