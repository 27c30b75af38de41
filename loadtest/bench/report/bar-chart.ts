/** One figure of all servers as horizontal bars, with the range of the runs as a line; an SVG to stand in a page. */
import type { Figure } from '../scenarios/scenario.js';
import { escapeHtml } from '../../load/escape-html.js';
import { formatNumber } from './format.js';
import type { ServerSummary } from './summary.js';

const WIDTH = 960;
const NAMES = 340;
const VALUES = 110;
const ROW = 34;
const BAR = 20;

export function barChart({ id, label, unit }: Figure, servers: readonly ServerSummary[]): string {
  const drawn = servers.flatMap(({ name, title, figures }) => {
    const spread = figures[id];
    return spread === undefined ? [] : [{ name, title, spread }];
  });
  const largest = Math.max(...drawn.map(({ spread }) => spread.max));
  if (drawn.length === 0 || !(largest > 0)) return '';
  const scale = (value: number): number => (Math.max(0, value) / largest) * (WIDTH - NAMES - VALUES);
  const rows = drawn.map(({ name, title, spread }, i) => {
    const top = i * ROW + (ROW - BAR) / 2;
    const middle = top + BAR / 2;
    const from = (NAMES + scale(spread.min)).toFixed(1);
    const to = (NAMES + scale(spread.max)).toFixed(1);
    return [
      `<text x="${NAMES - 12}" y="${middle + 5}" text-anchor="end">${escapeHtml(title)}</text>`,
      `<rect class="bar${name === 'formloom' ? ' own' : ''}" x="${NAMES}" y="${top}" width="${scale(spread.median).toFixed(1)}" height="${BAR}" rx="3"/>`,
      `<path class="range" d="M${from} ${middle - 5}v10M${from} ${middle}H${to}M${to} ${middle - 5}v10"/>`,
      `<text x="${(NAMES + scale(spread.max) + 10).toFixed(1)}" y="${middle + 5}">${formatNumber(spread.median)} ${escapeHtml(unit)}</text>`,
    ].join('');
  });
  const heading = escapeHtml(`${label} (${unit})`);
  return `<svg viewBox="0 0 ${WIDTH} ${drawn.length * ROW}" role="img" aria-label="${heading}"><title>${heading}</title>${rows.join('')}</svg>`;
}
