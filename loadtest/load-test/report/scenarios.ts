/** What the five scenarios say at their end: lines for a person, JSON, and a page. */
import { escapeHtml } from '../../load/escape-html.js';
import type { ScenarioResult } from '../load-test.js';
import { ms, notesOf, percent, tableOf, writePage } from './page.js';
import { histogram, percentiles } from './plots.js';

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
export function writeReport(folder: string, results: readonly ScenarioResult[]): Promise<string[]> {
  return writePage(folder, {
    ...{ kind: 'load-test', title: 'load test', verdict: verdictOf(results), facts: { results } },
    sections: results.map(section),
  });
}

function section({ title, hasPassed, failures, figures, untuned }: ScenarioResult): string {
  const rows: [string, string][] = [
    ['connections that succeeded', `${percent(figures.success)} of ${figures.connections}`],
    ['edits', String(figures.edits)],
    ['messages a minute', String(figures.messagesPerMinute)],
    ['latency: mean, p50, p99, most', [figures.meanMs, figures.p50Ms, figures.p99Ms, figures.maxMs].map(ms).join(', ')],
    ['CPU of all cores', percent(figures.cpuShare)],
    ['memory of the machine', percent(figures.memoryShare)],
    ['CPU of the load itself, of one core', percent(figures.loadShare)],
  ];
  if (untuned !== undefined) {
    rows.push(['with the tuner off', `mean ${ms(untuned.meanMs)}, CPU ${percent(untuned.cpuShare)}`]);
  }
  return `<h2>${escapeHtml(title)} <span class="${hasPassed ? 'met' : 'missed'}">${hasPassed ? 'passed' : 'failed'}</span></h2>
${tableOf(rows)}
${notesOf([...failures, ...figures.problems])}
${histogram(figures.histogram)}
${percentiles(figures.percentiles)}`;
}
