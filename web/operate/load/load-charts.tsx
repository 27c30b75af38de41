/** This node over the last hour, and live. */
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { useWording } from '../../app/language.js';
import type { FigureKind } from '../../charts/format.js';
import { TimeChart } from '../../charts/time-chart.js';
import { Problem } from '../../parts/shell.js';
import type { WordKey } from '../../words/index.js';
import { usePolled } from '../polled.js';

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}
interface Sample {
  readonly time: string;
  readonly cpuPercent: number;
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number };
  readonly eventLoopDelay: Latency;
  readonly connections: number;
  readonly rooms: number;
  readonly editsPerSecond: number;
  readonly echo: Latency | null;
  readonly append: Latency | null;
}
interface SystemMetrics {
  readonly node: string;
  readonly now: Sample;
  readonly lastHour: readonly Sample[];
}

type Line = readonly [name: WordKey, value: (sample: Sample) => number | null];
const CHARTS: readonly { title: WordKey; kind: FigureKind; lines: readonly Line[] }[] = [
  {
    title: 'chartPeople',
    kind: 'count',
    lines: [
      ['connections', ({ connections }) => connections],
      ['rooms', ({ rooms }) => rooms],
    ],
  },
  { title: 'chartEdits', kind: 'count', lines: [['perSecond', ({ editsPerSecond }) => editsPerSecond]] },
  {
    title: 'chartLatency',
    kind: 'ms',
    lines: [
      ['echoP50', ({ echo }) => echo?.p50Ms ?? null],
      ['echoP99', ({ echo }) => echo?.p99Ms ?? null],
      ['appendP99', ({ append }) => append?.p99Ms ?? null],
    ],
  },
  {
    title: 'chartLoop',
    kind: 'ms',
    lines: [
      ['median', ({ eventLoopDelay }) => eventLoopDelay.p50Ms],
      ['percentile99', ({ eventLoopDelay }) => eventLoopDelay.p99Ms],
    ],
  },
  { title: 'chartCpu', kind: 'percent', lines: [['ofOneCore', ({ cpuPercent }) => cpuPercent]] },
  {
    title: 'memory',
    kind: 'bytes',
    lines: [
      ['resident', ({ memory }) => memory.rssBytes],
      ['heap', ({ memory }) => memory.heapUsedBytes],
    ],
  },
];
/** An hour, at one every four seconds. */
const MOST_LIVE = 900;

export function LoadCharts(): ReactNode {
  const { t } = useWording();
  const { data, error } = usePolled<SystemMetrics>('/system/metrics');
  const live = useLive(data?.now);
  const samples = useMemo(() => {
    const since = live[0]?.time ?? '';
    return [...(data?.lastHour ?? []).filter(({ time }) => since === '' || time < since), ...live];
  }, [data, live]);
  const times = useMemo(() => samples.map(({ time }) => Date.parse(time) / 1_000), [samples]);
  return (
    <>
      <Problem>{error}</Problem>
      <div className="charts">
        {CHARTS.map(({ title, kind, lines }) => (
          <TimeChart
            key={title}
            title={t(title)}
            kind={kind}
            times={times}
            series={lines.map(([name, value]) => ({ name: t(name), values: samples.map(value) }))}
          />
        ))}
      </div>
    </>
  );
}

/** What was seen since the page is open: closer together than the samples of the hour. */
function useLive(now: Sample | undefined): readonly Sample[] {
  const [seen, setSeen] = useState<readonly Sample[]>([]);
  useEffect(() => {
    if (now !== undefined) setSeen((before) => [...before, now].slice(-MOST_LIVE));
  }, [now]);
  return seen;
}
