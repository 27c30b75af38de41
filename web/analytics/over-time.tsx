/** One figure of the form over time. */
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { useWording } from '../app/language.js';
import { TimeChart } from '../charts/time-chart.js';
import { Problem } from '../parts/shell.js';
import type { WordKey } from '../words/index.js';
import { METRICS, useReport, type Metric, type SeriesReport, type Step } from './reports.js';

const NAMES: Readonly<Record<Metric, WordKey>> = {
  views: 'views',
  visitors: 'visitors',
  starts: 'starts',
  submissions: 'submissions',
  completed: 'completed',
  rejected: 'rejected',
  abandoned: 'abandoned',
  answers: 'answers',
  corrections: 'corrections',
  errors: 'errors',
  edits: 'edits',
  authors: 'authors',
  comments: 'commentsCount',
  conflicts: 'conflictsCount',
  editors: 'editorsAtOnce',
  respondents: 'respondentsAtOnce',
};
const STEPS: Readonly<Record<Step, { word: WordKey; seconds: number; count: number }>> = {
  minute: { word: 'stepMinute', seconds: 60, count: 120 },
  hour: { word: 'stepHour', seconds: 3_600, count: 48 },
  day: { word: 'stepDay', seconds: 86_400, count: 60 },
};
const DATES: Readonly<Record<Step, Intl.DateTimeFormatOptions>> = {
  minute: { hour: '2-digit', minute: '2-digit' },
  hour: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' },
  day: { dateStyle: 'medium', timeZone: 'UTC' },
};

/** A form that is young has a chart of its own life, not of the time before it; a few spans are always shown. */
function sinceFirst(points: SeriesReport['points']): SeriesReport['points'] {
  const first = points.findIndex(({ value }) => value !== 0);
  const start = Math.min(first === -1 ? points.length : first - 1, points.length - LEAST_SPANS);
  return points.slice(Math.max(0, start));
}
const LEAST_SPANS = 12;

/** The first span that is shown; the window moves on with the clock. */
function useStart(step: Step): string {
  const { seconds, count } = STEPS[step];
  const startOf = (): number => (Math.floor(Date.now() / 1_000 / seconds) - count + 1) * seconds;
  const [start, setStart] = useState(startOf);
  useEffect(() => {
    setStart(startOf());
    const timer = setInterval(() => setStart(startOf()), 10_000);
    return () => clearInterval(timer);
  }, [step]);
  return new Date(start * 1_000).toISOString();
}

export function OverTime({ formId }: { readonly formId: string }): ReactNode {
  const { t } = useWording();
  const [metric, setMetric] = useState<Metric>('submissions');
  const [step, setStep] = useState<Step>('hour');
  const from = useStart(step);
  const query = new URLSearchParams({ metric, step, from }).toString();
  const { data, error } = useReport<SeriesReport>(`/analytics/forms/${formId}/timeseries?${query}`);
  const points = useMemo(() => sinceFirst(data?.points ?? []), [data]);
  const times = useMemo(() => points.map(({ time }) => Date.parse(time) / 1_000), [points]);
  const name = t(NAMES[metric]);
  const series = useMemo(() => [{ name, values: points.map(({ value }) => value) }], [points, name]);
  return (
    <section aria-labelledby="over-time">
      <div className="section-head">
        <h2 id="over-time">{t('overTime')}</h2>
        <label className="inline">
          {t('metric')}
          <select value={metric} onChange={(event) => setMetric(event.target.value as Metric)}>
            {METRICS.map((one) => (
              <option key={one} value={one}>
                {t(NAMES[one])}
              </option>
            ))}
          </select>
        </label>
        <label className="inline">
          {t('step')}
          <select value={step} onChange={(event) => setStep(event.target.value as Step)}>
            {(Object.keys(STEPS) as Step[]).map((one) => (
              <option key={one} value={one}>
                {t(STEPS[one].word)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Problem>{error}</Problem>
      <TimeChart title={name} times={times} series={series} kind="count" height={220} isColumns dates={DATES[step]} />
    </section>
  );
}
