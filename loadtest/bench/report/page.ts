/** The results as one self-contained page: no script, no other file. */
import { PAGE_STYLE } from '../../load/page-style.js';
import type { Figure } from '../scenarios/scenario.js';
import { barChart } from './bar-chart.js';
import { escapeHtml } from '../../load/escape-html.js';
import { formatNumber } from './format.js';
import type { Circumstances } from './result-files.js';
import type { ScenarioSummary, ServerSummary } from './summary.js';

export function pageOf(circumstances: Circumstances, scenarios: readonly ScenarioSummary[]): string {
  const { takenAt, node, cpu, cores, kernel, commit, repetitions, isQuick } = circumstances;
  const facts = [
    takenAt.slice(0, 16).replace('T', ' ') + ' UTC',
    `${repetitions} run${repetitions === 1 ? '' : 's'} each, medians${isQuick ? ', quick' : ''}`,
    `${cpu}, ${cores} cores, Linux ${kernel}`,
    `Node ${node}`,
    ...(commit === undefined ? [] : [`commit ${commit}`]),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Formloom benchmark</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>Formloom benchmark</h1>
<p class="soft">${facts.map(escapeHtml).join(' · ')}</p>
<p>Server on one core, load on another. The figure is the CPU time of the server process per unit of work; the line over a
bar goes from the smallest to the largest run. Ratios mean more than absolute figures.</p>
${goalsTable(scenarios)}
${scenarios.map(section).join('\n')}
</body>
</html>
`;
}

function goalsTable(scenarios: readonly ScenarioSummary[]): string {
  const rows = scenarios.flatMap(({ id, goals }) =>
    goals.map(
      ({ text, value, isMet }) =>
        `<tr><td>${escapeHtml(id)}</td><td class="text">${escapeHtml(text)}</td><td>${formatNumber(value)}</td>` +
        `<td class="${isMet ? 'met' : 'missed'}">${isMet ? 'reached' : 'missed'}</td></tr>`,
    ),
  );
  if (rows.length === 0) return '';
  return `<h2>Goals</h2><div class="scroll"><table><thead><tr><th>scenario</th><th class="text">goal</th><th>measured</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function section(summary: ScenarioSummary): string {
  const [main] = summary.figures;
  return `<section>
<h2>${escapeHtml(summary.title)}</h2>
<p>${escapeHtml(summary.description)}</p>
${main === undefined ? '' : chart(main, summary.servers)}
${figuresTable(summary)}
${notes(summary.servers)}
${profileTable(summary)}
</section>`;
}

function chart(figure: Figure, servers: readonly ServerSummary[]): string {
  return `<p class="soft">${escapeHtml(`${figure.label}, ${figure.unit}`)}; less is better</p>${barChart(figure, servers)}`;
}

function figuresTable({ figures, servers }: ScenarioSummary): string {
  const head = figures.map(({ label, unit }) => `<th>${escapeHtml(label)}<br>${escapeHtml(unit)}</th>`).join('');
  const rows = servers.map(({ name, title, figures: spreads, ratio }) => {
    const cells = figures.map(({ id }) => {
      const spread = spreads[id];
      const runs = spread === undefined ? '' : ` title="${spread.values.map(formatNumber).join(', ')}"`;
      return `<td${runs}>${formatNumber(spread?.median)}</td>`;
    });
    return `<tr class="${name === 'formloom' ? 'own' : ''}"><td>${escapeHtml(title)}</td>${cells.join('')}<td>${formatNumber(ratio)}</td></tr>`;
  });
  return `<div class="scroll"><table><thead><tr><th>server</th>${head}<th>× Formloom</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function notes(servers: readonly ServerSummary[]): string {
  const items = servers.flatMap(({ title, problems, remarks }) => [
    ...problems.map((problem) => `<li class="wrong">${escapeHtml(`${title}: ${problem}`)}</li>`),
    ...remarks.map((remark) => `<li class="soft">${escapeHtml(`${title}: ${remark}`)}</li>`),
  ]);
  return items.length === 0 ? '' : `<ul>${items.join('')}</ul>`;
}

function profileTable({ profile }: ScenarioSummary): string {
  if (profile === undefined) return '';
  const rows = profile.map(
    ({ name, location, share, selfMs }) =>
      `<tr><td>${escapeHtml(name)}</td><td class="text">${escapeHtml(location)}</td><td>${(share * 100).toFixed(1)} %</td><td>${formatNumber(selfMs)}</td></tr>`,
  );
  return `<details><summary>CPU profile of Formloom: self time in the measured phase</summary><div class="scroll"><table><thead><tr><th>function</th><th>where</th><th>share</th><th>ms</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></details>`;
}
