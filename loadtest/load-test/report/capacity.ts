/** What a capacity search says at its end. */
import { escapeHtml } from '../../load/escape-html.js';
import type { CapacityResult, CapacityStep } from '../capacity.js';
import { ms, percent, writePage } from './page.js';
import { percentiles } from './plots.js';

export function capacityVerdict({ best, goalP99Ms, isLimitedByLoad }: CapacityResult): string {
  if (best === undefined) return `no load was found that holds a p99 of ${goalP99Ms} ms`;
  const { connections, figures } = best;
  const limit = isLimitedByLoad ? '; the load client was at its own limit, the server may hold more' : '';
  return `${connections} connections hold a p99 of ${goalP99Ms} ms: ${figures.messagesPerMinute} messages a minute, p99 ${ms(figures.p99Ms)}${limit}`;
}

export function capacityLine({ connections, isWithinGoal, loadShare, figures }: CapacityStep): string {
  return `${isWithinGoal ? 'holds ' : 'misses'}  ${connections} connections: p99 ${ms(figures.p99Ms)}, ${percent(figures.success)} complete, ${figures.messagesPerMinute} messages a minute, CPU ${percent(figures.cpuShare)}, load client ${percent(loadShare)} of a core`;
}

/** Answers where the files are. */
export function writeCapacityReport(folder: string, result: CapacityResult): Promise<string[]> {
  return writePage(folder, {
    ...{ kind: 'capacity', title: 'capacity', verdict: capacityVerdict(result), facts: { result } },
    sections: [
      `<ul>${result.steps.map((step) => `<li>${escapeHtml(capacityLine(step))}</li>`).join('')}</ul>`,
      ...(result.best === undefined ? [] : [percentiles(result.best.figures.percentiles)]),
    ],
  });
}
