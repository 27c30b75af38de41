/** What a soak says at its end. */
import type { SoakResult } from '../soak.js';
import { mib, ms, notesOf, percent, tableOf, writePage } from './page.js';
import { overTime } from './plots.js';

export function soakVerdict({ hasPassed, minutes }: SoakResult): string {
  return `soak of ${minutes.toFixed(1)} minutes ${hasPassed ? 'passed: memory is flat' : 'FAILED'}`;
}

export function soakLines(result: SoakResult): string[] {
  const { rounds, connections, edits, messages, meanMs, worstP99Ms, resident, heap, failures, problems } = result;
  return [
    `${rounds} rounds of ${connections} connections: ${edits} edits, ${messages} messages, latency mean ${ms(meanMs)}, worst p99 ${ms(worstP99Ms)}`,
    `resident memory ${mib(resident.lowestBytes)} to ${mib(resident.highestBytes)}, ${trend(resident)}; heap ${trend(heap)}`,
    ...[...failures, ...problems].map((line) => `        ${line}`),
  ];
}

/** Answers where the files are. */
export function writeSoakReport(folder: string, result: SoakResult): Promise<string[]> {
  const { samples, failures, problems } = result;
  const rows = soakLines({ ...result, failures: [], problems: [] }).map((line) => ['', line] as const);
  return writePage(folder, {
    ...{ kind: 'soak', title: 'soak', verdict: soakVerdict(result), facts: { result } },
    sections: [
      tableOf(rows),
      notesOf([...failures, ...problems]),
      overTime(
        'Resident memory',
        samples.map(({ atMs, rssBytes }) => ({ atMs, value: rssBytes })),
        mib,
      ),
      overTime(
        'Heap',
        samples.map(({ atMs, heapBytes }) => ({ atMs, value: heapBytes })),
        mib,
      ),
    ],
  });
}

const trend = ({ bytesPerHour, growthShare }: SoakResult['heap']): string =>
  `slope ${mib(bytesPerHour)} an hour (${percent(growthShare)} over what was judged)`;
