/** What Formloom has to reach. */
import type { ServerName } from '../servers/server.js';

export interface Goal {
  readonly scenario: string;
  /** Id of a figure of that scenario. */
  readonly figure: string;
  /** The figure is divided by that of this server; undefined: taken as it is. */
  readonly against: ServerName | undefined;
  readonly limit: number;
  readonly text: string;
}

const ratio = (scenario: string, figure: string, against: ServerName, limit: number): Goal => ({
  scenario,
  figure,
  against,
  limit,
  text: `≤ ${limit} × ${against}`,
});

const absolute = (scenario: string, figure: string, limit: number, text: string): Goal => ({
  scenario,
  figure,
  against: undefined,
  limit,
  text,
});

export const GOALS: readonly Goal[] = [
  ratio('s1', 'cpuUs', 'relay', 1),
  absolute('s1', 'p99Ms', 30, 'delivery p99 ≤ 30 ms'),
  ratio('s1-load', 'cpuUs', 'relay', 0.6),
  absolute('s1-load', 'p99Ms', 30, 'delivery p99 ≤ 30 ms'),
  ratio('s1-max', 'cpuUs', 'hocuspocus', 0.5),
  ratio('s2', 'cpuUs', 'hocuspocus', 0.9),
  ratio('s2', 'cpuUs', 'yws-leveldb', 0.5),
  ratio('s3', 'cpuS', 'hocuspocus', 0.1),
  absolute('s3', 'p99Ms', 100, 'staleness p99 ≤ 100 ms'),
  ratio('s4', 'cpuUs', 'yws', 0.2),
  ratio('s6', 'cpuUs', 'hocuspocus', 0.4),
  absolute('s5', 'roomKb', 40, '≤ 40 kB per room with a connection'),
  absolute('s5', 'connectionKb', 8, '≤ 8 kB per further connection'),
  absolute('s5', 'heapGrowthMb', 2, 'live heap back to the start, + 2 MB'),
];
