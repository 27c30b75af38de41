/** Charts as SVG, drawn by hand: a report is one file that loads nothing. */
import { LATENCY_LIMITS_MS, type ScenarioFigures } from '../run-scenario.js';

const WIDTH = 960;

/** Deliveries by latency. */
export function histogram(counts: readonly number[]): string {
  const [height, labels] = [180, 40];
  const most = Math.max(1, ...counts);
  const step = WIDTH / counts.length;
  const bars = counts.map((count, i) => {
    const tall = (count / most) * (height - labels - 20);
    const limit = LATENCY_LIMITS_MS[i];
    const label = limit === undefined ? 'more' : `≤ ${limit} ms`;
    const [x, bottom] = [i * step, height - labels];
    return (
      `<rect class="bar own" x="${(x + 6).toFixed(1)}" y="${(bottom - tall).toFixed(1)}" width="${(step - 12).toFixed(1)}" height="${tall.toFixed(1)}" rx="3"/>` +
      text(x + step / 2, height - labels + 20, label) +
      text(x + step / 2, bottom - tall - 4, String(count))
    );
  });
  return svg(height, 'Deliveries by latency', bars.join(''));
}

/** Latency by percentile, as HDR histograms are drawn: every step to the right is ten times as rare. */
export function percentiles(points: ScenarioFigures['percentiles']): string {
  const [height, labels] = [200, 40];
  const shown = points.filter(({ ms }) => Number.isFinite(ms));
  const most = Math.max(1, ...shown.map(({ ms }) => ms));
  const at = shown.map(({ share, ms }, i) => ({
    x: 40 + (i * (WIDTH - 80)) / Math.max(1, shown.length - 1),
    y: height - labels - (ms / most) * (height - labels - 30),
    label: share === 1 ? 'most' : share === 0 ? 'least' : `p${Number((share * 100).toFixed(2))}`,
    value: `${ms.toFixed(1)} ms`,
  }));
  return svg(
    height,
    'Latency by percentile',
    line(at) +
      at.map(({ x, y, label, value }) => text(x, height - labels + 20, label) + text(x, y - 8, value)).join(''),
  );
}

/** A quantity over time, with its least and most written beside it. */
export function overTime(
  title: string,
  samples: readonly { readonly atMs: number; readonly value: number }[],
  shown: (value: number) => string,
): string {
  const [height, labels] = [200, 40];
  const until = Math.max(1, ...samples.map(({ atMs }) => atMs));
  const most = Math.max(1, ...samples.map(({ value }) => value));
  const points = samples.map(({ atMs, value }) => ({
    x: 60 + (atMs / until) * (WIDTH - 80),
    y: height - labels - (value / most) * (height - labels - 20),
  }));
  const axis =
    text(60, height - labels + 20, '0') + text(WIDTH - 30, height - labels + 20, `${(until / 60_000).toFixed(1)} min`);
  return svg(height, title, line(points) + text(30, 24, shown(most)) + axis);
}

const line = (points: readonly { readonly x: number; readonly y: number }[]): string =>
  `<polyline fill="none" class="range" points="${points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}"/>`;

const text = (x: number, y: number, words: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="middle">${words}</text>`;

const svg = (height: number, title: string, content: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}"><title>${title}</title>${content}</svg>`;
